"""Every command: one table, its handlers, and what is generated from it."""
