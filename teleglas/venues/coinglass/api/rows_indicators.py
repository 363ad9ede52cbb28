"""Technical indicators, market indices and rates over time (reference: coinglass 3.7 and 3.10)."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, each
from teleglas.venues.coinglass.api.values import Ms, Number, Text, decode_value

__all__ = ["AltcoinSeason", "Basis", "Bollinger", "BorrowRate", "Dominance", "Figure", "Footprint", "FootprintRow",
           "MarginPositions", "NetPosition", "PeakSign", "Point", "VolumeRatio", "figure", "read_footprints",
           "read_peak_signs"]  # fmt: skip

_FIGURE = re.compile(r"([-+]?[\d,]*\.?\d+(?:[eE][-+]?\d+)?)\s*(\D*)")
_LONGEST_FIGURE = 60
_FOOTPRINT_COLUMNS = 10
_SIGN_KEYS = ("current", "target", "previous", "change")


class Point(Struct, frozen=True):
    """An indicator at the end of a period, in its own unit: averages and MACD in USD, indices without one."""

    time_ms: Ms = field(name="time")
    value: Number


class Bollinger(Struct, frozen=True):
    """Bollinger bands, USD."""

    time_ms: Ms = field(name="time")
    middle: Number = field(name="mb_value")
    upper: Number = field(name="ub_value")
    lower: Number = field(name="lb_value")


class Basis(Struct, frozen=True):
    """The future's price above the index: percent, and USD, at the period's open and close."""

    time_ms: Ms = field(name="time")
    open_percent: Number = field(name="open_basis")
    close_percent: Number = field(name="close_basis")
    open_usd: Number = field(name="open_change", default=None)
    close_usd: Number = field(name="close_change", default=None)


class NetPosition(Struct, frozen=True):
    """How the longs and the shorts of a pair changed within a period, coins."""

    time_ms: Ms = field(name="time")
    long_change: Number = field(name="net_long_change")
    short_change: Number = field(name="net_short_change")


class MarginPositions(Struct, frozen=True):
    """Margin longs and shorts on Bitfinex, coins."""

    time_ms: Ms = field(name="time")
    long_quantity: Number
    short_quantity: Number


class BorrowRate(Struct, frozen=True):
    """What borrowing a coin for a day costs, as given: whether a percentage or a fraction is not documented."""

    time_ms: Ms = field(name="time")
    daily_rate: Number = field(name="interest_rate")


class VolumeRatio(Struct, frozen=True):
    """A period's volume of futures against spot, USD; ratio is futures divided by spot."""

    time_ms: Ms = field(name="time")
    ratio: Number = field(name="futures_spot_vol_ratio")
    futures_usd: Number = field(name="futures_vol_usd")
    spot_usd: Number = field(name="spot_vol_usd")


class Dominance(Struct, frozen=True):
    """Bitcoin's share of all coins' market value; price and market cap are Bitcoin's, USD."""

    time_ms: Ms = field(name="timestamp")
    percent: Number = field(name="bitcoin_dominance")
    price_usd: Number = field(name="price", default=None)
    market_cap_usd: Number = field(name="market_cap", default=None)


class AltcoinSeason(Struct, frozen=True):
    """The altcoin season index (0-100) and the altcoins' market value, USD."""

    time_ms: Ms = field(name="timestamp")
    value: Number = field(name="altcoin_index")
    market_cap_usd: Number = field(name="altcoin_marketcap", default=None)


class Figure(Struct, frozen=True):
    """A number written with its unit, such as `-0.1%`; value None for words, which are the unit then."""

    value: float | None
    unit: str = ""


class PeakSign(Struct, frozen=True):
    """One sign of a bull market's end: reached when `current <comparison> target`."""

    name: str
    current: Figure | None
    target: Figure | None
    previous: Figure | None
    change: Figure | None
    comparison: str
    reached: bool


class FootprintRow(Struct, frozen=True):
    """Taker trades within a band of prices: coins, USD and their number."""

    low: float
    high: float
    buy_quantity: float | None
    sell_quantity: float | None
    buy_usd: float | None
    sell_usd: float | None
    buys: float | None
    sells: float | None


class Footprint(Struct, frozen=True):
    """One period's trades by price, lowest first. time_ms: its start."""

    time_ms: int
    rows: list[FootprintRow]


def figure(value: Any) -> Figure | None:
    """Read `-0.1%`, `1,250K` or `4`; None for nothing. Raises ShapeError for what is no figure."""
    text = "" if value is None else str(value).strip()
    if isinstance(value, bool | list | dict) or len(text) > _LONGEST_FIGURE:
        raise ShapeError("a figure was expected")
    match = _FIGURE.fullmatch(text)
    if match:
        return Figure(decode_value(Number, match[1].replace(",", "")), match[2].strip())
    return Figure(None, text) if text.strip("-") else None


def read_peak_signs(data: Data) -> Decoded[list[PeakSign]]:
    """Read the signs in their order."""
    return each(data, _peak_sign)


def read_footprints(data: Data) -> Decoded[list[Footprint]]:
    """Read `[seconds, [[low, high, coins x 2, quote x 2, USD x 2, trades x 2], ...]]`, oldest first."""
    found = each(data, lambda item: Footprint(decode_value(Ms, item[0]), _bands(item[1])))
    found.value.sort(key=lambda period: period.time_ms)
    return found


def _peak_sign(item: Any) -> PeakSign:
    reached = item["hit_status"]
    if not isinstance(reached, bool):
        raise ShapeError("true or false was expected")
    current, target, previous, change = (figure(item.get(f"{key}_value")) for key in _SIGN_KEYS)
    name, comparison = decode_value(Text, item["indicator_name"]), str(item.get("comparison_type", ""))
    return PeakSign(name, current, target, previous, change, comparison, reached)


def _bands(items: Any) -> list[FootprintRow]:
    return sorted(each(items, _band).value, key=lambda band: band.low)


def _band(item: Any) -> FootprintRow:
    values = [decode_value(Number, value) for value in item]
    if len(values) < _FOOTPRINT_COLUMNS or values[0] is None or values[1] is None:
        raise ShapeError("ten numbers from a lowest and a highest price on were expected")
    return FootprintRow(*values[:4], *values[6:10])
