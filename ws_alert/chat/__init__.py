"""What people type to the alert bot, and what it answers."""
