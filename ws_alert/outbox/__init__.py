"""From a committed decision to a confirmed message: states, order, rates, and the loop that sends."""
