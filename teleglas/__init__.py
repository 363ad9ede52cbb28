"""What both bots share: market types, venues, storage, Telegram text and charts."""
