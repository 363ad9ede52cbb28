"""What Hyperliquid's public answers mean (info endpoint, recorded frames of 2026). Pure; errors as Binance's `quotes`.

Kilo coins (`kPEPE`) count price and size per 1000. Funding is HOURLY. Sources disagree whether
`openInterest` counts one side or both, so it is marked as disputed and belongs into no sum.
"""

from __future__ import annotations

import math

import msgspec
from msgspec import Struct, field

from teleglas.instruments import asset_and_scale
from teleglas.market import Instrument, PositionSide, TakerSide
from teleglas.venues.quotes import (
    Amount,
    Book,
    Candle,
    Day,
    Exact,
    Funding,
    FundingPoint,
    Interest,
    Millis,
    NoFiguresError,
    Position,
    Price,
    Rate,
    Trade,
    UnitUsd,
    book_of,
    last,
    optional_price,
)

__all__ = ["Context", "candles", "contexts", "day", "funding", "funding_history", "interest", "order_book",
           "perpetuals", "positions", "trades"]  # fmt: skip

_HOUR_MS = 3_600_000
_SIDES = {"B": TakerSide.BUY, "A": TakerSide.SELL}
_PARTIES = 2


class _Coin(Struct):
    name: str
    delisted: bool = field(name="isDelisted", default=False)


class _Meta(Struct):
    universe: list[_Coin]


class Context(Struct):
    """One perpetual's state, as the venue spells it."""

    mark: Price = field(name="markPx")
    volume: Amount = field(name="dayNtlVlm")
    quantity: Amount = field(name="openInterest")
    rate: Rate = field(name="funding")
    open: Exact = field(name="prevDayPx", default=None)
    middle: Exact = field(name="midPx", default=None)


class _Candle(Struct):
    time_ms: Millis = field(name="t")
    open: Price = field(name="o")
    high: Price = field(name="h")
    low: Price = field(name="l")
    close: Price = field(name="c")
    coins: Amount = field(name="v")


class _PastFunding(Struct):
    rate: Rate = field(name="fundingRate")
    time_ms: Millis = field(name="time")


class _Row(Struct):
    price: Price = field(name="px")
    size: Amount = field(name="sz")


class _Depth(Struct):
    levels: tuple[list[_Row], list[_Row]]


class _Trade(Struct):
    price: Price = field(name="px")
    size: Amount = field(name="sz")
    side: str
    time_ms: Millis = field(name="time")
    users: list[str] = []


class _Leverage(Struct):
    value: Amount


class _Held(Struct):
    coin: str
    size: float = field(name="szi")
    worth: Amount = field(name="positionValue")
    profit: float = field(name="unrealizedPnl")
    leverage: _Leverage
    entry: Exact = field(name="entryPx", default=None)
    liquidation: Exact = field(name="liquidationPx", default=None)


class _Holding(Struct):
    position: _Held


class _Account(Struct):
    holdings: list[_Holding] = field(name="assetPositions")
    time_ms: Millis = field(name="time")


def contexts(body: bytes) -> dict[str, Context]:
    """Return coin -> state of the perpetuals that trade now. Raises ValueError if names and states do not pair."""
    meta, states = msgspec.json.decode(body, type=tuple[_Meta, list[Context]], strict=False)
    if len(meta.universe) != len(states):
        raise ValueError("as many states as coins were expected")
    return {coin.name: state for coin, state in zip(meta.universe, states, strict=True) if not coin.delisted}


def perpetuals(states: dict[str, Context]) -> dict[str, Instrument]:
    """Return the contracts by coin; those of other builders (`xyz:GOLD`) are left out."""
    table = {}
    for coin in states:
        if ":" not in coin:
            asset, scale = asset_and_scale(coin)
            table[coin] = Instrument("hyperliquid", coin, asset, scale=scale)
    return table


def day(state: Context, instrument: Instrument) -> Day:
    """Return the last 24 h; the price is the middle of the book, else the mark."""
    scale = instrument.scale
    price = optional_price(state.middle, scale) or last(state.mark, scale)
    return Day(price, state.volume, optional_price(state.open, scale), mark=last(state.mark, scale))


def funding(state: Context, now_ms: int) -> Funding:
    """Return the hourly rate, settled at each full hour."""
    return Funding(state.rate * 100.0, 1.0, (now_ms // _HOUR_MS + 1) * _HOUR_MS)


def interest(state: Context, instrument: Instrument) -> Interest:
    """Return the open interest as published."""
    return Interest(state.quantity * instrument.scale, state.quantity * state.mark, disputed=True)


def candles(body: bytes, instrument: Instrument) -> list[Candle]:
    """Read candleSnapshot, oldest first; the last may be open. The volume in USD is of the closing price."""
    scale = instrument.scale
    found = [
        Candle(row.time_ms, row.open / scale, row.high / scale, row.low / scale, row.close / scale,
               row.coins * row.close)
        for row in msgspec.json.decode(body, type=list[_Candle], strict=False)
    ]  # fmt: skip
    return sorted(found, key=lambda candle: candle.time_ms)


def funding_history(body: bytes) -> list[FundingPoint]:
    """Read fundingHistory, oldest first."""
    rows = msgspec.json.decode(body, type=list[_PastFunding], strict=False)
    return sorted((FundingPoint(row.time_ms, row.rate * 100.0) for row in rows), key=lambda row: row.time_ms)


def order_book(body: bytes, instrument: Instrument) -> Book:
    """Read l2Book: bids first."""
    bids, asks = msgspec.json.decode(body, type=_Depth, strict=False).levels
    return book_of([(row.price, row.size) for row in bids], [(row.price, row.size) for row in asks],
                   UnitUsd(instrument))  # fmt: skip


def trades(body: bytes, instrument: Instrument) -> list[Trade]:
    """Read recentTrades, oldest first: `B` is a taker who bought, `A` one who sold."""
    unit, found = UnitUsd(instrument), []
    for row in msgspec.json.decode(body, type=list[_Trade], strict=False):
        side = _SIDES.get(row.side)
        if side is None:
            raise ValueError("a side was expected")
        buyer, seller = row.users if len(row.users) == _PARTIES else ("", "")
        taker = buyer if side is TakerSide.BUY else seller
        found.append(Trade(row.time_ms, side, row.price / unit.scale, unit.usd(row.price, row.size), taker))
    if not found:
        raise NoFiguresError("no trade yet")
    return sorted(found, key=lambda trade: trade.time_ms)


def positions(body: bytes) -> list[Position]:
    """Read an account's clearinghouseState, largest first: the sign of the size is the side."""
    account = msgspec.json.decode(body, type=_Account, strict=False)
    found = []
    for row in (holding.position for holding in account.holdings):
        if row.size == 0.0 or ":" in row.coin or not math.isfinite(row.size + row.profit):
            continue
        asset, scale = asset_and_scale(row.coin)
        side = PositionSide.LONG if row.size > 0.0 else PositionSide.SHORT
        entry, liquidation = optional_price(row.entry, scale), optional_price(row.liquidation, scale)
        found.append(
            Position(
                asset, side, row.worth, row.leverage.value, row.profit, entry, liquidation, account.time_ms
            )
        )
    return sorted(found, key=lambda position: -position.usd)
