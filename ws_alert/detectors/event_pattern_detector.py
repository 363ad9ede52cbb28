"""Single events that are news by themselves: a large liquidation, a whale's taker order."""

from __future__ import annotations

from ws_alert.detectors.hit import Hit, tier_by_multiple
from ws_alert.detectors.usd_floor import Reached, UsdFloor
from ws_alert.messages import EventRow, Kind, LargeFacts, WhaleFacts
from ws_alert.rules import Rules
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["EventPatternDetector"]


class EventPatternDetector:
    """One liquidation or one taker order at or above its threshold."""

    def __init__(self, rules: Rules, baselines: Baselines) -> None:
        thresholds = rules.thresholds
        self._liquidation = UsdFloor(
            Kind.LARGE_LIQUIDATION, thresholds.large_liquidation, thresholds, baselines
        )
        self.least = self._liquidation.least
        """By group, the cents below which no liquidation is large."""
        self._trade = UsdFloor(Kind.WHALE_TRADE, thresholds.whale_trade, thresholds, baselines)

    def liquidation(self, events: AssetEvents, row: EventRow) -> Hit | None:
        """Judge one liquidation; direction is the side of the closed position."""
        if row.usd < self._liquidation.least[events.group]:
            return None
        reached = self._liquidation.reached(events, row.side, row.usd)
        return reached and _single(Kind.LARGE_LIQUIDATION, events.asset, row, reached, LargeFacts(row))

    def trade(self, events: AssetEvents, row: EventRow) -> Hit | None:
        """Judge one taker order; direction is the taker's side."""
        if row.usd < self._trade.least[events.group]:
            return None
        reached = self._trade.reached(events, row.side, row.usd)
        return reached and _single(Kind.WHALE_TRADE, events.asset, row, reached, WhaleFacts(row))


def _single(kind: Kind, asset: str, row: EventRow, reached: Reached, facts: LargeFacts | WhaleFacts) -> Hit:
    return Hit(
        kind=kind,
        asset=asset,
        direction=row.side,
        event_ms=row.event_ms,
        window_ms=0,
        usd=row.usd,
        count=1,
        venues=((row.venue, row.usd),),
        threshold_usd=reached.threshold,
        threshold_count=1,
        tier=tier_by_multiple(row.usd, reached.threshold),
        facts=facts,
        normal=reached.normal,
    )
