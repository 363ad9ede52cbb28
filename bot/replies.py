"""What each command answers with: blocks, each known or missing by itself. Views show them."""

from __future__ import annotations

import msgspec

from bot.answers import (
    Block,
    Book,
    Candle,
    FearGreed,
    Flow,
    Funding,
    FundingPoint,
    HeatMap,
    LargeOrder,
    LiquidationBar,
    Liquidations,
    Market,
    OpenInterest,
    Point,
    Price,
    Ratios,
    Storms,
    Volume,
    WhalePositions,
    WhaleTrades,
)
from teleglas.heartbeat import Heartbeat
from teleglas.market_view import MarketView
from teleglas.track_record import TrackRecord

__all__ = ["AlertLine", "Alerts", "Budget", "Depth", "FundingReply", "HeatReply", "InterestReply", "LiquidationReply",
           "MarketReply", "MarketViewReply", "MeasuredKind", "Overview", "Record", "Rsi", "Sentiment", "Status", "Whales"]  # fmt: skip

Candles = tuple[Candle, ...]
Flows = tuple[Flow, ...]


class Overview(msgspec.Struct, frozen=True):
    """Everything about a coin. candles: of the last 24 h."""

    coin: str
    price: Block[Price]
    open_interest: Block[OpenInterest]
    volume: Block[Volume]
    funding: Block[Funding]
    liquidations: Block[Liquidations]
    ratios: Block[Ratios]
    flow: Block[Flows]
    cvd: Block[float]
    rsi: Block[dict[str, float]]
    book: Block[Book]
    whale_index: Block[float]
    candles: Block[Candles]


class LiquidationReply(msgspec.Struct, frozen=True):
    """A coin's liquidations; bars and candles cover `window`, or the shorter time that a young record shows."""

    coin: str
    window: str
    liquidations: Block[Liquidations]
    price: Block[Price]
    open_interest: Block[OpenInterest]
    bars: Block[tuple[LiquidationBar, ...]]
    candles: Block[Candles]


class MarketReply(msgspec.Struct, frozen=True):
    """The market's liquidations. window: as asked."""

    window: str
    market: Block[Market]


class MarketViewReply(msgspec.Struct, frozen=True):
    """The whole market within `window`, and the storms that go on now."""

    window: str
    view: Block[MarketView]
    storms: Block[Storms]


class Whales(msgspec.Struct, frozen=True):
    """Large trades and positions; coin None: of all."""

    coin: str | None
    min_usd: float | None
    trades: Block[WhaleTrades]
    positions: Block[WhalePositions]


class Sentiment(msgspec.Struct, frozen=True):
    """The mood: fear and greed for the market, the rest of `coin`."""

    coin: str
    fear_greed: Block[FearGreed]
    price: Block[Price]
    funding: Block[Funding]
    open_interest: Block[OpenInterest]
    ratios: Block[Ratios]
    rsi: Block[dict[str, float]]


class Depth(msgspec.Struct, frozen=True):
    """An order book. venue: as asked; venues: that can be asked; orders: the large ones of that venue, also far away."""

    coin: str
    venue: str
    venues: tuple[str, ...]
    book: Block[Book]
    orders: Block[tuple[LargeOrder, ...]]


class InterestReply(msgspec.Struct, frozen=True):
    """Open interest; history and candles cover `window`."""

    coin: str
    window: str
    open_interest: Block[OpenInterest]
    price: Block[Price]
    history: Block[tuple[Point, ...]]
    candles: Block[Candles]


class FundingReply(msgspec.Struct, frozen=True):
    """Funding; history and candles cover a week."""

    coin: str
    funding: Block[Funding]
    history: Block[tuple[FundingPoint, ...]]
    candles: Block[Candles]


class Rsi(msgspec.Struct, frozen=True):
    """Relative strength by length of a candle."""

    coin: str
    rsi: Block[dict[str, float]]
    price: Block[Price]


class HeatReply(msgspec.Struct, frozen=True):
    """Where liquidations are (estimated), or were (recorded)."""

    coin: str
    window: str
    heat: Block[HeatMap]
    price: Block[Price]


class AlertLine(msgspec.Struct, frozen=True):
    """One alert that was sent. usd in cents, times Unix ms; state as the outbox has it.

    outcome: as `teleglas.storage.history.SentAlert` has it; move: in percent, if it was measured.
    """

    kind: str
    asset: str
    direction: str
    usd: int
    event_ms: int
    tier: str
    state: str
    outcome: str = "unknown"
    move: float | None = None


class Alerts(msgspec.Struct, frozen=True):
    """Alerts of late, newest first; None: the alert bot has never run on this database."""

    alerts: tuple[AlertLine, ...] | None
    coin: str | None = None


class MeasuredKind(msgspec.Struct, frozen=True):
    """What followed a kind's alerts within `TOLD_MIN` minutes: moves up, and calls that were right.

    ways: moves up by (direction, horizon in minutes), where they were asked for. outcomes: how many were ever measured;
    where these are more, the figures are of the newest.
    """

    up: TrackRecord
    right: TrackRecord
    ways: tuple[tuple[str, int, TrackRecord], ...] = ()
    outcomes: int = 0


class Record(msgspec.Struct, frozen=True):
    """Alerts sent, by kind; since_ms: the first one's time. measured: what followed them, by kind."""

    counts: dict[str, int]
    since_ms: int | None
    kind: str | None = None
    measured: dict[str, MeasuredKind] = {}


class Budget(msgspec.Struct, frozen=True):
    """CoinGlass requests of the last minute, and what the key's plan was found not to include."""

    used: int
    per_minute: int
    refused: dict[str, str] = {}


class Status(msgspec.Struct, frozen=True):
    """How both processes are. sources: name -> (ms of the last good answer, what is wrong or empty)."""

    version: str
    started_ms: int
    heard_ms: int | None
    bot_note: str
    alert: Heartbeat | None
    budget: Budget | None
    sources: dict[str, tuple[int | None, str]]
    waiting: int
    oldest_waiting_ms: int | None
    simulated: bool
    database_note: str = ""
