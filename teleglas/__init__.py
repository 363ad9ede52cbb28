"""What both bots share: market types, venues, storage, Telegram text and charts."""

__version__ = "0.1.0"
