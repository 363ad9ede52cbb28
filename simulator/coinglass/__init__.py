"""CoinGlass v4: streams and REST behind a key with a plan."""
