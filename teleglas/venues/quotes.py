"""What venues publish for everyone, in natural units; the field types that their rows are read with.

Prices are USD of ONE coin, amounts USD, rates percent, times Unix ms. Open interest is
single-sided: the contracts that are open, not the positions of both their holders. None is
unknown and never zero.
"""

from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta, Struct

from teleglas.errors import TeleglasError
from teleglas.market import Instrument, PositionSide, TakerSide

__all__ = ["MINUTES", "Amount", "Book", "Candle", "Day", "Exact", "Flow", "Funding", "FundingPoint", "Interest",
           "InterestPoint", "Level", "LongShort", "Millis", "NoFiguresError", "NotPublishedError", "Position", "Price",
           "Rate", "Trade", "UnitUsd", "book_of", "flow_of", "last", "optional", "optional_amount", "optional_price",
           "ratio_of"]  # fmt: skip

MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
"""Candles that every venue offers; the spelling is ours, each venue's own is its adapter's."""

_HIGHEST = 1e12
_ROUNDED = 1.0001

Price = Annotated[float, Meta(gt=0.0, lt=_HIGHEST)]
_MOST = 1e18
Amount = Annotated[float, Meta(ge=0.0, lt=_MOST)]
Rate = Annotated[float, Meta(gt=-1.0, lt=1.0)]
Millis = Annotated[int, Meta(gt=0, lt=10**14)]
Exact = str | float | None
"""A number that may be an empty string or missing; see `optional`."""


class NoFiguresError(TeleglasError):
    """The venue knows the contract and has no figures for it."""


class NotPublishedError(TeleglasError):
    """The venue does not publish this to anyone."""


class Day(Struct, frozen=True):
    """The last 24 h of one contract. mark: None where the venue's answer has none."""

    price: float
    volume_usd: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    mark: float | None = None


class Candle(Struct, frozen=True):
    """A period that begins at time_ms. buy_usd: the part of the volume that takers bought, if told."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume_usd: float | None = None
    buy_usd: float | None = None


class Flow(Struct, frozen=True):
    """What takers bought and sold in the period that begins at time_ms."""

    time_ms: int
    buy_usd: float
    sell_usd: float


class Interest(Struct, frozen=True):
    """Open interest now. disputed: sources disagree whether the venue counts one side or both."""

    coins: float
    usd: float
    disputed: bool = False


class InterestPoint(Struct, frozen=True):
    """Open interest at a time, in coins, so that the price's moves do not look like positions."""

    time_ms: int
    coins: float


class Funding(Struct, frozen=True):
    """percent: per interval of interval_h hours; None for an interval that the venue did not tell."""

    percent: float
    interval_h: float | None
    next_ms: int | None

    @property
    def percent_8h(self) -> float | None:
        """The rate as percent per 8 h."""
        return self.percent * 8.0 / self.interval_h if self.interval_h else None


class FundingPoint(Struct, frozen=True):
    """A settled rate, percent per its interval."""

    time_ms: int
    percent: float


class LongShort(Struct, frozen=True):
    """Longs divided by shorts: of all accounts, of the top traders' accounts, of their positions."""

    global_account: float | None = None
    top_account: float | None = None
    top_position: float | None = None


class Level(Struct, frozen=True):
    """A price and what rests there, USD."""

    price: float
    usd: float


class Book(Struct, frozen=True):
    """Resting orders, best first; both sides have at least one level and do not cross."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def middle(self) -> float:
        """The price between the best bid and the best ask."""
        return (self.bids[0].price + self.asks[0].price) / 2


class Trade(Struct, frozen=True):
    """One row of the tape. side: of the taker. taker: their account, empty where the venue names nobody."""

    time_ms: int
    side: TakerSide
    price: float
    usd: float
    taker: str = ""


class Position(Struct, frozen=True):
    """What one account holds of a coin. usd: at the mark price; leverage: as the holder set it.

    liquidation_price: None where the venue computes none, e.g. since other money covers the position.
    """

    asset: str
    side: PositionSide
    usd: float
    leverage: float
    profit_usd: float
    entry_price: float | None
    liquidation_price: float | None
    time_ms: int


class UnitUsd:
    """Turns a venue's price and quantity into USD, by the size and scale of its contract."""

    def __init__(self, instrument: Instrument) -> None:
        self._inverse = instrument.inverse
        self._multiplier = float(instrument.multiplier)
        self.scale = instrument.scale

    def usd(self, price: float, quantity: float) -> float:
        """Return the worth of a quantity at the venue's price."""
        return quantity * self._multiplier * (1.0 if self._inverse else price)


def optional(value: Exact, scale: float = 1.0) -> float | None:
    """Return a number divided by `scale`, or None if it is not there. Raises ValueError for text."""
    if value is None or value == "":
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a finite number was expected")
    return number / scale


def optional_amount(value: Exact, scale: float = 1.0) -> float | None:
    """Return an amount divided by `scale`, or None if it is not there. Raises ValueError for what is none."""
    number = optional(value)
    if number is not None and not 0.0 <= number < _MOST:
        raise ValueError("an amount was expected")
    return None if number is None else number / scale


def optional_price(value: Exact, scale: float) -> float | None:
    """Return a price of one coin; None if it is not there, as before the first trade. Raises ValueError for what is none."""
    number = optional(value)
    if number is None or number == 0.0:
        return None
    if not 0.0 < number < _HIGHEST:
        raise ValueError("a price was expected")
    return number / scale


def last(price: Exact, scale: float) -> float:
    """Return the last price of one coin. Raises NoFiguresError where there never was a trade."""
    number = optional_price(price, scale)
    if number is None:
        raise NoFiguresError("no trade yet")
    return number


def flow_of(candles: list[Candle]) -> list[Flow]:
    """Return the taker flow of candles that tell it. Raises NotPublishedError if one does not.

    Raises ValueError where takers are said to have bought more than was traded.
    """
    flows = []
    for candle in candles:
        if candle.buy_usd is None or candle.volume_usd is None:
            raise NotPublishedError("candles without taker volume")
        if candle.buy_usd > candle.volume_usd * _ROUNDED:
            raise ValueError("a part of the volume was expected")
        flows.append(Flow(candle.time_ms, candle.buy_usd, max(candle.volume_usd - candle.buy_usd, 0.0)))
    return flows


def ratio_of(long: float, short: float) -> float | None:
    """Return longs divided by shorts; None if there are no shorts to divide by."""
    return long / short if short > 0.0 else None


def book_of(bids: list[tuple[float, float]], asks: list[tuple[float, float]], unit: UnitUsd) -> Book:
    """Return a book of (price, quantity) rows in the venue's units.

    Raises NoFiguresError if a side is empty, ValueError if the sides cross.
    """
    below = tuple(_level(row, unit) for row in sorted(bids, reverse=True) if row[0] > 0.0)
    above = tuple(_level(row, unit) for row in sorted(asks) if row[0] > 0.0)
    if not below or not above:
        raise NoFiguresError("one side of the book is empty")
    if below[0].price >= above[0].price:
        raise ValueError("the best bid is above the best ask")
    return Book(below, above)


def _level(row: tuple[float, float], unit: UnitUsd) -> Level:
    price, quantity = row
    return Level(price / unit.scale, unit.usd(price, quantity))
