"""The polite way to ask an exchange: once, not for long, and with a reason when there is no answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from bot.answers import Missing, MissingError, Reason
from bot.sources.venue import Venue, main_contracts
from teleglas.cache import TtlCache
from teleglas.errors import BadFrame, FeedInterrupted, FeedRefused
from teleglas.market import Instrument
from teleglas.venues.quotes import NoFiguresError, NotPublishedError
from teleglas.venues.rest_client import Banned, Throttled

__all__ = ["PATIENCE_S", "Asked", "Door", "rows_of"]

PATIENCE_S: Final = 1.2
"""How long one exchange may take to answer one question."""

_LISTING_PATIENCE_S = 10.0
_LISTING_S = 3600.0
_STALE_S = 600.0
T = TypeVar("T")
U = TypeVar("U")
_log = logging.getLogger(__name__)

_PASSING = frozenset({Reason.NO_ANSWER, Reason.BUSY, Reason.CHANGED, Reason.REFUSED})
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Reason], ...] = (
    (NoFiguresError, Reason.EMPTY),
    (NotPublishedError, Reason.NOT_PUBLISHED),
    ((Throttled, Banned), Reason.BUSY),
    (FeedRefused, Reason.REFUSED),
    ((FeedInterrupted, TimeoutError), Reason.NO_ANSWER),
    ((msgspec.MsgspecError, BadFrame, ValueError, ArithmeticError), Reason.CHANGED),
)
"""The first that fits; any other error is our own."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """An answer and when the exchange gave it (Unix ms). stale: older than wanted, since it fails now."""

    value: T
    at_ms: int
    stale: bool = False

    def saying(self, value: U) -> Asked[U]:
        """Return what follows from this answer, as old as it is."""
        return Asked(value, self.at_ms, self.stale)


class Door:
    """Asks one exchange: each question at most once per its time to live, and never for long.

    patience_s: for one question. wall_ms: Unix ms. counts: answers by what became of them.
    answered_ms: the last good answer, None before. trouble: why the last question had none.
    """

    def __init__(
        self,
        venue: Venue,
        cache: TtlCache,
        *,
        patience_s: float = PATIENCE_S,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.venue = venue
        self.name = venue.name
        self.counts: Counter[str] = Counter()
        self.answered_ms: int | None = None
        self.trouble: Reason | None = None
        self._cache = cache
        self._patience_s = patience_s
        self._wall_ms = wall_ms
        self._changed: set[str] = set()

    async def ask(self, ttl_s: float, question: Callable[..., Awaitable[T]], *about: Hashable) -> Asked[T]:
        """Return the answer to `question(*about)`.

        When the exchange fails, an answer of at most ten minutes ago stands in for it. Raises
        MissingError with the exchange's name and the reason.
        """
        key = (self.name, question.__name__, *about)
        try:
            kept = await self._cache.get(key, ttl_s, lambda: self._put(question, about, self._patience_s))
        except MissingError as error:
            older = self._cache.peek(key)
            if error.missing.reason not in _PASSING or older is None or self._cache.age_s(older) > _STALE_S:
                raise
            value, at_ms = older.value
            return Asked(value, at_ms, stale=True)
        value, at_ms = kept.value
        return Asked(value, at_ms)

    async def contracts(self) -> dict[str, Instrument]:
        """Return asset -> its main contract here. Raises MissingError.

        The list is large and changes seldom: it may take longer to come than an answer may,
        then the question goes on without the one who asked; an old list is as good.
        """
        key = (self.name, "contracts")

        async def listing() -> dict[str, Instrument]:
            value, _ = await self._put(self.venue.contracts, (), _LISTING_PATIENCE_S)
            return main_contracts(value)

        try:
            async with asyncio.timeout(self._patience_s):
                return (await self._cache.get(key, _LISTING_S, listing)).value
        except (MissingError, TimeoutError) as error:
            older = self._cache.peek(key)
            if older is not None:
                found: dict[str, Instrument] = older.value
                return found
            if isinstance(error, MissingError):
                raise
            raise MissingError(Reason.NO_ANSWER, self.name) from None

    async def contract(self, asset: str) -> Instrument:
        """Return the contract that stands for a coin. Raises MissingError(`not_listed`) if there is none."""
        found = (await self.contracts()).get(asset)
        if found is None:
            raise MissingError(Reason.NOT_LISTED, self.name)
        return found

    async def _put(
        self, question: Callable[..., Awaitable[T]], about: tuple[Any, ...], patience_s: float
    ) -> tuple[T, int]:
        name = question.__name__
        try:
            async with asyncio.timeout(patience_s):
                value = await question(*about)
        except Exception as error:
            missing = self._explain(error)
            if missing is None:
                raise
            self.counts[missing.reason] += 1
            self.trouble = missing.reason if missing.reason in _PASSING else self.trouble
            if missing.reason is Reason.CHANGED and name not in self._changed:
                # Once, until it is right again: a person must look at it.
                self._changed.add(name)
                _log.warning("%s answers %s in an unknown form: %s", self.name, name, str(error)[:160])
            raise MissingError(missing.reason, missing.who, missing.detail) from None
        self.counts["answered"] += 1
        self.answered_ms, self.trouble = self._wall_ms(), None
        self._changed.discard(name)
        return value, self._wall_ms()

    def _explain(self, error: Exception) -> Missing | None:
        for kinds, reason in _REASONS:
            if isinstance(error, kinds):
                detail = error.reason if isinstance(error, FeedRefused) and reason is Reason.REFUSED else ""
                return Missing(reason, self.name, detail)
        return None


async def rows_of(question: Callable[[], Awaitable[Asked[list[T]]]]) -> list[T]:
    """Return what an answer can do without, empty where it is missing.

    Called here and not before: a coroutine that is made for a task that is cancelled at once is never awaited.
    """
    try:
        return (await question()).value
    except MissingError:
        return []
