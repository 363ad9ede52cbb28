"""CoinGlass v4 as typed answers: one table of endpoints, tolerant decoding, cache, shared budget."""
