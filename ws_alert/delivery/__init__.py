"""What people see, and the channels that carry it."""
