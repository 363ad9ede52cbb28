"""Indicators, mood, and the account (reference: coinglass 2 and 3.10)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, each
from teleglas.venues.coinglass.api.values import Ms, Number, Text, decode_value

__all__ = ["RSI_WINDOWS", "FearGreed", "Premium", "Rsi", "RsiRow", "Subscription", "read_fear_greed"]

_MOST = 100.0


class RsiRow(Struct, frozen=True):
    """A coin's relative strength index (0-100) and price change in percent, by length of time."""

    coin: Text = field(name="symbol")
    rsi: dict[str, Number]
    price: Number = field(name="current_price", default=None)
    price_change_percent: dict[str, Number] = {}


RSI_WINDOWS = {"rsi": ("rsi_",), "price_change_percent": ("price_change_percent_",)}


class Rsi(Struct, frozen=True):
    """The index at the end of a period; None while there are too few periods before it."""

    time_ms: Ms = field(name="time")
    value: Number = field(name="rsi_value")


class Premium(Struct, frozen=True):
    """Coinbase's BTC price above Binance's, USD. Divide by the price for a rate: the given one has no known unit."""

    time_ms: Ms = field(name="time")
    premium_usd: Number = field(name="premium")


class FearGreed(Struct, frozen=True):
    """A day's index from 0 (fear) to 100 (greed); None for a value outside."""

    time_ms: int
    value: float | None
    price: float | None = None


class Subscription(Struct, frozen=True):
    """The key's plan; expires_ms as Unix ms."""

    level: Text
    expired: bool = False
    expires_ms: Ms | None = field(name="expire_time", default=None)


def read_fear_greed(data: Data) -> Decoded[list[FearGreed]]:
    """Read parallel arrays, in an object or in a list of one (both are seen), oldest first."""
    chart: Any = data[0] if isinstance(data, list) and data else data
    if not chart:
        return Decoded([])
    if not isinstance(chart, dict):
        raise ShapeError("an object of lists was expected")
    times, values = chart.get("time_list"), chart.get("data_list", chart.get("values"))
    if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        raise ShapeError("as many values as times were expected")
    prices = chart.get("price_list", chart.get("price"))
    if not isinstance(prices, list) or len(prices) != len(times):
        prices = [None] * len(times)
    found = each(list(zip(times, values, prices, strict=True)), _day)
    found.value.sort(key=lambda day: day.time_ms)
    return found


def _day(item: tuple[Any, Any, Any]) -> FearGreed:
    value = decode_value(Number, item[1])
    inside = value is not None and 0 <= value <= _MOST
    return FearGreed(decode_value(Ms, item[0]), value if inside else None, decode_value(Number, item[2]))
