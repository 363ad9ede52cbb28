"""Market data venues: for each the same modules, protocol facts inside, plain market events outside."""
