"""What is known of how earlier alerts came out, as it crosses the pipeline. `signals/track_record.py` makes it.

It comes from the store into the engine as an input (`RecordKind.TRACK_RECORD`) and from there into each alert.
"""

from __future__ import annotations

import msgspec

from teleglas.outcomes import TOLD_MIN
from teleglas.track_record import NOTHING, TrackRecord

__all__ = ["AlertRecord", "KindRecord", "Records", "ScoreV2", "Step"]


class Step(msgspec.Struct, frozen=True):
    """From this strength up to the next step's, so many of n alerts were right; share: what is expected of the next one, 0..1."""

    strength: float
    share: float
    hits: int
    n: int


class KindRecord(msgspec.Struct, frozen=True):
    """One kind's record. ways: moves up, by direction. right: calls that were right, over all directions.

    curve: `score_v2` as a function of the strength, empty before enough is known.
    """

    ways: dict[str, TrackRecord]
    right: TrackRecord = NOTHING
    curve: tuple[Step, ...] = ()


class Records(msgspec.Struct, frozen=True):
    """The records of all kinds within `TOLD_MIN` minutes, by the kind's name."""

    kinds: dict[str, KindRecord] = {}


class ScoreV2(msgspec.Struct, frozen=True):
    """The calibrated share of right calls, 0..1: so many of n earlier alerts of like strength, their 95 % interval low..high."""

    share: float
    hits: int
    n: int
    low: float
    high: float


class AlertRecord(msgspec.Struct, frozen=True):
    """What an alert tells of earlier ones, `horizon_min` minutes after them. way: of its kind and direction; right: of its kind."""

    way: TrackRecord
    right: TrackRecord
    score_v2: ScoreV2 | None = None
    horizon_min: int = TOLD_MIN
