"""How many USD one kind needs: the group's fixed floor, and what is normal for the asset (SPEC 2, SEMANTICS 13)."""

from __future__ import annotations

from typing import NamedTuple

from ws_alert.messages import Kind, Normal
from ws_alert.rules import GROUPS, Thresholds, UsdThresholds
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["Reached", "UsdFloor"]


class Reached(NamedTuple):
    """threshold: decides the tier, in cents. normal: the asset's own, None where it was not asked or is not known yet."""

    threshold: int
    normal: Normal | None


class UsdFloor:
    """One kind's floors by the mode of the thresholds.

    fixed: the group's amount. both: besides it, once it is known, the asset's own normal must be
    reached; the group's amount still decides the tier. adaptive: the normal alone, but at
    least a tenth of the group's amount, decides, also on the tier; the group's amount while no normal is known.
    """

    def __init__(
        self, kind: Kind, amounts: UsdThresholds, thresholds: Thresholds, baselines: Baselines
    ) -> None:
        self._kind, self._mode, self._baselines = kind, thresholds.mode, baselines
        self._fixed = {group: amounts.usd(group) for group in GROUPS}
        self.least = {group: thresholds.least(self._fixed[group]) for group in GROUPS}
        """What is needed in any case, by group in cents: cheap to ask first."""

    def reached(self, events: AssetEvents, side: str, usd: int) -> Reached | None:
        """Return the threshold in force if so many cents reach it; side: as the series of `Baselines`."""
        fixed = self._fixed[events.group]
        if self._mode == "fixed":
            return Reached(fixed, None) if usd >= fixed else None
        if usd < self.least[events.group]:
            return None
        normal = self._baselines.normal(events.asset, self._kind, side)
        if normal is None:
            return Reached(fixed, None) if usd >= fixed else None
        threshold = fixed if self._mode == "both" else max(self.least[events.group], normal.usd)
        return Reached(threshold, normal) if usd >= max(threshold, normal.usd) else None
