"""What followed the alerts: prices read off the engine's tapes, outcomes measured and told to the engine."""
