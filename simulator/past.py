"""A past for the simulated market: prices, flows and forced orders of any time before and after its start.

Everything is a sum of a few sine waves with phases of their own, so a value at any time costs
nothing to keep, and flows over adjoining times add up exactly. Deterministic by name. Pure.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache

from simulator.feeds import Printed
from simulator.listings import Asset, Listing

__all__ = ["HOUR_MS", "SLOW", "Wave", "forced_orders", "past_price", "wave"]

HOUR_MS = 3_600_000
_PERIODS_MS = (7 * 24 * HOUR_MS, 24 * HOUR_MS, 8 * HOUR_MS, 2.3 * HOUR_MS, 37 * 60_000, 9 * 60_000)
_PRICE = (0.04, 0.012, 0.006, 0.003, 0.0015, 0.0006)
SLOW = (0.1, 0.02, 0.01, 0.004, 0.0015, 0.0005)
"""Heights of what changes over days rather than minutes."""

_EVEN = (0.2, 0.2, 0.15, 0.12, 0.1, 0.08)
_REFERENCE_TURNOVER = 4.2e10
_ORDERS_AN_HOUR = 9.0
_LOG_MEAN, _LOG_SD = 10.2, 1.3
_LEAST_USD = 250.0


class Wave:
    """A smooth function of the time in ms since the start, between about -1 and 1 unless shaped otherwise."""

    def __init__(self, name: str, heights: tuple[float, ...] = _EVEN) -> None:
        phases = random.Random(f"wave {name}")
        self._parts = [
            (height, 2 * math.pi / period, phases.uniform(0, 2 * math.pi))
            for height, period in zip(heights, _PERIODS_MS, strict=True)
        ]

    def at(self, ms: float) -> float:
        """Return the value at a time."""
        return sum(height * math.sin(speed * ms + phase) for height, speed, phase in self._parts)

    def over(self, begin_ms: float, end_ms: float) -> float:
        """Return the integral over a span, in value x ms."""
        return sum(
            height / speed * (math.cos(speed * begin_ms + phase) - math.cos(speed * end_ms + phase))
            for height, speed, phase in self._parts
        )


@lru_cache(maxsize=20_000)
def wave(name: str, heights: tuple[float, ...] = _EVEN) -> Wave:
    """Return the wave of this name."""
    return Wave(name, heights)


@lru_cache(maxsize=4_000)
def _price_wave(asset: str) -> Wave:
    return Wave(f"price {asset}", _PRICE)


def past_price(asset: Asset, ms: float) -> float:
    """Return a coin's price at a time before the start; at the start it is `asset.price`."""
    shape = _price_wave(asset.name)
    return asset.price * math.exp(shape.at(ms) - shape.at(0))


@lru_cache(maxsize=60_000)
def forced_orders(asset: Asset, listing: Listing, share: float, hour: int, start_ms: int) -> tuple[Printed, ...]:
    """Return the forced orders of one contract in one hour before the start, oldest first.

    hour: counted from the start, so negative. start_ms: Unix ms of the start.
    """
    if not asset.turnover:
        return ()
    dice = random.Random(f"forced {listing.venue} {listing.symbol} {hour}")
    weight = math.sqrt(asset.turnover / _REFERENCE_TURNOVER) * share
    long_share = 0.5 + 0.35 * wave(f"long {asset.name}").at(hour * HOUR_MS)
    times = sorted(dice.random() for _ in range(round(_ORDERS_AN_HOUR * weight * 3 + dice.random())))
    orders = []
    for part in times:
        at = (hour + part) * HOUR_MS
        price = past_price(asset, at) * listing.scale
        usd = max(_LEAST_USD, dice.lognormvariate(_LOG_MEAN, _LOG_SD) * math.sqrt(weight))
        text, quantity = f"{price:.{listing.price_decimals}f}", listing.quantity(usd, price)
        value = listing.usd(float(text), float(quantity))
        long = dice.random() < long_share
        orders.append(Printed(listing, start_ms + math.floor(at), long, text, quantity, value))
    return tuple(orders)
