"""Market cascades: storms that begin on many assets within a minute (SPEC 2, SEMANTICS 12)."""

from __future__ import annotations

from collections.abc import Collection

from ws_alert.detectors.hit import Hit
from ws_alert.facts import MARKET
from ws_alert.messages import CascadeFacts, Finding, Kind, StormLine, Tier
from ws_alert.rules import Rules

__all__ = ["SPAN_MS", "MarketCascadeDetector"]

SPAN_MS = 60_000


class MarketCascadeDetector:
    """Remembers the storm episodes that began in the last minute; `storms` is its whole memory."""

    def __init__(self, rules: Rules) -> None:
        self._least = rules.thresholds.market_cascade.assets
        self.storms: list[tuple[Finding, int]] = []
        self._newest_ms = 0

    def began(self, storm: Finding, now_ms: int, active: Collection[str]) -> Hit | None:
        """Take a storm that began, as first found; judge the storms of (t - 60 s, t].

        t is the latest beginning so far. now_ms: the engine's time, after which a storm is
        remembered for two minutes at most. active: the assets that had any event lately.
        """
        self._newest_ms = max(self._newest_ms, storm.episode_ms)
        self.storms.append((storm, now_ms))
        self.storms = [
            (each, at_ms)
            for each, at_ms in self.storms
            if each.episode_ms > self._newest_ms - SPAN_MS and at_ms > now_ms - 2 * SPAN_MS
        ]
        found = [each for each, _ in self.storms]
        assets = len({each.asset for each in found})
        if assets < self._least or storm not in found:
            return None
        return self._hit(found, assets, storm.event_ms, len(active))

    def restore(self, storms: list[tuple[Finding, int]]) -> None:
        """Go on from what was remembered."""
        self.storms = storms
        self._newest_ms = max((each.episode_ms for each, _ in storms), default=0)

    def _hit(self, storms: list[Finding], assets: int, event_ms: int, active: int) -> Hit:
        sides = {"long": 0, "short": 0}
        venues: dict[str, int] = {}
        for each in storms:
            sides[each.direction] += each.usd
            for venue, usd in each.venues:
                venues[venue] = venues.get(venue, 0) + usd
        ranked = sorted(storms, key=lambda each: (-each.usd, each.asset, each.direction))
        return Hit(
            kind=Kind.MARKET_CASCADE,
            asset=MARKET,
            direction="long" if sides["long"] >= sides["short"] else "short",
            event_ms=event_ms,
            window_ms=SPAN_MS,
            usd=sum(sides.values()),
            count=sum(each.count for each in storms),
            venues=tuple(venues.items()),
            threshold_usd=sum(each.threshold_usd for each in storms),
            threshold_count=self._least,
            tier=self._tier(storms, assets),
            facts=CascadeFacts(
                storms=tuple(
                    StormLine(each.asset, each.direction, each.usd, each.count, each.episode_ms)
                    for each in ranked
                ),
                assets=assets,
                active=max(active, assets),
                long_usd=sides["long"],
                short_usd=sides["short"],
            ),
        )

    def _tier(self, storms: list[Finding], assets: int) -> Tier:
        """Return the tier by the multiple of the number of assets, never below that of a storm it silences."""
        own = (
            Tier.URGENT
            if assets >= 4 * self._least
            else Tier.WATCH
            if assets >= 2 * self._least
            else Tier.INFO
        )
        return max(own, *(each.tier for each in storms))
