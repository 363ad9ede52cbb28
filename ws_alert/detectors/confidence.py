"""`score_v1`: how much evidence stands behind a finding, 50 to 99 (SPEC 2). A score, never a probability."""

from __future__ import annotations

from typing import Final

from teleglas.track_record import NOTHING, TrackRecord
from ws_alert.messages import ScorePart, Tier

__all__ = ["FIRST_STEP", "MOST", "STEP_SHARE", "record_points", "score_v1", "tier_of_score", "total"]

MOST: Final = 99
"""The score ends here, whatever is added."""

STEP_SHARE: Final = {"majors": 100, "large_cap": 50, "mid_cap": 25, "others": 25}
"""By group, in percent, how large the volume steps are (SEMANTICS 12)."""

_VOLUME_STEPS = ((5_000_000_00, 20), (3_000_000_00, 15), (2_000_000_00, 10))
FIRST_STEP: Final = 2_000_000_00
"""Volume up to this (scaled by group) adds nothing."""

_ONE_SIDED_STEPS = ((80, 15), (70, 10))
_LEAST_RECORD = 30


def score_v1(
    *,
    group: str,
    volume: int,
    side_usd: int,
    absorbed: bool = False,
    record: TrackRecord = NOTHING,
) -> tuple[ScorePart, ...]:
    """Return the parts of the score; their `total` is the score.

    volume: cents, of which side_usd belong to the larger side. absorbed: large orders took
    the other side of a forced flow. record: of this kind's right calls.
    """
    parts = [ScorePart("base", 50)]
    share = STEP_SHARE[group]
    for step, points in _VOLUME_STEPS:
        if volume * 100 > step * share:
            parts.append(ScorePart(f"volume above ${step * share // 100_00 / 1_000_000:g}M", points))
            break
    for percent, points in _ONE_SIDED_STEPS:
        if side_usd * 100 > volume * percent:
            parts.append(ScorePart(f"one side above {percent} %", points))
            break
    if absorbed:
        parts.append(ScorePart("absorption", 25))
    points = record_points(record)
    if points:
        parts.append(ScorePart(f"{record.hits:,} of {record.n:,} earlier ones right", points))
    return tuple(parts)


def record_points(record: TrackRecord) -> int:
    """Return what a kind's measured hit rate adds: 10 above 0.7 over at least 30 alerts, else nothing."""
    measured = record.n >= _LEAST_RECORD and record.hits * 10 > record.n * 7
    return 10 if measured else 0


def total(parts: tuple[ScorePart, ...]) -> float:
    """Return the score of its parts."""
    return float(min(MOST, sum(part.points for part in parts)))


def tier_of_score(score: float) -> Tier:
    """Return the tier of a confidence: URGENT from 85, WATCH from 70, INFO from 60."""
    if score >= 85:
        return Tier.URGENT
    if score >= 70:
        return Tier.WATCH
    return Tier.INFO if score >= 60 else Tier.NONE
