"""Order flow: all taker volume of five minutes, mostly one side, with large orders behind it (SPEC 2).

Accumulation is direction `buy`, distribution `sell`. It is judged when a second closes
(SEMANTICS 4), over whole seconds.
"""

from __future__ import annotations

from typing import Final

from teleglas.market import TakerSide
from teleglas.track_record import NOTHING, TrackRecord
from ws_alert.detectors.confidence import (
    FIRST_STEP,
    STEP_SHARE,
    record_points,
    score_v1,
    tier_of_score,
    total,
)
from ws_alert.detectors.hit import Hit, Level
from ws_alert.messages import FlowFacts, Kind
from ws_alert.rules import GROUPS, Rules
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import largest

__all__ = ["FLOW_MS", "OrderFlowAnalyzer"]

FLOW_MS: Final = 300_000


class OrderFlowAnalyzer:
    """One side's share of the taker volume ABOVE the ratio, enough large orders of it, a score above the least.

    least: by group, the cents that the volume of both sides must exceed for any finding.
    """

    def __init__(self, rules: Rules) -> None:
        thresholds = rules.thresholds.order_flow
        self._ratio = round(thresholds.ratio * 10_000)
        self._count = thresholds.count
        self._score = thresholds.score
        self.use(NOTHING)

    def use(self, record: TrackRecord) -> None:
        """Take how often it was right so far."""
        self._record = record
        # below the first volume step the score ends here, whatever the share
        most = 65 + record_points(record)
        share = {group: STEP_SHARE[group] if self._score >= most else 0 for group in GROUPS}
        self.least = {group: FIRST_STEP * share[group] // 100 for group in GROUPS}

    def may_fire(self, events: AssetEvents) -> bool:
        """Tell cheaply whether the flow, the second that is still open included, leans enough."""
        tape = events.tape
        buy, sell = tape.buy + tape.bought, tape.sell + tape.sold
        return buy + sell > self.least[events.group] and self.leans(buy, sell)

    def leans(self, buy: int, sell: int) -> bool:
        """Return whether one side has more than its ratio of so many cents bought and sold."""
        return max(buy, sell) * 10_000 > (buy + sell) * self._ratio

    def detect(self, events: AssetEvents, until_ms: int, buy: int, sell: int) -> list[Level]:
        """Judge the whole seconds of [until - 300 s, until); buy, sell: their taker volume in cents.

        Returns one level for each side; `multiple` is its share in multiples of the ratio.
        """
        return [
            self._level(events, until_ms, TakerSide.BUY, buy, buy + sell),
            self._level(events, until_ms, TakerSide.SELL, sell, buy + sell),
        ]

    def _level(self, events: AssetEvents, until_ms: int, side: TakerSide, usd: int, volume: int) -> Level:
        share = usd * 10_000 / (volume * self._ratio) if volume else 0.0
        hit = None
        if usd * 10_000 > volume * self._ratio:
            hit = self._hit(events, until_ms, side, usd, volume)
        return Level(Kind.ORDER_FLOW, events.asset, side.value, share, hit)

    def _hit(self, events: AssetEvents, until_ms: int, side: TakerSide, usd: int, volume: int) -> Hit | None:
        parts = score_v1(group=events.group, volume=volume, side_usd=usd, record=self._record)
        score = total(parts)
        if score <= self._score:
            return None
        orders = events.orders[side].between(until_ms - FLOW_MS - 1, until_ms - 1)
        if len(orders) < self._count:
            return None
        venues: dict[str, int] = {}
        for row in orders:
            venues[row.venue] = venues.get(row.venue, 0) + row.usd
        bought = usd if side is TakerSide.BUY else volume - usd
        return Hit(
            kind=Kind.ORDER_FLOW,
            asset=events.asset,
            direction=side.value,
            event_ms=until_ms,
            window_ms=FLOW_MS,
            usd=volume,
            count=len(orders),
            venues=tuple(venues.items()),
            threshold_usd=0,
            threshold_count=self._count,
            tier=tier_of_score(score),
            facts=FlowFacts(
                buy_usd=bought,
                sell_usd=volume - bought,
                ratio=bought / volume,
                large_usd=sum(row.usd for row in orders),
                large_count=len(orders),
                ratio_limit=self._ratio / 10_000,
            ),
            score=score,
            score_parts=parts,
            top=largest(orders),
        )
