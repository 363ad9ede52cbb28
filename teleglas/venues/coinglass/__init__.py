"""CoinGlass v4, one paid feed of many venues."""
