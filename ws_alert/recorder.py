"""What the market tape gets of what the engine saw: sums by minute, notable events, coverage. Pure.

The engine tells every liquidation and every large order, also while its windows are
refilled after a restart: the store keeps the larger figure of a minute, so counting the
last minutes again changes nothing (see `teleglas.storage.tape`).
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute
from ws_alert.messages import EventRow, FeedNotice, FeedState

__all__ = ["NOTABLE_CENTS", "Observer", "Recorder"]

NOTABLE_CENTS = 1_000_00
"""Smaller liquidations are only summed: four in five rows, and a hundredth of the amount."""

_OPEN_MS = 5 * MINUTE_MS
"""So long a minute's sums are kept to be added to: an event may come a minute late."""

_MOST_WAITING = 50_000


class Observer(Protocol):
    """Who is told of events beside the detectors."""

    def liquidated(self, asset: str, row: EventRow) -> None:
        """Take a forced order; `row.side` is the POSITION's, `row.event_ms` its window time."""

    def ordered(self, asset: str, row: EventRow) -> None:
        """Take a large taker order."""

    def noticed(self, notice: FeedNotice) -> None:
        """Take a feed's change of state."""


_BarKey = tuple[int, str, str, str, str]


class _Feed:
    """How long a feed was complete, by minute."""

    def __init__(self) -> None:
        self.complete = False
        self.at_ms = 0
        self.live: dict[int, int] = {}

    def pass_until(self, now_ms: int) -> None:
        while self.at_ms < now_ms:
            minute = self.at_ms - self.at_ms % MINUTE_MS
            until = min(now_ms, minute + MINUTE_MS)
            self.live[minute] = self.live.get(minute, 0) + (until - self.at_ms if self.complete else 0)
            self.at_ms = until


class Recorder:
    """Collects between two calls of `take`; nothing of the memory grows with the time that it runs."""

    def __init__(self) -> None:
        self.last_event_ms: int | None = None
        self._bars: dict[_BarKey, list[int]] = {}
        self._changed: set[_BarKey] = set()
        self._events: list[Event] = []
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._feeds: dict[tuple[str, str], _Feed] = {}

    def liquidated(self, asset: str, row: EventRow) -> None:
        """Count a forced order."""
        self._count(asset, row, LIQUIDATION)
        if row.usd >= NOTABLE_CENTS:
            self._note(asset, row, LIQUIDATION)

    def ordered(self, asset: str, row: EventRow) -> None:
        """Count a large taker order."""
        self._count(asset, row, ORDER)
        self._note(asset, row, ORDER)

    def noticed(self, notice: FeedNotice) -> None:
        """Take a feed's change of state: coverage counts the time in which it lost nothing."""
        feed = self._feeds.setdefault((notice.venue, notice.family), _Feed())
        if feed.at_ms:
            feed.pass_until(notice.at_ms)
        feed.at_ms = max(feed.at_ms, notice.at_ms)
        polled = notice.state is FeedState.POLLING and notice.complete
        feed.complete = polled or notice.state is FeedState.LIVE

    def take(self, now_ms: int) -> Batch:
        """Return what is new since the last call, to be committed. now_ms: Unix ms, never going back."""
        minutes = []
        for (venue, family), feed in self._feeds.items():
            feed.pass_until(now_ms)
            minutes += [FeedMinute(minute, venue, family, live) for minute, live in sorted(feed.live.items())]
            feed.live = {minute: live for minute, live in feed.live.items() if minute > now_ms - _OPEN_MS}
        bars = tuple(Bar(*key, *self._bars[key]) for key in sorted(self._changed))
        batch = Batch(bars, tuple(self._events), tuple(minutes))
        self._changed.clear()
        self._events.clear()
        self._forget(now_ms)
        return batch

    def _count(self, asset: str, row: EventRow, kind: str) -> None:
        key = (row.event_ms - row.event_ms % MINUTE_MS, asset, row.venue, kind, row.side)
        sums = self._bars.setdefault(key, [0, 0])
        sums[0] += row.usd
        sums[1] += 1
        self._changed.add(key)
        self.last_event_ms = max(self.last_event_ms or 0, row.event_ms)

    def _note(self, asset: str, row: EventRow, kind: str) -> None:
        content = (row.event_ms, row.venue, row.symbol, kind, row.side, row.usd)
        nth = self._seen[content]
        self._seen[content] += 1
        # A database that cannot be written must not fill the memory: the sums stay right.
        if len(self._events) < _MOST_WAITING:
            self._events.append(
                Event(row.event_ms, asset, row.venue, row.symbol, kind, row.side, row.usd, row.price, nth)
            )

    def _forget(self, now_ms: int) -> None:
        oldest = now_ms - _OPEN_MS
        self._bars = {key: sums for key, sums in self._bars.items() if key[0] > oldest}
        self._seen = Counter(
            {content: n for content, n in self._seen.items() if int(str(content[0])) > oldest}
        )
