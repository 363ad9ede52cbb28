"""Whale accumulation: large orders of one side while the price does not move (SPEC 2)."""

from __future__ import annotations

from typing import Final

from teleglas.market import TakerSide
from ws_alert.detectors.hit import Hit, Level
from ws_alert.messages import AccumulationFacts, Kind, Tier
from ws_alert.rules import Rules
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["ACCUMULATION_MS", "WhaleAccumulationDetector"]

ACCUMULATION_MS: Final = 180_000

_ROUNDING: Final = 1e-12
"""Prices are floats: a range of exactly the limit may come out larger by less than this, and no other one does."""


_SIDES = tuple(TakerSide)


class WhaleAccumulationDetector:
    """Enough large taker orders of the side with the larger USD, while the price range is small."""

    def __init__(self, rules: Rules) -> None:
        thresholds = rules.thresholds.whale_accumulation_window
        self._count = thresholds.count
        self._range = thresholds.range_percent

    def may_fire(self, events: AssetEvents) -> bool:
        """Tell cheaply whether any side has enough large orders in (H - 180 s, H].

        An order of the other side may be what makes the price range flat again.
        """
        after_ms = events.newest_ms - ACCUMULATION_MS
        return any(window.count_after(after_ms) >= self._count for window in events.orders.values())

    def detect(self, events: AssetEvents, event_ms: int) -> list[Level]:
        """Judge both sides at the asset's newest time H, or at `event_ms` if that is later.

        `multiple` is the number of the side's large orders in multiples of the threshold; 0 while the
        other side has as much USD, or the price moved more, or none is known.
        """
        at_ms = max(events.newest_ms, event_ms)
        range_pct = self._flat(events, at_ms)
        if range_pct is None:
            return [Level(Kind.WHALE_ACCUMULATION_WINDOW, events.asset, side.value, 0.0) for side in _SIDES]
        rows = {side: events.orders[side].between(at_ms - ACCUMULATION_MS, at_ms) for side in _SIDES}
        usd = {side: sum(row.usd for row in rows[side]) for side in _SIDES}
        levels = []
        for side, other in ((TakerSide.BUY, TakerSide.SELL), (TakerSide.SELL, TakerSide.BUY)):
            count = len(rows[side])
            hit = None
            if usd[side] > usd[other] and count >= self._count:
                venues: dict[str, int] = {}
                for row in rows[side]:
                    venues[row.venue] = venues.get(row.venue, 0) + row.usd
                hit = Hit(
                    kind=Kind.WHALE_ACCUMULATION_WINDOW,
                    asset=events.asset,
                    direction=side.value,
                    event_ms=event_ms,
                    window_ms=ACCUMULATION_MS,
                    usd=usd[side],
                    count=count,
                    venues=tuple(venues.items()),
                    threshold_usd=0,
                    threshold_count=self._count,
                    tier=self._tier(count),
                    facts=AccumulationFacts(
                        usd[side], count, usd[other], len(rows[other]), range_pct, self._range
                    ),
                )
            multiple = count / self._count if usd[side] > usd[other] else 0.0
            levels.append(Level(Kind.WHALE_ACCUMULATION_WINDOW, events.asset, side.value, multiple, hit))
        return levels

    def _flat(self, events: AssetEvents, at_ms: int) -> float | None:
        """Return the price range of the window in percent if it is flat, None otherwise.

        Two prices that were too far apart once prove it for as long as the window holds both.
        """
        tape, (low_second, low, high_second, high) = events.tape, events.extremes
        edge, last = (at_ms - ACCUMULATION_MS) // 1000, at_ms // 1000
        limit = self._range + _ROUNDING
        if (
            edge < low_second <= last
            and edge < high_second <= last == tape.second
            and tape.last
            and (high - low) / tape.last * 100 > limit
        ):
            return None
        range_pct = tape.range_percent(at_ms, ACCUMULATION_MS)
        if range_pct is None or range_pct <= limit:
            return range_pct
        events.extremes = tape.extremes(at_ms, ACCUMULATION_MS)
        return None

    def _tier(self, count: int) -> Tier:
        if count >= 4 * self._count:
            return Tier.URGENT
        return Tier.WATCH if count >= 2 * self._count else Tier.INFO
