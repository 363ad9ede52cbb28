"""Exact rolling window over few events: liquidations of one side, large orders of one side."""

from __future__ import annotations

from bisect import bisect_right
from heapq import nlargest
from typing import Final

from ws_alert.messages import EventRow

__all__ = ["LATEST_ARRIVAL_MS", "TOP", "EventWindow", "largest"]

LATEST_ARRIVAL_MS: Final = 60_000
"""An event that is older on receipt is dropped (SEMANTICS 3)."""

TOP: Final = 5
"""How many of the largest events an alert shows."""

_TRIM_AT: Final = 256
_TRIMMED: Final = 64
_NEVER: Final = 1 << 62


def _time(row: EventRow) -> int:
    return row.event_ms


class EventWindow:
    """Events of one asset and side; running integer sums over (H - window, H].

    H is the asset's newest window time and is given to each call; it never goes back.
    Events stay one latest arrival (or one more window) longer than the window, so that an
    episode can count what came late and what stood before its start; or `keep_ms`, if that is
    longer. `row.event_ms` is the window time of the event; first_ms is that of the oldest one within.
    """

    __slots__ = ("_events", "_kept_ms", "_lo", "_window_ms", "count", "first_ms", "usd", "venues")

    def __init__(self, window_ms: int, keep_ms: int = 0) -> None:
        self._window_ms = window_ms
        self._kept_ms = max(window_ms + max(LATEST_ARRIVAL_MS, window_ms), keep_ms)
        self._events: list[EventRow] = []
        self._lo = 0
        self.first_ms = _NEVER
        self.usd = 0
        self.count = 0
        self.venues: dict[str, int] = {}

    def add(self, row: EventRow, newest_ms: int) -> bool:
        """Join the event to its place; return False if it lies before the window."""
        edge, event_ms, events = newest_ms - self._window_ms, row.event_ms, self._events
        if self.first_ms <= edge:
            self.advance(newest_ms)
        if not events or events[-1].event_ms <= event_ms:
            events.append(row)
        else:
            events.insert(bisect_right(events, event_ms, key=_time), row)
        if event_ms <= edge:
            self._lo += 1
            return False
        if event_ms < self.first_ms:  # noqa: PLR1730 - told of every liquidation: min() costs twice as much
            self.first_ms = event_ms
        usd, venues = row.usd, self.venues
        self.usd += usd
        self.count += 1
        venues[row.venue] = venues.get(row.venue, 0) + usd
        return True

    def advance(self, newest_ms: int) -> None:
        """Let everything at or before `newest_ms - window` leave the sums."""
        events, edge, lo = self._events, newest_ms - self._window_ms, self._lo
        while lo < len(events) and events[lo].event_ms <= edge:
            row = events[lo]
            self.usd -= row.usd
            self.count -= 1
            left = self.venues[row.venue] - row.usd
            if left:
                self.venues[row.venue] = left
            else:
                del self.venues[row.venue]
            lo += 1
        self._lo = lo
        self.first_ms = events[lo].event_ms if lo < len(events) else _NEVER
        if lo >= _TRIM_AT and events[_TRIMMED].event_ms <= newest_ms - self._kept_ms:
            self.trim(newest_ms)

    def trim(self, newest_ms: int) -> None:
        """Forget what no episode can ask for any more. Sums stay as they are."""
        if self._lo:
            edge = newest_ms - self._kept_ms
            cut = min(self._lo, bisect_right(self._events, edge, key=_time))
            del self._events[:cut]
            self._lo -= cut

    def inside(self) -> list[EventRow]:
        """Return the events within the window, oldest first."""
        return self._events[self._lo :]

    def since(self, after_ms: int) -> list[EventRow]:
        """Return all kept events later than `after_ms`, oldest first."""
        return self._events[bisect_right(self._events, after_ms, key=_time) :]

    def between(self, after_ms: int, to_ms: int) -> list[EventRow]:
        """Return the kept events of (after, to], oldest first."""
        events = self._events
        return events[bisect_right(events, after_ms, key=_time) : bisect_right(events, to_ms, key=_time)]

    def count_after(self, after_ms: int) -> int:
        """Return how many kept events are later than `after_ms`."""
        return len(self._events) - bisect_right(self._events, after_ms, key=_time)


def largest(rows: list[EventRow]) -> tuple[EventRow, ...]:
    """Return the events that an alert shows: the largest by USD, the earlier one first among equals."""
    return tuple(nlargest(TOP, rows, key=lambda row: (row.usd, -row.event_ms)))
