"""What both bots share towards Telegram: text, and access without leaking the token."""
