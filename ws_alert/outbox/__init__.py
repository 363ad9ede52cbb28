"""From a committed alert to its confirmation: states, order, rates, dispatch."""
