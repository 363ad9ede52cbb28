"""What the queries answer and the views show. Whoever answered, the types are these.

Amounts are USD, prices USD of one coin (never of 1,000), percentages are percent (0.01 is
0.01 %), times Unix ms UTC. None means unknown and is never shown as zero; zero is a value.
Venues are spelled as people write them: `Binance`, `Bybit`, `OKX`, `Hyperliquid`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from teleglas.market import PositionSide, TakerSide

__all__ = [
    "ALERT_BOT",
    "COINGLASS",
    "EXCHANGES",
    "TAPE",
    "Block",
    "Book",
    "Candle",
    "FearGreed",
    "Flow",
    "Funding",
    "FundingPoint",
    "HeatMap",
    "LargeOrder",
    "Level",
    "LiquidationBar",
    "Liquidations",
    "Market",
    "MarketRow",
    "Missing",
    "MissingError",
    "OpenInterest",
    "Point",
    "Price",
    "Ratios",
    "Reason",
    "Single",
    "Span",
    "Storms",
    "VenueAmount",
    "VenueFunding",
    "VenueSides",
    "Volume",
    "WhalePosition",
    "WhalePositions",
    "WhaleTrade",
    "WhaleTrades",
    "known",
    "missing",
]

T = TypeVar("T")

COINGLASS, EXCHANGES, TAPE = "CoinGlass", "exchanges", "own tape"
"""Who answers: the service, the venues' own public data, or what the alert bot recorded."""

ALERT_BOT = "alert bot"
"""The other process itself, which says in the database how it is."""

Storms = tuple[tuple[str, str], ...]
"""(asset, liquidated side) of the storms that go on."""


class Reason(StrEnum):
    """Why something is not known; the views say it in the reader's words."""

    NEEDS_KEY = "needs_key"
    NEEDS_PLAN = "needs_plan"
    BAD_KEY = "bad_key"
    NOT_LISTED = "not_listed"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    NOT_PUBLISHED = "not_published"
    BUSY = "busy"
    CHANGED = "changed"
    NOT_RECORDED = "not_recorded"
    EMPTY = "empty"


class Missing(msgspec.Struct, frozen=True):
    """What is missing, and why. who: the source that could not tell (`Bybit`, `CoinGlass`).

    detail: the plan's name for NEEDS_PLAN; `region_block` or `bad_request` for REFUSED; `spot`
    where a venue's spot market is missing from a volume; else empty. plan: the plan of
    CoinGlass that has it, where another source was asked besides.
    """

    reason: Reason
    who: str = ""
    detail: str = ""
    plan: str = ""


class MissingError(Exception):
    """A source cannot tell; raised by sources, turned into a block by the queries."""

    def __init__(self, reason: Reason, who: str = "", detail: str = "") -> None:
        super().__init__(f"{who}: {reason}")
        self.missing = Missing(reason, who, detail)


class Block(msgspec.Struct, Generic[T], frozen=True):
    """One part of an answer: a value with its origin, or the reason why there is none.

    source: COINGLASS, EXCHANGES or TAPE. venues: whose markets the figures cover; empty for
    "all that the source has". as_of_ms: when the source told it. stale: an older answer
    stands in for one that failed. gaps: venues that belong to the value but did not answer.
    since_ms and coverage (0..1): of our own tape.
    """

    value: T | None = None
    missing: Missing | None = None
    source: str = ""
    venues: tuple[str, ...] = ()
    as_of_ms: int = 0
    stale: bool = False
    gaps: tuple[Missing, ...] = ()
    since_ms: int | None = None
    coverage: float | None = None


def known(
    value: T,
    source: str,
    as_of_ms: int,
    venues: tuple[str, ...] = (),
    *,
    gaps: tuple[Missing, ...] = (),
    since_ms: int | None = None,
    coverage: float | None = None,
) -> Block[T]:
    """Return a block with a value."""
    return Block(value, None, source, venues, as_of_ms, gaps=gaps, since_ms=since_ms, coverage=coverage)


def missing(reason: Reason, who: str = "", detail: str = "") -> Block[T]:
    """Return a block that says why there is no value."""
    return Block(missing=Missing(reason, who, detail))


class Candle(msgspec.Struct, frozen=True):
    """A period that begins at time_ms; the last of a list may be open."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume_usd: float | None = None


class Point(msgspec.Struct, frozen=True):
    """A figure at a time."""

    time_ms: int
    value: float


class Price(msgspec.Struct, frozen=True):
    """change_percent: by length of time (`5m 15m 1h 4h 24h`), only those that are known."""

    price: float
    change_percent: dict[str, float] = {}
    high_24h: float | None = None
    low_24h: float | None = None
    high_7d: float | None = None
    low_7d: float | None = None


class Volume(msgspec.Struct, frozen=True):
    """Turnover of 24 h in USD."""

    futures_usd: float | None = None
    spot_usd: float | None = None


class VenueAmount(msgspec.Struct, frozen=True):
    """USD on one venue; change_percent over 24 h if known."""

    venue: str
    usd: float
    change_percent: float | None = None


class OpenInterest(msgspec.Struct, frozen=True):
    """total_usd: over the block's venues. change_percent: by length of time, as `Price`."""

    total_usd: float
    by_venue: tuple[VenueAmount, ...] = ()
    change_percent: dict[str, float] = {}


class VenueFunding(msgspec.Struct, frozen=True):
    """percent: per interval of interval_h hours; percent_8h None if the interval is unknown."""

    venue: str
    percent: float
    interval_h: float | None = None
    percent_8h: float | None = None
    next_ms: int | None = None


class Funding(msgspec.Struct, frozen=True):
    """weighted_8h: weighted by open interest, percent per 8 h, None if it is not known."""

    by_venue: tuple[VenueFunding, ...]
    weighted_8h: float | None = None


class FundingPoint(msgspec.Struct, frozen=True):
    """A settled rate: percent per its interval."""

    time_ms: int
    percent: float


class VenueSides(msgspec.Struct, frozen=True):
    """Liquidated POSITIONS on one venue, USD."""

    venue: str
    long_usd: float
    short_usd: float


class Span(msgspec.Struct, frozen=True):
    """Liquidated POSITIONS within a length of time (`1h`, `4h`, `12h`, `24h`), USD.

    complete: False where the record does not reach back so far; window is then what it does cover (`11m`).
    """

    window: str
    long_usd: float
    short_usd: float
    by_venue: tuple[VenueSides, ...] = ()
    complete: bool = True


class Single(msgspec.Struct, frozen=True):
    """One forced order. side: of the POSITION; None where the source does not say it reliably.

    since_ms: when the record began of which it is the largest.
    """

    venue: str
    usd: float
    price: float | None
    time_ms: int
    side: PositionSide | None
    since_ms: int


class Liquidations(msgspec.Struct, frozen=True):
    """spans: shortest first. Feeds of liquidations are sampled, so every sum is a lower bound."""

    spans: tuple[Span, ...]
    largest: Single | None = None


class LiquidationBar(msgspec.Struct, frozen=True):
    """Liquidated POSITIONS of one period, USD."""

    time_ms: int
    long_usd: float
    short_usd: float


class MarketRow(msgspec.Struct, frozen=True):
    """One coin of the market's list; USD liquidated within the answer's length of time."""

    coin: str
    long_usd: float
    short_usd: float
    price: float | None = None
    change_percent: float | None = None


class Market(msgspec.Struct, frozen=True):
    """The market's liquidations, largest coin first. totals over all coins that the source has.

    window: the length of time asked for, or what the record covers of it (`11m`).
    """

    window: str
    rows: tuple[MarketRow, ...]
    long_usd: float
    short_usd: float


class Ratios(msgspec.Struct, frozen=True):
    """Longs divided by shorts, of one venue's accounts: all, the top traders', their positions."""

    venue: str
    global_account: float | None = None
    top_account: float | None = None
    top_position: float | None = None


class Flow(msgspec.Struct, frozen=True):
    """What takers bought and sold within a length of time, USD."""

    window: str
    buy_usd: float
    sell_usd: float


class Level(msgspec.Struct, frozen=True):
    """A price of an order book and what rests there, USD."""

    price: float
    usd: float


class Book(msgspec.Struct, frozen=True):
    """One venue's order book. bid_1_usd, ask_1_usd: resting within 1 % of the middle.

    reach_percent: how far from the middle the list of orders goes where it ends before 1 %;
    then the depth covers less. bid_walls, ask_walls: the largest levels, nearest first.
    suspects: walls that were there some seconds ago and are gone though no trade reached them.
    """

    venue: str
    symbol: str
    bid: float
    ask: float
    bid_1_usd: float
    ask_1_usd: float
    reach_percent: float
    bid_walls: tuple[Level, ...] = ()
    ask_walls: tuple[Level, ...] = ()
    suspects: tuple[Level, ...] = ()


class LargeOrder(msgspec.Struct, frozen=True):
    """One large limit order that rests in a book. side: what it would do; usd: what is left of it."""

    side: TakerSide
    price: float
    usd: float
    since_ms: int | None = None


class WhaleTrade(msgspec.Struct, frozen=True):
    """One large taker order."""

    venue: str
    coin: str
    side: TakerSide
    usd: float
    price: float
    time_ms: int


class WhaleTrades(msgspec.Struct, frozen=True):
    """trades: newest first. buy_usd, sell_usd: sums of all found of at least min_usd since from_ms.

    to_ms: where an old record ends; None for now.
    """

    trades: tuple[WhaleTrade, ...]
    top: tuple[WhaleTrade, ...]
    buy_usd: float
    sell_usd: float
    count: int
    min_usd: float
    from_ms: int
    to_ms: int | None = None


class WhalePosition(msgspec.Struct, frozen=True):
    """A large position on Hyperliquid. side: sign of its size. opened: None if it is simply held."""

    coin: str
    side: PositionSide
    usd: float
    entry_price: float | None
    time_ms: int
    opened: bool | None = None
    address: str = ""
    liquidation_price: float | None = None
    profit_usd: float | None = None
    leverage: float | None = None


class WhalePositions(msgspec.Struct, frozen=True):
    """positions: of at least min_usd, largest first.

    takers: of how many accounts, where only those were asked that took most of the newest trades
    of `coins`; None where the source itself watches for large positions.
    """

    positions: tuple[WhalePosition, ...]
    takers: int | None = None
    coins: tuple[str, ...] = ()
    min_usd: float = 0.0


class FearGreed(msgspec.Struct, frozen=True):
    """0 is extreme fear, 100 extreme greed; history: a value each day, oldest first, today last."""

    value: float
    time_ms: int
    history: tuple[float, ...] = ()


class HeatMap(msgspec.Struct, frozen=True):
    """USD over time and price. cells: (column, row, USD); columns begin at times_ms, rows at prices.

    estimated: True for a model of where positions would be liquidated, False for what was liquidated.
    window: the length of time that it covers, which may be another than was asked for.
    """

    times_ms: tuple[int, ...]
    prices: tuple[float, ...]
    cells: tuple[tuple[int, int, float], ...]
    candles: tuple[Candle, ...]
    estimated: bool
    window: str
