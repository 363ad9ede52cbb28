"""Answers kept for a while; of equal questions at the same time only one is asked."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

__all__ = ["Kept", "TtlCache"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """An answer and the time at which it came, in seconds of the cache's clock."""

    value: T
    at_s: float


class TtlCache:
    """Keeps at most `room` answers; those not used for longest go first.

    How long an answer is fresh is the reader's to say. Failures are not kept. A question goes
    on when its askers give up, so that the next one may find it answered. clock: monotonic seconds.
    """

    def __init__(self, *, room: int = 2000, clock: Callable[[], float] = time.monotonic) -> None:
        self._room = room
        self._clock = clock
        self._kept: OrderedDict[Hashable, Kept[Any]] = OrderedDict()
        self._flights: dict[Hashable, asyncio.Task[Any]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def age_s(self, kept: Kept[Any]) -> float:
        """Return how old an answer is."""
        return self._clock() - kept.at_s

    def peek(self, key: Hashable) -> Kept[Any] | None:
        """Return what is kept, however old."""
        return self._kept.get(key)

    async def get(self, key: Hashable, ttl_s: float, ask: Callable[[], Awaitable[T]]) -> Kept[T]:
        """Return an answer of at most `ttl_s` seconds, asking for it if there is none.

        Raises what `ask` raises, to everyone who waits for it.
        """
        kept = self._kept.get(key)
        if kept is not None and self.age_s(kept) < ttl_s:
            self._kept.move_to_end(key)
            return kept
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(self._ask(key, ask))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return cast("Kept[T]", await asyncio.shield(flight))

    async def close(self) -> None:
        """Give up what is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> Kept[T]:
        kept = Kept(await ask(), self._clock())
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return kept

    def _landed(self, key: Hashable, flight: asyncio.Task[Any]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # those who waited have it; nobody may be left to take it
