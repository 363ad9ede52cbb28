"""Whale accumulation: large orders of one side while the price does not move (SPEC 2)."""

from __future__ import annotations

from typing import Final

from teleglas.market import TakerSide
from ws_alert.detectors.hit import Hit, Level
from ws_alert.messages import AccumulationFacts, Kind, Tier
from ws_alert.rules import Rules
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import largest

__all__ = ["ACCUMULATION_MS", "WhaleAccumulationDetector"]

ACCUMULATION_MS: Final = 180_000

_ROUNDING: Final = 1e-12
"""Prices are floats: a range of exactly the limit may come out larger by less than this, and no other one does."""


_BUY, _SELL = _SIDES = TakerSide.BUY, TakerSide.SELL


class WhaleAccumulationDetector:
    """Enough large taker orders of the side with the larger USD, while the price range is small."""

    def __init__(self, rules: Rules) -> None:
        thresholds = rules.thresholds.whale_accumulation_window
        self._count = thresholds.count
        self._range = thresholds.range_percent
        self._limit = thresholds.range_percent + _ROUNDING

    def may_fire(self, events: AssetEvents) -> bool:
        """Tell cheaply whether any side has enough large orders in (H - 180 s, H] and the price may be flat.

        An order of the other side may be what makes the price range flat again.
        """
        newest_ms, orders = events.newest_ms, events.orders
        after_ms = newest_ms - ACCUMULATION_MS
        return (
            orders[_BUY].count_after(after_ms) >= self._count
            or orders[_SELL].count_after(after_ms) >= self._count
        ) and not self._moved(events, newest_ms)

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
        for side, other in ((_BUY, _SELL), (_SELL, _BUY)):
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
                    top=largest(rows[side]),
                )
            multiple = count / self._count if usd[side] > usd[other] else 0.0
            levels.append(Level(Kind.WHALE_ACCUMULATION_WINDOW, events.asset, side.value, multiple, hit))
        return levels

    def _moved(self, events: AssetEvents, at_ms: int) -> bool:
        """Tell cheaply whether the price is known to have moved: two prices too far apart, both within the window."""
        tape, (low_second, low, high_second, high) = events.tape, events.extremes
        edge = (at_ms - ACCUMULATION_MS) // 1000
        return (
            low_second > edge
            and high_second > edge
            and at_ms // 1000 == tape.second
            and tape.last > 0
            and (high - low) / tape.last * 100 > self._limit
        )

    def _flat(self, events: AssetEvents, at_ms: int) -> float | None:
        """Return the price range of the window in percent if it is flat, None otherwise."""
        if self._moved(events, at_ms):
            return None
        range_pct = events.tape.range_percent(at_ms, ACCUMULATION_MS)
        if range_pct is None or range_pct <= self._limit:
            return range_pct
        events.extremes = events.tape.extremes(at_ms, ACCUMULATION_MS)
        return None

    def _tier(self, count: int) -> Tier:
        if count >= 4 * self._count:
            return Tier.URGENT
        return Tier.WATCH if count >= 2 * self._count else Tier.INFO
