"""From findings to what is told of them: episodes, tiers, evidence."""
