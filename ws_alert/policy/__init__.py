"""From signal to message: who is told, when, and why not."""
