"""What a detector reports: a rule is satisfied now. Episodes make a finding of it."""

from __future__ import annotations

import msgspec

from ws_alert.messages import EventRow, Facts, Kind, Normal, ScorePart, Tier

__all__ = ["Hit", "Level", "tier_by_multiple"]


class Hit(msgspec.Struct, frozen=True):
    """A rule is satisfied at the asset's newest time; fields as in `Finding`."""

    kind: Kind
    asset: str
    direction: str
    event_ms: int
    window_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]
    threshold_usd: int
    threshold_count: int
    tier: Tier
    facts: Facts
    score: float | None = None
    score_parts: tuple[ScorePart, ...] = ()
    normal: Normal | None = None
    top: tuple[EventRow, ...] = ()


class Level(msgspec.Struct, frozen=True):
    """What a level kind measures now (SEMANTICS 9).

    multiple: the measure in multiples of its threshold; the episode ends when it has been
    below 0.8 for a minute. hit: set while the whole rule is satisfied.
    """

    kind: Kind
    asset: str
    direction: str
    multiple: float
    hit: Hit | None = None


def tier_by_multiple(usd: int, threshold_usd: int) -> Tier:
    """Return the tier of kinds without a confidence: 1x INFO, 2x WATCH, 4x URGENT (SPEC 2)."""
    if usd >= 4 * threshold_usd:
        return Tier.URGENT
    if usd >= 2 * threshold_usd:
        return Tier.WATCH
    return Tier.INFO if usd >= threshold_usd else Tier.NONE
