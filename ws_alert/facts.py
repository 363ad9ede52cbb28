"""What was measured, by kind: the facts of a finding and of the alert that tells it.

All amounts are integer US cents, all times Unix milliseconds UTC.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = [
    "Band",
    "ClusterFacts",
    "ConfluenceFacts",
    "EventRow",
    "Facts",
    "LargeFacts",
    "Pattern",
    "RadarFacts",
    "StormFacts",
    "WhaleFacts",
]


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


class EventRow(msgspec.Struct, frozen=True):
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


Facts = LargeFacts | WhaleFacts | StormFacts | ClusterFacts | RadarFacts | ConfluenceFacts
