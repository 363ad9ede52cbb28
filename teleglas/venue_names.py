"""Venues as they write themselves. Pure."""

from __future__ import annotations

__all__ = ["venue_name"]

_NAMES = {"okx": "OKX", "htx": "HTX", "bitmex": "BitMEX", "dydx": "dYdX", "mexc": "MEXC", "coinex": "CoinEx",
          "coinglass": "CoinGlass"}  # fmt: skip


def venue_name(venue: str) -> str:
    """Return `Binance` for `binance`, `OKX` for `okx`."""
    return _NAMES.get(venue, venue.capitalize())
