"""How often a kind of alert was right before, against chance. Pure.

Shares are 0..1, moves in percent. What a move, a right call and the any-time baseline are: `teleglas.outcomes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import Final

import msgspec

from teleglas.outcomes import Followed, expected

__all__ = ["LEAST_TOLD", "NOTHING", "TrackRecord", "right", "track_record", "up", "wilson"]

LEAST_TOLD: Final = 10
"""With fewer outcomes an interval spans half of everything: there is `no record yet`."""

_Z: Final = 1.959963984540054
"""Of a 95 % interval."""


class TrackRecord(msgspec.Struct, frozen=True):
    """What followed so many alerts within one horizon.

    hits: moves the counted way (up, or as the kind calls); rate = hits / n, with its 95 % Wilson interval low..high.
    median: of the moves, counted that way; size: of their absolute values. baseline: the share of any minutes that moved
    the counted way, on average over the alerts' assets. None: nothing to tell it from.
    """

    n: int
    hits: int
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    median: float | None = None
    size: float | None = None
    baseline: float | None = None


NOTHING: Final = TrackRecord(0, 0)


def track_record(moves: Sequence[tuple[float, float | None]]) -> TrackRecord:
    """Sum up (move the counted way, chance of such a move); the baseline wants half of the chances to be known."""
    n = len(moves)
    if not n:
        return NOTHING
    hits = sum(move > 0 for move, _ in moves)
    low, high = wilson(hits, n)
    chances = [chance for _, chance in moves if chance is not None]
    return TrackRecord(
        n, hits, hits / n, low, high,
        median(move for move, _ in moves),
        median(abs(move) for move, _ in moves),
        sum(chances) / len(chances) if len(chances) * 2 >= n else None,
    )  # fmt: skip


def up(followed: Sequence[Followed]) -> TrackRecord:
    """Count the moves up."""
    return track_record([(each.move.move, each.move.up) for each in followed if each.move.move is not None])


def right(followed: Sequence[Followed]) -> TrackRecord:
    """Count the moves as the kind called them; alerts that called nothing are left out."""
    return track_record(
        [
            (sign * each.move.move, each.move.up if sign > 0 else each.move.down)
            for each in followed
            if each.move.move is not None and (sign := expected(each.kind, each.direction))
        ]
    )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share; count is at least 1."""
    share, square = hits / count, _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * sqrt(share * (1 - share) / count + square / (4 * count * count))
    # rounding must not put the share outside: at 0 and 1 it is one of the ends
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
