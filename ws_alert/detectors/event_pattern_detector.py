"""Single events that are news by themselves: a large liquidation, a whale's taker order."""

from __future__ import annotations

from ws_alert.detectors.hit import Hit, tier_by_multiple
from ws_alert.messages import EventRow, Kind, LargeFacts, WhaleFacts
from ws_alert.rules import GROUPS, Rules
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["EventPatternDetector"]


class EventPatternDetector:
    """One liquidation or one taker order at or above its group's threshold."""

    def __init__(self, rules: Rules) -> None:
        thresholds = rules.thresholds
        self._liquidation = {group: thresholds.large_liquidation.usd(group) for group in GROUPS}
        self._trade = {group: thresholds.whale_trade.usd(group) for group in GROUPS}

    def liquidation(self, events: AssetEvents, row: EventRow) -> Hit | None:
        """Judge one liquidation; direction is the side of the closed position."""
        threshold = self._liquidation[events.group]
        if row.usd < threshold:
            return None
        return _single(Kind.LARGE_LIQUIDATION, events.asset, row, threshold, LargeFacts(row))

    def trade(self, events: AssetEvents, row: EventRow) -> Hit | None:
        """Judge one taker order; direction is the taker's side."""
        threshold = self._trade[events.group]
        if row.usd < threshold:
            return None
        return _single(Kind.WHALE_TRADE, events.asset, row, threshold, WhaleFacts(row))


def _single(kind: Kind, asset: str, row: EventRow, threshold: int, facts: LargeFacts | WhaleFacts) -> Hit:
    return Hit(
        kind=kind,
        asset=asset,
        direction=row.side,
        event_ms=row.event_ms,
        window_ms=0,
        usd=row.usd,
        count=1,
        venues=((row.venue, row.usd),),
        threshold_usd=threshold,
        threshold_count=1,
        tier=tier_by_multiple(row.usd, threshold),
        facts=facts,
    )
