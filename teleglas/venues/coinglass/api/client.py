"""Typed questions to CoinGlass: cached, joined, within the key's budget, and honest about age."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.answer import (
    Answer,
    NeedsPlan,
    SourceBusy,
    SourceChanged,
    SourceDown,
    SourceError,
    UnknownSymbol,
)
from teleglas.venues.coinglass.api.cache import Cache, Kept, Key
from teleglas.venues.coinglass.api.decode import ShapeError
from teleglas.venues.coinglass.api.endpoints import Endpoint
from teleglas.venues.coinglass.api.plans import (
    INTERVALS,
    SOURCE,
    IntervalRefused,
    Refusals,
    explain,
    larger,
    widened,
)
from teleglas.venues.coinglass.rest import CoinglassRefused, CoinglassRest
from teleglas.venues.rest_client import Throttled

__all__ = ["CoinglassApi"]

T = TypeVar("T")
Param = str | int

_WITHIN_S = 1.8
"""A command has 2 s (SPEC 7)."""

_FLIGHT_S = 15.0
_TRIES = 3
_RETRY_S = (0.15, 0.5)
_STALE_S = 1800.0
_FLOOR_S = 6 * 3600.0
_PAGES = 20
_PER_PAGE = 1000


class _Envelope(msgspec.Struct):
    data: Any = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class CoinglassApi:
    """Asks the endpoints of `ENDPOINTS`. Close it when done; `rest` stays the caller's.

    clock: monotonic seconds. wall_ms: Unix ms. sleep, jitter (0..1): of the waits between tries.
    patience_s: for a question with all its tries, whether or not someone still waits.
    counts: answers by what became of them. answered_ms: the last good answer (Unix ms), None
    before. trouble: why the last question had none, None if it had; what only concerns a plan or
    a coin is no trouble. All for /status.
    """

    def __init__(
        self,
        rest: CoinglassRest,
        *,
        cache: Cache | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        patience_s: float = _FLIGHT_S,
    ) -> None:
        self._rest = rest
        self._cache = Cache() if cache is None else cache
        self._clock, self._wall_ms, self._sleep, self._jitter = clock, wall_ms, sleep, jitter
        self._patience_s = patience_s
        self._flights: dict[Key, asyncio.Task[Kept | SourceError]] = {}
        self._refusals = Refusals()
        self._shortest, self._shortest_until_s = "", 0.0
        self.counts: Counter[str] = Counter()
        self.answered_ms: int | None = None
        self.trouble: SourceError | None = None

    async def close(self) -> None:
        """Give up what is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def refused_plans(self) -> dict[str, str]:
        """Return endpoint -> lowest plan, of what the key's plan was found not to include."""
        return self._refusals.plans(self._clock())

    async def ask(self, endpoint: Endpoint[T], *, within_s: float = _WITHIN_S, **params: Param) -> Answer[T]:
        """Return the answer to a question, from the cache while it is fresh.

        Equal questions are asked once. When there is no answer within `within_s` seconds, or
        none that can be read, an older one is returned as stale; otherwise raises SourceDown,
        SourceBusy, SourceChanged, UnknownSymbol, NeedsPlan or KeyRefused. The question goes
        on meanwhile, so the next caller may find it answered.
        """
        query = endpoint.query(params)
        key: Key = (endpoint.path, tuple(sorted(query.items())))
        now_s = self._clock()
        kept = self._cache.get(key)
        if kept is not None and now_s - kept.at_s < endpoint.ttl_s:
            self.counts["from cache"] += 1
            return _answer(kept, stale=False)
        error = self._refusals.find(key, now_s)
        if error is None:
            result = await self._join(endpoint, key, query, within_s)
            if isinstance(result, Kept):
                return _answer(result, stale=False)
            error = result
        if isinstance(error, SourceDown | SourceChanged) and kept is not None and self._usable(endpoint, kept):
            self.counts["stale"] += 1
            return _answer(kept, stale=True)
        raise error.with_traceback(None)

    async def ask_pages(
        self, endpoint: Endpoint[list[T]], *, within_s: float = _WITHIN_S, **params: Param
    ) -> Answer[list[T]]:
        """Return all pages of a list, each fetched and cached as by `ask`, aged as the oldest."""
        pages: list[Answer[list[T]]] = []
        ends_s = self._clock() + within_s
        for number in range(1, _PAGES + 1):
            left_s = max(0.0, ends_s - self._clock())
            page = await self.ask(endpoint, within_s=left_s, per_page=_PER_PAGE, page=number, **params)
            # The service's largest page is not documented: a shorter one than the first ends the list.
            if not page.value or (pages and page.value == pages[-1].value):
                break
            pages.append(page)
            if len(page.value) < len(pages[0].value):
                break
        merged = [row for page in pages for row in page.value]
        first = pages or [page]
        return Answer(
            merged, SOURCE, min(each.fetched_ms for each in first), stale=any(each.stale for each in first)
        )

    def _usable(self, endpoint: Endpoint[Any], kept: Kept) -> bool:
        return self._clock() - kept.at_s < max(_STALE_S, 24 * endpoint.ttl_s)

    async def _join(
        self, endpoint: Endpoint[Any], key: Key, query: dict[str, Param], within_s: float
    ) -> Kept | SourceError:
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(endpoint, key, query), name=f"coinglass {endpoint.name}")
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        else:
            self.counts["joined"] += 1
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(flight)
        except TimeoutError:
            self.counts["late"] += 1
            return SourceDown(SOURCE, f"{endpoint.name}: no answer within {within_s:.1f} s")

    async def _fly(self, endpoint: Endpoint[Any], key: Key, query: dict[str, Param]) -> Kept | SourceError:
        """Ask, decode and keep; an error is a value here, since nobody may be waiting any more."""
        try:
            async with asyncio.timeout(self._patience_s):
                body, asked = await self._fetch(endpoint, self._fitted(endpoint, query))
            read = endpoint.read(_ENVELOPE.decode(body).data)
        except (ShapeError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            return self._refused(key, SourceChanged(SOURCE, f"{endpoint.name}: {error}"[:200]))
        except SourceError as error:
            return self._refused(key, error)
        except TimeoutError:
            return self._refused(key, SourceDown(SOURCE, f"{endpoint.name}: no answer, given up"))
        self.counts["answered"] += 1
        self.answered_ms, self.trouble = self._wall_ms(), None
        self.counts["rows skipped"] += read.skipped
        interval = str(asked.get("interval", ""))
        kept = Kept(read.value, self._clock(), self._wall_ms(), interval, len(body))
        self._cache.put(key, kept)
        return kept

    def _refused(self, key: Key, error: SourceError) -> SourceError:
        self.counts[type(error).__name__] += 1
        if not isinstance(error, NeedsPlan | UnknownSymbol):
            self.trouble = error
        self._refusals.remember(key, error, self._clock())
        return error

    def _fitted(self, endpoint: Endpoint[Any], query: dict[str, Param]) -> dict[str, Param]:
        """Return the query with the shortest period that the plan was found to offer."""
        asked = str(query.get("interval", ""))
        if not endpoint.floor or self._clock() >= self._shortest_until_s or asked not in INTERVALS:
            return query
        if INTERVALS[asked] >= INTERVALS[self._shortest]:
            return query
        return widened(query, self._shortest)

    async def _fetch(self, endpoint: Endpoint[Any], query: dict[str, Param]) -> tuple[bytes, dict[str, Param]]:
        tries = 0
        while True:
            try:
                return await self._rest.ask(endpoint.path, query), query
            except CoinglassRefused as refused:
                error = explain(endpoint, str(query.get("symbol", "")), refused)
                if not isinstance(error, IntervalRefused):
                    raise error from None
                longer = larger(str(query.get("interval", "")), self._rest.max_per_minute)
                if longer is None:
                    raise NeedsPlan(SOURCE, endpoint.name, endpoint.plan) from None
                query = widened(query, longer)
                self._learn_floor(endpoint, longer)
            except Throttled as busy:
                raise SourceBusy(SOURCE, busy.wait_s) from None
            except FeedInterrupted as interrupted:
                tries += 1
                if tries >= _TRIES:
                    raise SourceDown(SOURCE, str(interrupted)[:200]) from None
                await self._sleep(_RETRY_S[tries - 1] * (1 + self._jitter()))
            except FeedRefused as foreign:
                # Not CoinGlass's own envelope: something between us and it refused.
                raise SourceDown(SOURCE, str(foreign)[:200]) from None

    def _learn_floor(self, endpoint: Endpoint[Any], interval: str) -> None:
        if endpoint.floor:
            self._shortest, self._shortest_until_s = interval, self._clock() + _FLOOR_S


def _answer(kept: Kept, *, stale: bool) -> Answer[Any]:
    return Answer(kept.value, SOURCE, kept.fetched_ms, stale, kept.interval)
