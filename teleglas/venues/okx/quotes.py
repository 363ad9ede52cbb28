"""What OKX's public answers mean (docs-v5; rubik = its trading statistics). Pure; errors as Binance's `quotes`.

Sizes are in contracts, so an instrument's multiplier is needed for every amount.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct, field

from teleglas.market import Instrument, TakerSide
from teleglas.venues.quotes import (
    Amount,
    Book,
    Candle,
    Day,
    Exact,
    Flow,
    Funding,
    FundingPoint,
    Interest,
    InterestPoint,
    Millis,
    NoFiguresError,
    Price,
    Rate,
    Trade,
    UnitUsd,
    book_of,
    last,
    optional,
    optional_price,
)

__all__ = ["candles", "day", "flows", "funding", "funding_history", "interest", "interest_history", "order_book",
           "perpetuals", "ratio", "spot_usd", "trades"]  # fmt: skip

_HOUR_MS = 3_600_000.0
_SIDES = {"buy": TakerSide.BUY, "sell": TakerSide.SELL}
T = TypeVar("T")


class _Body(Struct, Generic[T]):
    data: list[T]


class _Contract(Struct):
    symbol: str = field(name="instId")
    state: str


class _Ticker(Struct):
    last: Exact
    volume: Amount = field(name="volCcy24h")
    open: Exact = field(name="open24h")
    high: Exact = field(name="high24h")
    low: Exact = field(name="low24h")


class _SpotTicker(Struct):
    volume: Amount = field(name="volCcy24h")


class _Interest(Struct):
    coins: Amount = field(name="oiCcy")
    usd: Amount = field(name="oiUsd")


class _PastInterest(Struct, array_like=True):
    """All columns are named, also of other rows, so that one with a column less is refused."""

    time_ms: Millis
    contracts: Amount
    coins: Amount
    usd: Amount


class _Funding(Struct):
    rate: Rate = field(name="fundingRate")
    due_ms: Millis = field(name="fundingTime")
    after_ms: Exact = field(name="nextFundingTime", default=None)


class _PastFunding(Struct):
    rate: Rate = field(name="realizedRate")
    time_ms: Millis = field(name="fundingTime")


class _Ratio(Struct, array_like=True):
    time_ms: Millis
    value: Amount


class _Takers(Struct, array_like=True):
    time_ms: Millis
    sold: Amount
    bought: Amount


class _Bar(Struct, array_like=True):
    time_ms: Millis
    open: Price
    high: Price
    low: Price
    close: Price
    contracts: Amount
    coins: Amount
    volume: Amount
    closed: Exact


class _Depth(Struct):
    bids: list[list[str]]
    asks: list[list[str]]


class _Trade(Struct):
    price: Price = field(name="px")
    size: Amount = field(name="sz")
    side: str
    time_ms: Millis = field(name="ts")


def perpetuals(body: bytes) -> frozenset[str]:
    """Return the swaps of instruments that trade now."""
    rows = msgspec.json.decode(body, type=_Body[_Contract]).data
    return frozenset(row.symbol for row in rows if row.state == "live")


def day(body: bytes, instrument: Instrument) -> Day:
    """Read one swap's ticker: `volCcy24h` counts coins."""
    row, scale = _first(body, _Ticker), instrument.scale
    price = last(row.last, scale)
    return Day(price, row.volume * price * scale, optional_price(row.open, scale), optional_price(row.high, scale),
               optional_price(row.low, scale))  # fmt: skip


def spot_usd(body: bytes) -> float:
    """Return the spot volume of 24 h: of a spot pair `volCcy24h` counts the quote currency."""
    return _first(body, _SpotTicker).volume


def interest(body: bytes, instrument: Instrument) -> Interest:
    """Read one swap's open-interest; `oiUsd` counts one side."""
    row = _first(body, _Interest)
    return Interest(row.coins * instrument.scale, row.usd)


def interest_history(body: bytes, instrument: Instrument) -> list[InterestPoint]:
    """Read rubik's open-interest-history, oldest first."""
    rows = msgspec.json.decode(body, type=_Body[_PastInterest], strict=False).data
    points = [InterestPoint(row.time_ms, row.coins * instrument.scale) for row in rows]
    return sorted(points, key=lambda point: point.time_ms)


def funding(body: bytes) -> Funding:
    """Read funding-rate: `fundingTime` is the next settlement, `nextFundingTime` the one after it."""
    row = _first(body, _Funding)
    after = optional(row.after_ms)
    hours = (after - row.due_ms) / _HOUR_MS if after else 0.0
    return Funding(row.rate * 100.0, hours if 0.0 < hours <= 24.0 else None, row.due_ms)


def funding_history(body: bytes) -> list[FundingPoint]:
    """Read funding-rate-history, oldest first; `realizedRate` is what was paid."""
    rows = msgspec.json.decode(body, type=_Body[_PastFunding], strict=False).data
    return sorted((FundingPoint(row.time_ms, row.rate * 100.0) for row in rows), key=lambda row: row.time_ms)


def ratio(body: bytes) -> float:
    """Return the newest row of one of rubik's long/short lists: longs divided by shorts."""
    rows = msgspec.json.decode(body, type=_Body[_Ratio], strict=False).data
    if not rows:
        raise NoFiguresError("no ratio")
    return max(rows, key=lambda row: row.time_ms).value


def flows(body: bytes) -> list[Flow]:
    """Read rubik's taker-volume-contract in USD (`unit=2`), oldest first: rows are [time, SOLD, bought]."""
    rows = msgspec.json.decode(body, type=_Body[_Takers], strict=False).data
    return sorted((Flow(row.time_ms, row.bought, row.sold) for row in rows), key=lambda row: row.time_ms)


def candles(body: bytes, instrument: Instrument) -> list[Candle]:
    """Read candles, oldest first; the last may be open."""
    rows, scale = msgspec.json.decode(body, type=_Body[_Bar], strict=False).data, instrument.scale
    found = [
        Candle(
            row.time_ms, row.open / scale, row.high / scale, row.low / scale, row.close / scale, row.volume
        )
        for row in rows
    ]
    return sorted(found, key=lambda candle: candle.time_ms)


def order_book(body: bytes, instrument: Instrument) -> Book:
    """Read books: levels are [price, contracts, (obsolete), orders]."""
    row = _first(body, _Depth)
    return book_of(_levels(row.bids), _levels(row.asks), UnitUsd(instrument))


def trades(body: bytes, instrument: Instrument) -> list[Trade]:
    """Read trades, oldest first."""
    unit, found = UnitUsd(instrument), []
    for row in msgspec.json.decode(body, type=_Body[_Trade], strict=False).data:
        side = _SIDES.get(row.side)
        if side is None:
            raise ValueError("a side was expected")
        found.append(Trade(row.time_ms, side, row.price / unit.scale, unit.usd(row.price, row.size)))
    return sorted(found, key=lambda trade: trade.time_ms)


def _first(body: bytes, kind: type[T]) -> T:
    rows: list[T] = msgspec.json.decode(body, type=_Body[kind], strict=False).data  # type: ignore[valid-type]
    if not rows:
        raise NoFiguresError("an empty list")
    return rows[0]


def _levels(rows: list[list[str]]) -> list[tuple[float, float]]:
    levels = []
    for row in rows:
        if len(row) < 2:
            raise ValueError("a price and a size were expected")
        levels.append((float(row[0]), float(row[1])))
    return levels
