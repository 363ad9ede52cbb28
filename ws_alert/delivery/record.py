"""What an alert says of how earlier ones came out: what was measured, beside chance; no promise (SPEC 5).

Plain text, one fact a line, as in `wording` and `evidence`.
"""

from __future__ import annotations

from teleglas import numbers
from teleglas.outcomes import expected
from teleglas.track_record import LEAST_TOLD, TrackRecord
from ws_alert.delivery.phrases import what
from ws_alert.messages import Alert
from ws_alert.records import AlertRecord, ScoreV2

__all__ = ["lines"]

_CALLS = {1: "up", -1: "down"}


def lines(alert: Alert) -> list[str]:
    """Return the record of the alert's kind and direction; of its kind's calls, where there are enough; and score v2."""
    record = alert.record
    if record is None:
        return []  # an older version made it
    call = _CALLS.get(expected(alert.kind, alert.direction))
    told = [f"Record, {what(alert.kind, alert.direction)}: {_way(record, with_size=call is None)}"]
    if call is not None and record.right.n >= LEAST_TOLD:
        told.append(f"{_calls(alert, record)}; this one calls {call}")
    if record.score_v2 is not None:
        told.append(_score(record.score_v2))
    return told


def _way(record: AlertRecord, *, with_size: bool) -> str:
    way = record.way
    if way.n < LEAST_TOLD or way.median is None:
        return f"no record yet (n={way.n})"
    size = f" (size {numbers.percent(way.size)})" if with_size and way.size is not None else ""
    middle = f"median {numbers.percent(way.median, signed=True)}{size} after {record.horizon_min} min"
    return f"n={way.n:,}: {middle}, {_share(way)} up; {_chance(way)}"


def _calls(alert: Alert, record: AlertRecord) -> str:
    kind = alert.kind.value.replace("_", " ")
    return f"Calls of every {kind} after {record.horizon_min} min: {_share(record.right)} of {record.right.n:,} right; {_chance(record.right)}"


def _share(record: TrackRecord) -> str:
    low, high = ((part or 0) * 100 for part in (record.low, record.high))
    return f"{numbers.percent((record.rate or 0) * 100, 0)} [{low:.0f}–{high:.0f}]"


def _chance(record: TrackRecord) -> str:
    if record.baseline is None:
        return "any-time baseline not known yet"
    return f"any-time baseline {numbers.percent(record.baseline * 100, 0)}"


def _score(score: ScoreV2) -> str:
    like = (
        f"{score.hits:,} of {score.n:,} of like strength were [{score.low * 100:.0f}–{score.high * 100:.0f}]"
    )
    return (
        f"Score v2, calibrated: {numbers.score(score.share)} right expected, {like}; it does not set the tier"
    )
