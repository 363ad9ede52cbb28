"""Which of the market's coins Hyperliquid has, and how it spells them."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.coinglass.ledger import Contract
from simulator.listings import Asset, Listing

__all__ = ["contracts"]

_LEAST_TURNOVER = 1e8
_SHARE = 0.12
_IN_THOUSANDS_BELOW = 1e-4


def contracts(assets: Iterable[Asset]) -> list[Contract]:
    """Return a contract for each larger coin; the cheapest are counted in thousands (`kPEPE`)."""
    found = []
    for asset in assets:
        if asset.turnover < _LEAST_TURNOVER:
            continue
        cheap = asset.price < _IN_THOUSANDS_BELOW
        name, scale = (f"k{asset.name}", 1000) if cheap else (asset.name, 1)
        decimals = asset.listings[0].price_decimals
        listing = Listing("hyperliquid", name, asset.name, decimals, 4, scale=scale)
        found.append(Contract(asset, listing, _SHARE))
    return found
