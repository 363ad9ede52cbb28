"""What was measured, by kind: the facts of a finding and of the alert that tells it.

All amounts are integer US cents, all times Unix milliseconds UTC.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = [
    "MARKET",
    "AccumulationFacts",
    "Band",
    "CandleChart",
    "CascadeFacts",
    "Chart",
    "ClusterFacts",
    "ConfluenceFacts",
    "DivergenceFacts",
    "EventRow",
    "Facts",
    "FlowFacts",
    "FundingFacts",
    "FundingRate",
    "LargeFacts",
    "Pattern",
    "RadarFacts",
    "SpikeFacts",
    "StopHuntFacts",
    "StormFacts",
    "StormLine",
    "WhaleFacts",
]


MARKET = "MARKET"
"""Stands for an asset where all of them are meant."""


class Band(StrEnum):
    """Bands of the radar's score_v2 (SEMANTICS 11)."""

    WEAK = "weak"
    MODERATE = "moderate"
    STRONG = "strong"
    EXTREME = "extreme"


class Pattern(StrEnum):
    """What the radar is made of; `convergence`: both at least twice their minimum."""

    STORM_ONLY = "storm_only"
    CLUSTER_ONLY = "cluster_only"
    STORM_AND_CLUSTER = "storm_and_cluster"
    CONVERGENCE = "convergence"


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One liquidation or large order, as evidence. side: `long`/`short` (position) or `buy`/`sell` (taker)."""

    venue: str
    symbol: str
    side: str
    usd: int
    price: float
    event_ms: int
    price_kind: str = "fill"
    sampled: bool = False


class LargeFacts(msgspec.Struct, frozen=True, tag="large_liquidation"):
    """One liquidation: `row.side` is the position's side."""

    row: EventRow


class WhaleFacts(msgspec.Struct, frozen=True, tag="whale_trade"):
    """One taker order."""

    row: EventRow


class StormFacts(msgspec.Struct, frozen=True, tag="liquidation_storm"):
    """Liquidations of one side within the window.

    intensity: 1, 2, 4 or 8, the largest of these multiples of the threshold reached.
    price_from, price_to: first and last known price of one coin in the window, None if unknown.
    """

    intensity: int
    price_from: float | None = None
    price_to: float | None = None


class ClusterFacts(msgspec.Struct, frozen=True, tag="whale_cluster"):
    """Large taker orders of both sides; dominance = max(buy, sell) / (buy + sell), 0.5..1."""

    buy_usd: int
    sell_usd: int
    buy_count: int
    sell_count: int
    dominance: float


class RadarFacts(msgspec.Struct, frozen=True, tag="global_radar"):
    """Storm and cluster of one asset firing together.

    pressure: `bullish`, `bearish` or `neutral`; pressure_ratio in -1..1. volatility:
    `low`, `medium`, `high`, `extreme`, or `unknown` when no price was seen;
    range_pct: price range of the last 5 minutes in percent, None if unknown.
    """

    pattern: Pattern
    band: Band
    score_v1: float
    score_v2: float
    storm_side: str
    storm_usd: int
    storm_count: int
    cluster_side: str
    cluster_usd: int
    cluster_count: int
    pressure: str
    pressure_ratio: float
    volatility: str
    range_pct: float | None


class ConfluenceFacts(msgspec.Struct, frozen=True, tag="candle_confluence"):
    """Conditions that met on one closed candle of one symbol (SPEC 6).

    venue: empty in a replay of candle files. entry: the candle's close; stop and target lie
    1.5 and 1.0 ATR from it. Prices, ATR and EMAs are of one priced unit of the symbol.
    rsi: 0..100. vwap, ema50: None while not ready (`scored` mode only). volume_ratio:
    volume / mean of 20, None without any volume. bias: `bullish`, `bearish` or `neutral`, the
    order of the three EMAs. confidence: 3..5 of five conditions. crossed: candles since
    the cross, 0 or 1. failed: the conditions that did not hold.
    """

    venue: str
    symbol: str
    timeframe: str
    entry: float
    stop: float
    target: float
    atr: float
    rsi: float | None
    vwap: float | None
    ema9: float
    ema21: float
    ema50: float | None
    volume_ratio: float | None
    bias: str
    confidence: int
    crossed: int
    mode: str
    failed: tuple[str, ...] = ()

    @property
    def risk_reward(self) -> float:
        """Distance to the target in distances to the stop."""
        return abs(self.target - self.entry) / abs(self.entry - self.stop)

    @property
    def stop_percent(self) -> float:
        """Distance from entry to stop in percent of the entry."""
        return abs(self.entry - self.stop) / self.entry * 100


class StormLine(msgspec.Struct, frozen=True):
    """One storm of a cascade, as it was when it began: `direction` is the side of the closed positions."""

    asset: str
    direction: str
    usd: int
    count: int
    episode_ms: int


class CascadeFacts(msgspec.Struct, frozen=True, tag="market_cascade"):
    """Storms on several assets that began within a minute; storms: the largest first.

    long_usd, short_usd: liquidated longs and shorts over its storms. active: assets with any
    event in the last quarter of an hour, of which the cascade's are a share.
    """

    storms: tuple[StormLine, ...]
    assets: int
    active: int
    long_usd: int
    short_usd: int


class StopHuntFacts(msgspec.Struct, frozen=True, tag="stop_hunt"):
    """A flush of one side and the taker orders that absorbed it.

    side_usd of usd liquidated (both sides, all venues) was the flushed side; share = side_usd / usd.
    zone_low, zone_high: range of the flushed side's liquidation prices of one coin.
    absorbed_usd, absorbed_count: large taker orders against the forced flow (longs flushed: buys)
    after the flush began. last_price: None if none is known. invalidation: the zone's far
    edge and 0.15 % beyond it. majority, absorption_limit: the rule's share and the USD that the
    absorption had to exceed.
    """

    side_usd: int
    share: float
    zone_low: float
    zone_high: float
    absorbed_usd: int
    absorbed_count: int
    last_price: float | None
    invalidation: float
    majority: float | None = None
    absorption_limit: int | None = None


class FlowFacts(msgspec.Struct, frozen=True, tag="order_flow"):
    """Taker flow of the window: all trades by side, and the large orders of the direction's side.

    ratio: buy_usd / (buy_usd + sell_usd). price_from, price_to: first and last known price
    of one coin in the window, None if unknown. ratio_limit: the share of one side that had
    to be exceeded.
    """

    buy_usd: int
    sell_usd: int
    ratio: float
    large_usd: int
    large_count: int
    price_from: float | None = None
    price_to: float | None = None
    ratio_limit: float | None = None


class AccumulationFacts(msgspec.Struct, frozen=True, tag="whale_accumulation_window"):
    """Large taker orders of one side while the price stayed flat.

    range_pct: of the window, in percent; range_limit: the most that the rule calls flat.
    """

    large_usd: int
    large_count: int
    other_usd: int
    other_count: int
    range_pct: float
    range_limit: float | None = None


class FundingRate(msgspec.Struct, frozen=True):
    """One venue's funding: percent_8h is the rate of its own interval scaled to 8 hours; positive: longs pay.

    oi_usd: single-sided open interest in cents, None if it is not known. at_ms: when it was told.
    """

    venue: str
    symbol: str
    percent_8h: float
    interval_h: float
    at_ms: int
    oi_usd: int | None = None


class FundingFacts(msgspec.Struct, frozen=True, tag="funding_extreme"):
    """Funding of an asset by venue, the most extreme first.

    weighted_8h: mean in percent weighted by open interest over the venues that tell both,
    None if none does. extreme_8h: what reached the threshold, in percent; extreme_of: its venue, or
    `weighted`. limit_8h: the threshold, in percent of either sign.
    """

    rates: tuple[FundingRate, ...]
    extreme_8h: float
    extreme_of: str
    weighted_8h: float | None
    limit_8h: float | None = None


class DivergenceFacts(msgspec.Struct, frozen=True, tag="oi_divergence"):
    """Open interest rose on one venue and fell on the sum of the others, in single-sided cents.

    from_ms..to_ms: the span compared. others: the venues of the sum. rise_limit, fall_limit:
    the thresholds, in percent.
    """

    venue: str
    venue_from: int
    venue_to: int
    rise_pct: float
    others: tuple[str, ...]
    others_from: int
    others_to: int
    fall_pct: float
    from_ms: int
    to_ms: int
    rise_limit: float | None = None
    fall_limit: float | None = None


class SpikeFacts(msgspec.Struct, frozen=True, tag="volume_spike"):
    """Taker volume of the window against the asset's own median minute.

    median_usd: over history_minutes closed UTC minutes, those without any trade included.
    multiple: window / median, None when the median is 0. multiple_limit: what it had to reach.
    floor_usd: the least taker volume of the window, whatever the median.
    """

    buy_usd: int
    sell_usd: int
    median_usd: int
    multiple: float | None
    history_minutes: int
    price_from: float | None = None
    price_to: float | None = None
    multiple_limit: float | None = None
    floor_usd: int = 0


Facts = (
    LargeFacts
    | WhaleFacts
    | StormFacts
    | ClusterFacts
    | RadarFacts
    | ConfluenceFacts
    | CascadeFacts
    | StopHuntFacts
    | FlowFacts
    | AccumulationFacts
    | FundingFacts
    | DivergenceFacts
    | SpikeFacts
)


class Chart(msgspec.Struct, frozen=True):
    """What a picture draws: the very data that fired.

    price: rows (open_ms, low, high, close) of `bucket_ms` each, without rows where nothing
    traded. bars: rows (open_ms, up_cents, down_cents) with up = shorts liquidated or
    taker buys, down = longs liquidated or taker sells, as `bars_are` says
    (`liquidations` or `orders`). from_ms..to_ms: the whole span drawn.
    """

    from_ms: int
    to_ms: int
    bucket_ms: int
    price: tuple[tuple[int, float, float, float], ...]
    bars: tuple[tuple[int, int, int], ...]
    bars_are: str


class CandleChart(msgspec.Struct, frozen=True):
    """Candles up to the one that fired, with the means as they were known then; None: not ready.

    candles: rows (open_ms, open, high, low, close, volume), ascending.
    """

    timeframe_ms: int
    candles: tuple[tuple[int, float, float, float, float, float], ...]
    ema9: tuple[float | None, ...]
    ema21: tuple[float | None, ...]
    ema50: tuple[float | None, ...]
    vwap: tuple[float | None, ...]
