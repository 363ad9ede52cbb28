"""Stop hunts: one side is flushed out, then large orders take the other side of it (SPEC 2, SEMANTICS 12).

The direction is the flushed side: longs flushed are forced SELLS, so BUYING absorbs them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from teleglas.market import PositionSide, TakerSide
from teleglas.track_record import NOTHING
from ws_alert.detectors.confidence import score_v1, tier_of_score, total
from ws_alert.detectors.hit import Hit
from ws_alert.messages import EventRow, Kind, StopHuntFacts
from ws_alert.rules import GROUPS, Rules
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["ABSORB_MS", "Flush", "StopHuntDetector"]

ABSORB_MS: Final = 30_000
"""How long after the flush its absorption may come."""

_BEYOND: Final = 0.0015
"""The invalidation lies so far beyond the zone's far edge, as a share of it."""

_AGAINST = {PositionSide.LONG: TakerSide.BUY, PositionSide.SHORT: TakerSide.SELL}


_LONG, _SHORT = PositionSide.LONG, PositionSide.SHORT


class Flush(msgspec.Struct):
    """A flush while it may be absorbed; amounts in cents.

    began_ms, last_ms: event times of the first and the newest liquidation at which its rule
    held. usd, side_usd, count, venues: of the window at its largest. zone_low, zone_high: range of the
    flushed side's liquidation prices so far. absorbed_usd, absorbed_count: large orders against it since it began.
    """

    asset: str
    side: PositionSide
    began_ms: int
    last_ms: int
    usd: int
    side_usd: int
    count: int
    venues: dict[str, int]
    zone_low: float
    zone_high: float
    absorbed_usd: int = 0
    absorbed_count: int = 0


class StopHuntDetector:
    """One flush at most of each asset; `flushes` is its whole memory. record: how often it was right, set from outside."""

    def __init__(self, rules: Rules) -> None:
        thresholds = rules.thresholds.stop_hunt
        self.flushes: dict[str, Flush] = {}
        self.record = NOTHING
        self._least = {group: (thresholds.usd(group), thresholds.absorption(group)) for group in GROUPS}
        self.least = {group: usd for group, (usd, _) in self._least.items()}
        """By group, the cents of both sides together below which nothing is a flush."""
        self._majority = round(thresholds.majority * 10_000)
        self._score = thresholds.score
        self._window_ms = rules.window_ms

    def liquidated(self, events: AssetEvents, event_ms: int) -> None:
        """Look whether a liquidation begins a flush or goes on with it. The windows must have been advanced.

        Its rule: MORE than the group's USD within the window, at least the majority of it one side.
        """
        sides = events.liquidations
        longs, shorts = sides[_LONG], sides[_SHORT]
        usd = longs.usd + shorts.usd
        if usd <= self._least[events.group][0]:
            return
        side, window = (_LONG, longs) if longs.usd >= shorts.usd else (_SHORT, shorts)
        if window.usd * 10_000 < usd * self._majority:
            return
        prices = [row.price for row in window.inside() if row.price > 0]
        if not prices:
            return  # a source that tells no price shows no zone
        flush = self.flushes.get(events.asset)
        if flush is None or flush.side is not side or event_ms - flush.last_ms > ABSORB_MS:
            flush = self.flushes[events.asset] = Flush(
                events.asset, side, event_ms, event_ms, 0, 0, 0, {}, min(prices), max(prices)
            )
        flush.last_ms = max(flush.last_ms, event_ms)
        flush.zone_low, flush.zone_high = min(flush.zone_low, *prices), max(flush.zone_high, *prices)
        if usd > flush.usd:
            flush.usd, flush.side_usd = usd, window.usd
            flush.count = sum(each.count for each in sides.values())
            flush.venues = {}
            for each in sides.values():
                for venue, amount in each.venues.items():
                    flush.venues[venue] = flush.venues.get(venue, 0) + amount

    def ordered(self, events: AssetEvents, row: EventRow) -> Hit | None:
        """Count a large taker order against the flush; return the hunt once enough of it was absorbed."""
        flush = self.flushes.get(events.asset)
        if flush is None:
            return None
        if row.event_ms - flush.last_ms > ABSORB_MS:
            del self.flushes[events.asset]
            return None
        if row.side != _AGAINST[flush.side].value or row.event_ms <= flush.began_ms:
            return None
        flush.absorbed_usd += row.usd
        flush.absorbed_count += 1
        if flush.absorbed_usd <= self._least[events.group][1]:
            return None
        return self._hit(events, flush, row)

    def forget(self, now_ms: int) -> None:
        """Drop flushes that nothing can absorb any more."""
        edge = now_ms - ABSORB_MS - 60_000
        self.flushes = {asset: flush for asset, flush in self.flushes.items() if flush.last_ms >= edge}

    def _hit(self, events: AssetEvents, flush: Flush, row: EventRow) -> Hit | None:
        parts = score_v1(
            group=events.group, volume=flush.usd, side_usd=flush.side_usd, absorbed=True, record=self.record
        )
        score = total(parts)
        if score <= self._score:
            return None
        longs = flush.side is PositionSide.LONG
        return Hit(
            kind=Kind.STOP_HUNT,
            asset=events.asset,
            direction=flush.side.value,
            event_ms=row.event_ms,
            window_ms=self._window_ms,
            usd=flush.usd,
            count=flush.count,
            venues=tuple(flush.venues.items()),
            threshold_usd=self._least[events.group][0],
            threshold_count=1,
            tier=tier_of_score(score),
            facts=StopHuntFacts(
                side_usd=flush.side_usd,
                share=flush.side_usd / flush.usd,
                zone_low=flush.zone_low,
                zone_high=flush.zone_high,
                absorbed_usd=flush.absorbed_usd,
                absorbed_count=flush.absorbed_count,
                last_price=row.price or None,
                invalidation=flush.zone_low * (1 - _BEYOND) if longs else flush.zone_high * (1 + _BEYOND),
                majority=self._majority / 10_000,
                absorption_limit=self._least[events.group][1],
            ),
            score=score,
            score_parts=parts,
        )
