"""One statistic of one asset over a week: what is normal for it, and at which hours (SEMANTICS 13). Pure."""

from __future__ import annotations

from array import array
from bisect import insort
from collections.abc import Sequence
from itertools import chain
from math import log2
from typing import Final

from ws_alert.windows.baseline_rows import HistoryRow

__all__ = ["DAY_MINUTES", "KEPT_DAYS", "SampleHistory"]

DAY_MINUTES: Final = 1440
KEPT_DAYS: Final = 8
"""Today and the seven UTC days before."""

_ONE_IN: Final = 200
"""q99.5: one sample in 200 is larger."""

_TOPS: Final = KEPT_DAYS * DAY_MINUTES // _ONE_IN + 1
"""With a sample in every minute the quantile is the 58th largest, so no day needs more than its 58 largest."""

_WEEK_HOURS: Final = 168
_MONDAY: Final = 72
"""1970-01-01 was a Thursday: hour 0 of the week is Monday 00:00 UTC."""

_LOG_STEPS: Final = 256
_PRIOR: Final = 20
_LEAST_FACTOR: Final = 500
_MOST_FACTOR: Final = 2000


class SampleHistory:
    """Samples in cents, at most one a UTC minute, of today and the seven UTC days before.

    Of each day the number of samples and the 58 largest are kept, since the quantile q99.5
    by nearest rank (the sample that N // 200 of N samples exceed) is never further down. It is
    therefore exact, in at most 8 x 58 numbers, however many samples there were.
    """

    __slots__ = ("_count", "_counts", "_day", "_hour", "_logs", "_means", "_tops", "_weights")

    def __init__(self) -> None:
        self._day = -1
        self._counts = array("H", bytes(2 * KEPT_DAYS))
        self._tops: list[array[int] | None] = [None] * KEPT_DAYS
        self._hour = -1
        self._logs = self._count = 0
        # laid at once: memory is the same in the first hour as in any other
        self._means = array("h", bytes(2 * _WEEK_HOURS))
        self._weights = bytes(_WEEK_HOURS)

    def add(self, minute: int, usd: int) -> None:
        """Take the sample of a minute (since 1970), which is later than that of the last one; usd > 0."""
        self._pass(minute // DAY_MINUTES)
        place = self._day % KEPT_DAYS
        self._counts[place] += 1
        tops = self._tops[place]
        if tops is None:
            tops = array("I")
        self._tops[place] = _joined(tops, usd)
        hour = minute // 60
        if hour != self._hour:
            self._learn()
            self._hour = hour
        self._logs += round(log2(usd) * _LOG_STEPS)
        self._count += 1

    def quantile(self, day: int) -> int | None:
        """Return q99.5 of the samples of `day` (since 1970, not before the newest) and the seven days before."""
        self._pass(day)
        total = sum(self._counts)
        if not total:
            return None
        return _largest_first(self._tops)[total // _ONE_IN]

    def factor(self, hour: int) -> int:
        """Return how large samples of an hour (since 1970) use to be, in thousandths of those of all hours.

        2^(d * w / (w + 20)), within 0.5..2. d: the mean log2 of the samples of that hour
        of the week (Monday 00:00 UTC first) less that of all. w: how many there were, each week
        counting three quarters of the week after it, so at most 240; it also weighs the hour
        in the mean of all. An hour counts once a sample of a later hour was added.
        """
        means, weights = self._means, self._weights
        place = (hour + _MONDAY) % _WEEK_HOURS
        if not weights[place]:
            return 1000
        whole = sum(mean * weight for mean, weight in zip(means, weights, strict=True)) / sum(weights)
        weight = weights[place]
        distance = (means[place] - whole) / _LOG_STEPS * weight / (weight + _PRIOR)
        return min(_MOST_FACTOR, max(_LEAST_FACTOR, round(1000 * 2**distance)))

    def row(self, day: int) -> HistoryRow:
        """Return all that is known at the end of `day`, to be stored."""
        self._pass(day)
        days = tuple((n, tuple(tops or ())) for n, tops in zip(self._counts, self._tops, strict=True))
        learned = any(self._weights)
        means, weights = (tuple(self._means), self._weights) if learned else ((), b"")
        return HistoryRow(self._day, days, self._hour, self._logs, self._count, means, weights)

    @classmethod
    def of(cls, row: HistoryRow) -> SampleHistory:
        """Return the history that a row was made of."""
        found = cls()
        found._day, found._hour, found._logs, found._count = row.day, row.hour, row.logs, row.count
        for place, (n, tops) in enumerate(row.days):
            found._counts[place] = n
            found._tops[place] = _packed(tops) if tops else None
        if row.means:
            found._means, found._weights = array("h", row.means), row.weights
        return found

    def _pass(self, day: int) -> None:
        if day == self._day:
            return
        for passed in range(max(self._day + 1, day - KEPT_DAYS + 1), day + 1):
            self._counts[passed % KEPT_DAYS] = 0
            self._tops[passed % KEPT_DAYS] = None
        self._day = day
        self._trim()

    def _trim(self) -> None:
        """Forget what can never be the quantile: 58 larger samples leave the week later than it, or with it."""
        best: list[int] = []
        for back in range(KEPT_DAYS):
            place = (self._day - back) % KEPT_DAYS
            tops = self._tops[place]
            if tops is None:
                continue
            best = sorted((*best, *tops))[-_TOPS:]
            if len(best) == _TOPS and tops[0] < best[0]:
                self._tops[place] = _packed([usd for usd in tops if usd >= best[0]]) or None

    def _learn(self) -> None:
        """Let the hour that is over join the profile of the week."""
        if not self._count:
            return
        place = (self._hour + _MONDAY) % _WEEK_HOURS
        before = self._weights[place] * 3 // 4
        weight = before + self._count
        total = self._means[place] * before + self._logs
        self._means[place] = (2 * total + weight) // (2 * weight)
        self._weights = self._weights[:place] + bytes((weight,)) + self._weights[place + 1 :]
        self._logs = self._count = 0


def _joined(tops: array[int], usd: int) -> array[int]:
    """Return the largest of a day with one more sample."""
    if len(tops) == _TOPS:
        if usd <= tops[0]:
            return tops
        del tops[0]
    try:
        insort(tops, usd)
    except OverflowError:
        tops = array("Q", tops)  # above $42.9M in cents
        insort(tops, usd)
    return tops


def _packed(values: Sequence[int]) -> array[int]:
    try:
        return array("I", values)
    except OverflowError:
        return array("Q", values)


def _largest_first(days: Sequence[array[int] | None]) -> list[int]:
    return sorted(chain.from_iterable([day for day in days if day]), reverse=True)
