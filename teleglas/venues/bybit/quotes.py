"""What Bybit's public answers mean (v5 docs, linear and spot). Pure; errors as Binance's `quotes`.

Open interest counts both sides; the single-sided fields came on 2026-06-11 (feed-quirks 20).
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
    optional_amount,
    optional_price,
    ratio_of,
)

__all__ = ["candles", "day", "funding", "funding_history", "interest", "interest_history", "order_book", "perpetuals",
           "ratio", "spot_usd", "trades"]  # fmt: skip

_BOTH_SIDES = 2.0
_SIDES = {"Buy": TakerSide.BUY, "Sell": TakerSide.SELL}
T = TypeVar("T")


class _Rows(Struct, Generic[T]):
    rows: list[T] = field(name="list")


class _Body(Struct, Generic[T]):
    result: T


class _Contract(Struct):
    symbol: str
    status: str
    kind: str = field(name="contractType")


class _Ticker(Struct):
    last: Exact = field(name="lastPrice")
    volume: Amount = field(name="turnover24h")
    open: Exact = field(name="prevPrice24h", default=None)
    high: Exact = field(name="highPrice24h", default=None)
    low: Exact = field(name="lowPrice24h", default=None)
    mark: Exact = field(name="markPrice", default=None)
    rate: Exact = field(name="fundingRate", default=None)
    next_ms: Exact = field(name="nextFundingTime", default=None)
    interval_h: Exact = field(name="fundingIntervalHour", default=None)
    both_sides: Exact = field(name="openInterest", default=None)
    both_sides_usd: Exact = field(name="openInterestValue", default=None)
    one_side: Exact = field(name="singleOpenInterest", default=None)
    one_side_usd: Exact = field(name="singleOpenInterestValue", default=None)


class _PastInterest(Struct):
    both_sides: Amount = field(name="openInterest")
    time_ms: Millis = field(name="timestamp")
    one_side: Exact = field(name="singleOpenInterest", default=None)


class _PastFunding(Struct):
    rate: Rate = field(name="fundingRate")
    time_ms: Millis = field(name="fundingRateTimestamp")


class _Ratio(Struct):
    long: Amount = field(name="buyRatio")
    short: Amount = field(name="sellRatio")
    time_ms: Millis = field(name="timestamp")


class _Kline(Struct, array_like=True):
    time_ms: Millis
    open: Price
    high: Price
    low: Price
    close: Price
    coins: Amount
    volume: Amount


class _Depth(Struct):
    bids: list[tuple[Price, Amount]] = field(name="b")
    asks: list[tuple[Price, Amount]] = field(name="a")


class _Trade(Struct):
    price: Price
    size: Amount
    side: str
    time_ms: Millis = field(name="time")


def perpetuals(body: bytes) -> frozenset[str]:
    """Return the symbols of one page of instruments-info that trade now and do not expire."""
    rows = msgspec.json.decode(body, type=_Body[_Rows[_Contract]]).result.rows
    return frozenset(row.symbol for row in rows if row.status == "Trading" and row.kind == "LinearPerpetual")


def day(body: bytes, instrument: Instrument) -> Day:
    """Read one symbol's ticker."""
    row, scale = _ticker(body), instrument.scale
    return Day(last(row.last, scale), row.volume, optional_price(row.open, scale), optional_price(row.high, scale),
               optional_price(row.low, scale), optional_price(row.mark, scale))  # fmt: skip


def spot_usd(body: bytes) -> float:
    """Return the spot volume of 24 h from the ticker of category spot."""
    return _ticker(body).volume


def interest(body: bytes, instrument: Instrument) -> Interest:
    """Read one symbol's ticker: the single-sided fields, else half of both sides."""
    row = _ticker(body)
    quantity, usd = optional_amount(row.one_side), optional_amount(row.one_side_usd)
    if quantity is None or usd is None:
        quantity, usd = (
            optional_amount(row.both_sides, _BOTH_SIDES),
            optional_amount(row.both_sides_usd, _BOTH_SIDES),
        )
    if quantity is None or usd is None:
        raise ValueError("the ticker has no open interest")
    return Interest(quantity * instrument.scale, usd)


def interest_history(body: bytes, instrument: Instrument) -> list[InterestPoint]:
    """Read open-interest, oldest first."""
    rows = msgspec.json.decode(body, type=_Body[_Rows[_PastInterest]], strict=False).result.rows
    points = []
    for row in rows:
        one_side = optional_amount(row.one_side)
        coins = row.both_sides / _BOTH_SIDES if one_side is None else one_side
        points.append(InterestPoint(row.time_ms, coins * instrument.scale))
    return sorted(points, key=lambda point: point.time_ms)


def funding(body: bytes) -> Funding:
    """Read one symbol's ticker."""
    row = _ticker(body)
    rate, next_ms = optional(row.rate), optional(row.next_ms)
    if rate is None:
        raise NoFiguresError("no funding rate")
    return Funding(rate * 100.0, optional(row.interval_h), None if not next_ms else round(next_ms))


def funding_history(body: bytes) -> list[FundingPoint]:
    """Read funding/history, oldest first."""
    rows = msgspec.json.decode(body, type=_Body[_Rows[_PastFunding]], strict=False).result.rows
    return sorted((FundingPoint(row.time_ms, row.rate * 100.0) for row in rows), key=lambda row: row.time_ms)


def ratio(body: bytes) -> float | None:
    """Return the newest row of account-ratio: accounts that hold longs to accounts that hold shorts."""
    rows = msgspec.json.decode(body, type=_Body[_Rows[_Ratio]], strict=False).result.rows
    if not rows:
        raise NoFiguresError("no ratio")
    newest = max(rows, key=lambda row: row.time_ms)
    return ratio_of(newest.long, newest.short)


def candles(body: bytes, instrument: Instrument) -> list[Candle]:
    """Read kline, oldest first; the last may be open. Bybit does not tell the takers' part."""
    rows, scale = (
        msgspec.json.decode(body, type=_Body[_Rows[_Kline]], strict=False).result.rows,
        instrument.scale,
    )
    found = [
        Candle(
            row.time_ms, row.open / scale, row.high / scale, row.low / scale, row.close / scale, row.volume
        )
        for row in rows
    ]
    return sorted(found, key=lambda candle: candle.time_ms)


def order_book(body: bytes, instrument: Instrument) -> Book:
    """Read orderbook."""
    rows = msgspec.json.decode(body, type=_Body[_Depth], strict=False).result
    return book_of(rows.bids, rows.asks, UnitUsd(instrument))


def trades(body: bytes, instrument: Instrument) -> list[Trade]:
    """Read recent-trade, oldest first."""
    unit, found = UnitUsd(instrument), []
    for row in msgspec.json.decode(body, type=_Body[_Rows[_Trade]], strict=False).result.rows:
        side = _SIDES.get(row.side)
        if side is None:
            raise ValueError("a side was expected")
        found.append(Trade(row.time_ms, side, row.price / unit.scale, unit.usd(row.price, row.size)))
    return sorted(found, key=lambda trade: trade.time_ms)


def _ticker(body: bytes) -> _Ticker:
    rows = msgspec.json.decode(body, type=_Body[_Rows[_Ticker]], strict=False).result.rows
    if not rows:
        raise NoFiguresError("no ticker")
    return rows[0]
