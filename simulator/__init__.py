"""Exchanges, CoinGlass and the Bot API as real servers on loopback, with faults; scripted and seeded."""
