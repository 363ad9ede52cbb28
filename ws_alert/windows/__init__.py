"""Rolling windows over market events: pure, bounded, by event time."""
