"""Reads minutes that are over off the engine's tapes, a few assets at each look. Pure.

A tape remembers five minutes by the second, also those that a restart has refilled it with. Each minute is read
once, when no event can join it any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from operator import itemgetter

from teleglas.tape import MINUTE_MS, PriceMinute
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import LATEST_ARRIVAL_MS

__all__ = ["SETTLED_MS", "MinutePrices"]

SETTLED_MS = LATEST_ARRIVAL_MS + 1_000
"""So long after its end nothing joins a minute any more; a second more for what is still being decoded."""


class MinutePrices:
    """`read` until nothing is left, then again a minute later."""

    def __init__(self) -> None:
        self._read: dict[str, int] = {}

    def read(self, assets: Collection[AssetEvents], now_ms: int, most: int) -> list[PriceMinute]:
        """Return new minutes of at most so many assets, oldest first. now_ms: Unix ms, the wall's.

        Who was read longest ago comes first, so that no asset waits for ever where a minute is too short for all.
        """
        until_ms = (now_ms - SETTLED_MS) // MINUTE_MS * MINUTE_MS
        due: list[tuple[int, int, AssetEvents]] = []
        for events in assets:
            second_ms = events.tape.second * 1000
            # a tape that fell silent is read up to its last event, however long ago that was
            end_ms = min(until_ms, second_ms - second_ms % MINUTE_MS + MINUTE_MS)
            before_ms = self._read.get(events.asset, 0)
            if end_ms > before_ms:
                due.append((before_ms, end_ms, events))
        due.sort(key=itemgetter(0))
        found: list[PriceMinute] = []
        for before_ms, end_ms, events in due[:most]:
            found += _minutes(events, before_ms, end_ms)
            self._read[events.asset] = end_ms
        known = {events.asset for events in assets}
        self._read = {asset: end_ms for asset, end_ms in self._read.items() if asset in known}
        return found


def _minutes(events: AssetEvents, after_ms: int, end_ms: int) -> Iterator[PriceMinute]:
    """Yield the priced minutes of the five before a full minute that begin at `after_ms` or later."""
    drawn = events.tape.chart(end_ms - 1, orders=False, bucket_s=MINUTE_MS // 1000)
    for opened_ms, low, high, last in drawn.price:
        if opened_ms >= after_ms:
            yield PriceMinute(opened_ms, events.asset, low, high, last)
