"""Open interest that rises on one venue while it falls on all others together (SPEC 2)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ws_alert.detectors.hit import Hit, Level, tier_by_multiple
from ws_alert.messages import DivergenceFacts, Kind
from ws_alert.rules import Rules
from ws_alert.windows.interest import AssetInterest

__all__ = ["OLDEST_MS", "SPAN_MS", "OiDivergenceDetector"]

SPAN_MS = 900_000
OLDEST_MS = 1_500_000
"""The sample that the span begins with may be up to ten minutes older than its beginning."""

_DIRECTION = "neutral"
_Changes = Mapping[str, tuple[int, int]]


class _Split(NamedTuple):
    """One venue against the sum of the others. multiple: the smaller of both, in thresholds."""

    venue: str
    rise: Fraction
    fall: Fraction
    multiple: Fraction
    others: tuple[int, int]


class OiDivergenceDetector:
    """Rise on one venue and fall of the others' sum over 15 minutes, in USD. Exact: no rounding decides.

    Of venues that satisfy it the one with the largest multiple is told; of equal ones the
    first by name.
    """

    def __init__(self, rules: Rules) -> None:
        limits = rules.thresholds.oi_divergence
        self._rise = Fraction(Decimal(repr(limits.rise_percent)))
        self._fall = Fraction(Decimal(repr(limits.fall_percent)))

    def may_fire(self, asset: AssetInterest) -> bool:
        """Return whether any venue satisfies the rule, in whole numbers only."""
        changes = asset.changes(asset.newest_ms - SPAN_MS, asset.newest_ms - OLDEST_MS)
        before = sum(usd for usd, _ in changes.values())
        after = sum(usd for _, usd in changes.values())
        return any(
            0 < was < before
            and (now - was) * 100 * self._rise.denominator >= self._rise.numerator * was
            and (before - was - after + now) * 100 * self._fall.denominator
            >= self._fall.numerator * (before - was)
            for was, now in changes.values()
        )

    def detect(self, asset: AssetInterest, event_ms: int) -> Level:
        """Return the level at the asset's newest sample; event_ms: of the sample that was told last."""
        changes, best = self._best(asset)
        hit = None
        if best is not None and best.multiple >= 1:
            hit = self._hit(asset, best, changes, event_ms)
        return _level(asset, best, hit)

    def measure(self, asset: AssetInterest) -> Level:
        """Return how high the level still is, where nothing new was told."""
        return _level(asset, self._best(asset)[1])

    def _best(self, asset: AssetInterest) -> tuple[_Changes, _Split | None]:
        now_ms = asset.newest_ms
        changes = asset.changes(now_ms - SPAN_MS, now_ms - OLDEST_MS)
        splits = [split for venue in sorted(changes) if (split := self._split(venue, changes)) is not None]
        return changes, max(splits, key=lambda split: split.multiple, default=None)

    def _split(self, venue: str, changes: _Changes) -> _Split | None:
        before, after = changes[venue]
        others = [change for name, change in changes.items() if name != venue]
        from_usd, to_usd = sum(usd for usd, _ in others), sum(usd for _, usd in others)
        if not before or not from_usd:
            return None
        rise = Fraction((after - before) * 100, before)
        fall = Fraction((from_usd - to_usd) * 100, from_usd)
        return _Split(venue, rise, fall, min(rise / self._rise, fall / self._fall), (from_usd, to_usd))

    def _hit(self, asset: AssetInterest, split: _Split, changes: _Changes, event_ms: int) -> Hit:
        before, after = changes[split.venue]
        return Hit(
            kind=Kind.OI_DIVERGENCE,
            asset=asset.asset,
            direction=_DIRECTION,
            event_ms=event_ms,
            window_ms=SPAN_MS,
            usd=after - before,
            count=len(changes),
            venues=tuple((venue, now) for venue, (_, now) in sorted(changes.items())),
            threshold_usd=0,
            threshold_count=1,
            tier=tier_by_multiple(split.multiple.numerator, split.multiple.denominator),
            facts=DivergenceFacts(
                venue=split.venue,
                venue_from=before,
                venue_to=after,
                rise_pct=float(split.rise),
                others=tuple(sorted(venue for venue in changes if venue != split.venue)),
                others_from=split.others[0],
                others_to=split.others[1],
                fall_pct=float(split.fall),
                from_ms=asset.newest_ms - SPAN_MS,
                to_ms=asset.newest_ms,
                rise_limit=float(self._rise),
                fall_limit=float(self._fall),
            ),
        )


def _level(asset: AssetInterest, best: _Split | None, hit: Hit | None = None) -> Level:
    multiple = max(Fraction(0), best.multiple) if best is not None else Fraction(0)
    return Level(Kind.OI_DIVERGENCE, asset.asset, _DIRECTION, float(multiple), hit)
