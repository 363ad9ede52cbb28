"""From outcomes to each kind's record, and from a record to `score_v2`. Pure.

`score_v2` is the share of right calls that the record leads to expect of an alert of this strength: earlier alerts are
sorted by strength and cut into bins; isotonic regression (pool adjacent violators) makes the bins' shares rise with
the strength; all of them are drawn towards the kind's own share, as if `PRIOR` more alerts had come out like the kind.
It is monotone in the strength, tends to the truth where that is monotone, and decides nothing: `score_v1` does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from teleglas.outcomes import Followed, expected
from teleglas.track_record import NOTHING, right, up, wilson
from ws_alert.messages import (
    AccumulationFacts,
    CascadeFacts,
    ConfluenceFacts,
    DivergenceFacts,
    Finding,
    FundingFacts,
    SpikeFacts,
)
from ws_alert.records import AlertRecord, KindRecord, Records, ScoreV2, Step

__all__ = ["LEAST", "PRIOR", "alert_record", "calibrate", "records_of", "score_v2", "strength"]

LEAST: Final = 30
"""With fewer calls there is no `score_v2`."""

PRIOR: Final = 30
_LEAST_BIN: Final = 10
_BINS: Final = 10


def records_of(followed: Sequence[Followed]) -> Records:
    """Sum up what followed the alerts of each kind within one horizon."""
    kinds: dict[str, list[Followed]] = {}
    for each in followed:
        kinds.setdefault(each.kind, []).append(each)
    return Records({kind: _kind_record(kinds[kind]) for kind in sorted(kinds)})


def alert_record(records: Mapping[str, KindRecord], finding: Finding, strong: float | None) -> AlertRecord:
    """Return what an alert tells of earlier ones; strong: its `strength`."""
    record = records.get(finding.kind)
    if record is None:
        return AlertRecord(NOTHING, NOTHING)
    calls = expected(finding.kind, finding.direction) != 0
    return AlertRecord(
        record.ways.get(finding.direction, NOTHING),
        record.right,
        score_v2(record.curve, strong) if calls and strong is not None else None,
    )


def score_v2(curve: Sequence[Step], strong: float) -> ScoreV2 | None:
    """Return the calibrated share of right calls at a strength; None while there is no curve."""
    if not curve:
        return None
    step = curve[max(0, bisect_right(curve, strong, key=lambda each: each.strength) - 1)]
    return ScoreV2(step.share, step.hits, step.n, *wilson(step.hits, step.n))


def calibrate(calls: Sequence[tuple[float, bool]]) -> tuple[Step, ...]:
    """Return the curve of (strength, was it right), its shares rising with the strength; empty below `LEAST` calls."""
    if len(calls) < LEAST:
        return ()
    pooled: list[tuple[float, int, int]] = []
    for begin, hits, n in _bins(sorted(calls)):
        while pooled and pooled[-1][1] * n >= hits * pooled[-1][2]:
            begin, more_hits, more = pooled.pop()  # noqa: PLW2901 - the pool begins where its weakest does
            hits, n = hits + more_hits, n + more  # noqa: PLW2901
        pooled.append((begin, hits, n))
    own = sum(hits for _, hits, _ in pooled) / len(calls)
    weight = len(calls) / (len(calls) + PRIOR)
    return tuple(Step(begin, weight * (hits / n) + (1 - weight) * own, hits, n) for begin, hits, n in pooled)


def _bins(calls: Sequence[tuple[float, bool]]) -> list[tuple[float, int, int]]:
    """Cut sorted calls into (least strength, hits, n) of about a tenth each; equal strengths stay together."""
    size = max(_LEAST_BIN, len(calls) // _BINS)
    bins: list[tuple[float, int, int]] = []
    for strong, same in groupby(calls, key=itemgetter(0)):
        hits = [hit for _, hit in same]
        begin, before_hits, before = bins.pop() if bins and bins[-1][2] < size else (strong, 0, 0)
        bins.append((begin, before_hits + sum(hits), before + len(hits)))
    if len(bins) > 1 and bins[-1][2] < size:
        (_, last_hits, n), (begin, before_hits, before) = bins.pop(), bins.pop()
        bins.append((begin, before_hits + last_hits, before + n))
    return bins


def _kind_record(followed: Sequence[Followed]) -> KindRecord:
    ways = sorted({each.direction for each in followed})
    calls = [
        (each.strength, sign * each.move.move > 0)
        for each in followed
        if each.strength is not None
        and each.move.move is not None
        and (sign := expected(each.kind, each.direction))
    ]
    return KindRecord(
        {way: up([each for each in followed if each.direction == way]) for way in ways},
        right(followed),
        calibrate(calls),
    )


def strength(finding: Finding) -> float | None:
    """Return its score, or, of a kind without one, what it measured in multiples of its threshold.

    A cascade's is the number of its assets, a confluence's its confidence; a kind that calls no direction has none.
    """
    facts = finding.facts
    match facts:
        case SpikeFacts() | DivergenceFacts():
            found = None
        case ConfluenceFacts(confidence=confidence):
            found = float(confidence)
        case CascadeFacts(assets=assets):
            found = float(assets)
        case FundingFacts(extreme_8h=extreme, limit_8h=limit):
            found = _ratio(abs(extreme), limit)
        case AccumulationFacts():
            found = _ratio(finding.count, finding.threshold_count)
        case _:
            found = finding.score
            if found is None:
                found = _ratio(finding.usd, finding.threshold_usd)
    return found


def _ratio(value: float, of: float | None) -> float | None:
    return value / of if of else None
