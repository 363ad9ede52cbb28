"""What Binance's public answers mean (reference of USD-M market data). Pure.

Every function raises msgspec.MsgspecError or ValueError for a shape that is not Binance's,
and NoFiguresError for an answer without figures.
"""

from __future__ import annotations

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
    optional_price,
    ratio_of,
)

__all__ = [
    "candles",
    "day",
    "funding",
    "funding_history",
    "interest",
    "interest_history",
    "intervals",
    "mark",
    "order_book",
    "perpetuals",
    "ratio",
    "spot_usd",
    "trades",
]  # fmt: skip

_USUAL_INTERVAL_H = 8.0
_PERPETUAL = frozenset({"PERPETUAL", "TRADIFI_PERPETUAL"})


class _Symbol(Struct):
    symbol: str
    status: str
    contract: str = field(name="contractType")


class _ExchangeInfo(Struct):
    symbols: list[_Symbol]


class _Ticker(Struct):
    last: Exact = field(name="lastPrice")
    volume: Amount = field(name="quoteVolume")
    open: Exact = field(name="openPrice")
    high: Exact = field(name="highPrice")
    low: Exact = field(name="lowPrice")


class _SpotTicker(Struct):
    volume: Amount = field(name="quoteVolume")


class _Premium(Struct):
    mark: Price = field(name="markPrice")
    rate: Rate = field(name="lastFundingRate")
    next_ms: Millis = field(name="nextFundingTime")


class _Interval(Struct):
    symbol: str
    hours: float = field(name="fundingIntervalHours")


class _Interest(Struct):
    quantity: Amount = field(name="openInterest")


class _PastInterest(Struct):
    quantity: Amount = field(name="sumOpenInterest")
    time_ms: Millis = field(name="timestamp")


class _PastFunding(Struct):
    rate: Rate = field(name="fundingRate")
    time_ms: Millis = field(name="fundingTime")


class _Ratio(Struct):
    long: Amount = field(name="longAccount")
    short: Amount = field(name="shortAccount")


class _Kline(Struct, array_like=True):
    time_ms: Millis
    open: Price
    high: Price
    low: Price
    close: Price
    coins: Amount
    ends_ms: Millis
    volume: Amount
    trades: int
    bought_coins: Amount
    bought: Amount
    ignored: Exact
    """Named so that a row with a column less is refused: in it every figure would be another's."""


class _Depth(Struct):
    bids: list[tuple[Price, Amount]]
    asks: list[tuple[Price, Amount]]


class _Trade(Struct):
    price: Price = field(name="p")
    quantity: Amount = field(name="q")
    time_ms: Millis = field(name="T")
    buyer_is_maker: bool = field(name="m")


def perpetuals(body: bytes) -> frozenset[str]:
    """Return the symbols of exchangeInfo that trade now and do not expire."""
    rows = msgspec.json.decode(body, type=_ExchangeInfo).symbols
    return frozenset(row.symbol for row in rows if row.status == "TRADING" and row.contract in _PERPETUAL)


def day(body: bytes, instrument: Instrument) -> Day:
    """Read one symbol's ticker/24hr."""
    row, scale = msgspec.json.decode(body, type=_Ticker, strict=False), instrument.scale
    return Day(last(row.last, scale), row.volume, optional_price(row.open, scale), optional_price(row.high, scale),
               optional_price(row.low, scale))  # fmt: skip


def spot_usd(body: bytes) -> float:
    """Return the spot volume of 24 h from the spot market's ticker/24hr."""
    return msgspec.json.decode(body, type=_SpotTicker, strict=False).volume


def mark(body: bytes, instrument: Instrument) -> float:
    """Return the mark price of one coin from premiumIndex."""
    return last(msgspec.json.decode(body, type=_Premium, strict=False).mark, instrument.scale)


def intervals(body: bytes) -> dict[str, float]:
    """Return symbol -> hours from fundingInfo, which lists only those that differ from 8 h or once did."""
    return {row.symbol: row.hours for row in msgspec.json.decode(body, type=list[_Interval], strict=False)}


def funding(body: bytes, hours: dict[str, float] | None, instrument: Instrument) -> Funding:
    """Read premiumIndex; `hours` as `intervals` returned them, None if nobody told."""
    row = msgspec.json.decode(body, type=_Premium, strict=False)
    interval_h = None if hours is None else hours.get(instrument.symbol, _USUAL_INTERVAL_H)
    return Funding(row.rate * 100.0, interval_h, row.next_ms)


def funding_history(body: bytes) -> list[FundingPoint]:
    """Read fundingRate, oldest first."""
    rows = msgspec.json.decode(body, type=list[_PastFunding], strict=False)
    return sorted((FundingPoint(row.time_ms, row.rate * 100.0) for row in rows), key=lambda row: row.time_ms)


def interest(body: bytes, mark_price: float, instrument: Instrument) -> Interest:
    """Read openInterest, which counts base units, one side; mark_price: of one coin."""
    coins = msgspec.json.decode(body, type=_Interest, strict=False).quantity * instrument.scale
    return Interest(coins, coins * mark_price)


def interest_history(body: bytes, instrument: Instrument) -> list[InterestPoint]:
    """Read openInterestHist, oldest first."""
    rows = msgspec.json.decode(body, type=list[_PastInterest], strict=False)
    points = [InterestPoint(row.time_ms, row.quantity * instrument.scale) for row in rows]
    return sorted(points, key=lambda point: point.time_ms)


def ratio(body: bytes) -> float | None:
    """Return the newest row of one of the three long/short lists."""
    rows = msgspec.json.decode(body, type=list[_Ratio], strict=False)
    if not rows:
        raise NoFiguresError("no ratio")
    return ratio_of(rows[-1].long, rows[-1].short)


def candles(body: bytes, instrument: Instrument) -> list[Candle]:
    """Read klines, oldest first; the last may be open."""
    rows, scale = msgspec.json.decode(body, type=list[_Kline], strict=False), instrument.scale
    return [
        Candle(row.time_ms, row.open / scale, row.high / scale, row.low / scale, row.close / scale, row.volume, row.bought)
        for row in rows
    ]  # fmt: skip


def order_book(body: bytes, instrument: Instrument) -> Book:
    """Read depth."""
    rows = msgspec.json.decode(body, type=_Depth, strict=False)
    return book_of(rows.bids, rows.asks, UnitUsd(instrument))


def trades(body: bytes, instrument: Instrument) -> list[Trade]:
    """Read aggTrades, oldest first: `m` says that the buyer was the maker, so the taker sold."""
    unit = UnitUsd(instrument)
    return [
        Trade(row.time_ms, TakerSide.SELL if row.buyer_is_maker else TakerSide.BUY, row.price / unit.scale,
              unit.usd(row.price, row.quantity))
        for row in msgspec.json.decode(body, type=list[_Trade], strict=False)
    ]  # fmt: skip
