"""The global radar: forced and voluntary flow of one asset at the same moment (SPEC 2, SEMANTICS 11)."""

from __future__ import annotations

from math import log2

from teleglas.market import PositionSide, TakerSide
from ws_alert.detectors.hit import Hit
from ws_alert.messages import Band, Kind, Pattern, RadarFacts, Tier
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["GlobalRadarEngine", "band", "part", "score_v1", "score_v2", "volatility"]

_ROUNDING = 1e-12
"""Prices are floats: a range of exactly a border may come out smaller by less than this, and no other one does."""

_TIERS = {Band.WEAK: Tier.INFO, Band.MODERATE: Tier.INFO, Band.STRONG: Tier.WATCH, Band.EXTREME: Tier.URGENT}


class GlobalRadarEngine:
    """Consumes the hits of storm and cluster; both must be firing at the same newest time."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms

    def detect(
        self, events: AssetEvents, storms: list[Hit], cluster: Hit | None, event_ms: int
    ) -> Hit | None:
        """Combine the larger firing storm (long among equals) with the firing cluster."""
        if not storms or cluster is None:
            return None
        storm = max(storms, key=lambda hit: hit.usd)
        facts = _facts(events, storm, cluster)
        venues = dict(storm.venues)
        for venue, usd in cluster.venues:
            venues[venue] = venues.get(venue, 0) + usd
        return Hit(
            kind=Kind.GLOBAL_RADAR,
            asset=events.asset,
            direction=facts.pressure,
            event_ms=event_ms,
            window_ms=self._window_ms,
            usd=storm.usd + cluster.usd,
            count=storm.count + cluster.count,
            venues=tuple(venues.items()),
            threshold_usd=storm.threshold_usd + cluster.threshold_usd,
            threshold_count=storm.threshold_count + cluster.threshold_count,
            tier=_TIERS[facts.band],
            facts=facts,
            score=round(facts.score_v2, 6),
        )


def _facts(events: AssetEvents, storm: Hit, cluster: Hit) -> RadarFacts:
    storm_x, cluster_x = storm.usd / storm.threshold_usd, cluster.usd / cluster.threshold_usd
    score = score_v2(storm_x, cluster_x)
    ratio = _pressure(events)
    range_pct = events.tape.range_percent(events.newest_ms)
    converging = storm.usd >= 2 * storm.threshold_usd and cluster.usd >= 2 * cluster.threshold_usd
    return RadarFacts(
        pattern=Pattern.CONVERGENCE if converging else Pattern.STORM_AND_CLUSTER,
        band=band(score),
        score_v1=score_v1(storm_x, cluster_x),
        score_v2=score,
        storm_side=storm.direction,
        storm_usd=storm.usd,
        storm_count=storm.count,
        cluster_side=cluster.direction,
        cluster_usd=cluster.usd,
        cluster_count=cluster.count,
        pressure="neutral" if abs(ratio) < 0.2 else "bullish" if ratio > 0 else "bearish",
        pressure_ratio=ratio,
        volatility=volatility(range_pct),
        range_pct=range_pct,
    )


def _pressure(events: AssetEvents) -> float:
    """Return (bought + short liquidated - sold - long liquidated) / their sum, within the window."""
    up = events.orders[TakerSide.BUY].usd + events.liquidations[PositionSide.SHORT].usd
    down = events.orders[TakerSide.SELL].usd + events.liquidations[PositionSide.LONG].usd
    return (up - down) / (up + down)


def part(multiple: float) -> float:
    """Return 0..0.8 for a kind at `multiple` of its minimum: 0.8 is reached at 16x."""
    return 0.8 * min(1.0, log2(1 + multiple) / log2(17))


def score_v1(storm: float, cluster: float) -> float:
    """Return the first composite: half a point each at most, 0.3 when both fire (multiples in)."""
    both = 0.3 if storm >= 1 and cluster >= 1 else 0.0
    return min(storm / 3, 0.5) + min(cluster / 3, 0.5) + both


def score_v2(storm: float, cluster: float) -> float:
    """Return the deciding score, 0..1, from the multiples of both minimums."""
    return 1 - (1 - part(storm)) * (1 - part(cluster))


def band(score: float) -> Band:
    """Return the band of a score_v2."""
    if score < 0.35:
        return Band.WEAK
    if score < 0.60:
        return Band.MODERATE
    return Band.STRONG if score < 0.78 else Band.EXTREME


def volatility(range_pct: float | None) -> str:
    """Return the word for a five-minute price range in percent."""
    if range_pct is None:
        return "unknown"
    percent = range_pct + _ROUNDING
    if percent < 0.3:
        return "low"
    if percent < 0.8:
        return "medium"
    return "high" if percent < 2 else "extreme"
