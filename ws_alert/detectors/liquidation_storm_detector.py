"""Liquidation storms: one side of one asset forced out within the window."""

from __future__ import annotations

from teleglas.market import PositionSide
from ws_alert.detectors.hit import Hit, tier_by_multiple
from ws_alert.detectors.usd_floor import UsdFloor
from ws_alert.messages import Kind, StormFacts
from ws_alert.rules import GROUPS, Rules
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["LiquidationStormDetector", "intensity"]


class LiquidationStormDetector:
    """USD of one side >= the threshold in force and at least two liquidations, over all venues."""

    def __init__(self, rules: Rules, baselines: Baselines) -> None:
        thresholds = rules.thresholds.liquidation_storm
        self._floor = UsdFloor(Kind.LIQUIDATION_STORM, thresholds, rules.thresholds, baselines)
        self.least = self._floor.least
        """By group, the cents below which no side is a storm."""
        self._count = {group: thresholds.count(group) for group in GROUPS}
        self._window_ms = rules.window_ms

    def detect(self, events: AssetEvents, side: PositionSide, event_ms: int) -> Hit | None:
        """Judge one side at the asset's newest time. The windows must have been advanced to it."""
        window = events.liquidations[side]
        least = self._count[events.group]
        if window.usd < self._floor.least[events.group] or window.count < least:
            return None
        reached = self._floor.reached(events, side.value, window.usd)
        if reached is None:
            return None
        return Hit(
            kind=Kind.LIQUIDATION_STORM,
            asset=events.asset,
            direction=side.value,
            event_ms=event_ms,
            window_ms=self._window_ms,
            usd=window.usd,
            count=window.count,
            venues=tuple(window.venues.items()),
            threshold_usd=reached.threshold,
            threshold_count=least,
            tier=tier_by_multiple(window.usd, reached.threshold),
            facts=StormFacts(intensity(window.usd, reached.threshold)),
            normal=reached.normal,
        )


def intensity(usd: int, threshold: int) -> int:
    """Return the largest of 1, 2, 4, 8 times the threshold that was reached."""
    return next((step for step in (8, 4, 2) if usd >= step * threshold), 1)
