"""Whale clusters: several large taker orders within the window, most of them on one side."""

from __future__ import annotations

from typing import Final

from teleglas.market import TakerSide
from ws_alert.detectors.hit import Hit, tier_by_multiple
from ws_alert.detectors.usd_floor import UsdFloor
from ws_alert.messages import ClusterFacts, Kind
from ws_alert.rules import GROUPS, Rules
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["WhaleClusterDetector"]


_BUY: Final = TakerSide.BUY
_SELL: Final = TakerSide.SELL


class WhaleClusterDetector:
    """USD and number of large orders of both sides together, one side dominating."""

    def __init__(self, rules: Rules, baselines: Baselines) -> None:
        thresholds = rules.thresholds.whale_cluster
        self._floor = UsdFloor(Kind.WHALE_CLUSTER, thresholds, rules.thresholds, baselines)
        self._least = {
            group: (self._floor.least[group], thresholds.count(group), thresholds.dominance(group))
            for group in GROUPS
        }
        self._window_ms = rules.window_ms

    def detect(self, events: AssetEvents, event_ms: int) -> Hit | None:
        """Judge at the asset's newest time. The windows must have been advanced to it.

        Balanced clusters are ignored: nobody learns anything from both sides at once.
        """
        buys, sells = events.orders[_BUY], events.orders[_SELL]
        usd, count = buys.usd + sells.usd, buys.count + sells.count
        least_usd, least, least_dominance = self._least[events.group]
        if usd < least_usd or count < least:
            return None
        larger = max(buys.usd, sells.usd)
        dominance = larger / usd
        if buys.usd == sells.usd or dominance < least_dominance:
            return None
        side = (_BUY if buys.usd > sells.usd else _SELL).value
        reached = self._floor.reached(events, side, usd)
        if reached is None:
            return None
        venues = dict(buys.venues)
        for venue, amount in sells.venues.items():
            venues[venue] = venues.get(venue, 0) + amount
        return Hit(
            kind=Kind.WHALE_CLUSTER,
            asset=events.asset,
            direction=side,
            event_ms=event_ms,
            window_ms=self._window_ms,
            usd=usd,
            count=count,
            venues=tuple(venues.items()),
            threshold_usd=reached.threshold,
            threshold_count=least,
            tier=tier_by_multiple(usd, reached.threshold),
            facts=ClusterFacts(buys.usd, sells.usd, buys.count, sells.count, dominance),
            normal=reached.normal,
        )
