"""What a command's handler has at hand: the sources, the database, and the person who asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from bot.answers import Block, MissingError
from bot.asking import Deadline
from bot.commands.call import Call
from bot.queries import Queries
from bot.replies import Budget
from bot.symbols import Found, Unknown, resolve
from bot.views.origin import Context
from teleglas.language import Words, nearest
from teleglas.storage import notes
from teleglas.storage.notes import Reader
from teleglas.storage.thread import StoreThread
from teleglas.venues.answer import SourceError

__all__ = ["Ask", "CoinLists", "Desk", "Health", "Person"]

_LISTS_S = 600.0
_RETRY_S = 15.0
_FIRST_LIST_S, _ALL_LISTS_S = 0.6, 1.2
_MOST_READERS = 10_000

log = structlog.get_logger(__name__)


class Lister(Protocol):
    """A source that lists coins."""

    async def coins(self) -> Block[tuple[str, ...]]:
        """Return every coin, the larger ones first."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. language_code: as Telegram gives it. private: in a chat with the bot alone."""

    user_id: int | None
    chat_id: int
    language_code: str | None = None
    private: bool = True


@dataclass(slots=True)
class Health:
    """How the bot itself is. heard_ms: when Telegram last answered a poll; note: what is wrong, empty if nothing.

    turned_ms: when the reading of updates last went round, with success or without.
    """

    started_ms: int
    heard_ms: int | None = None
    turned_ms: int = 0
    note: str = ""


class CoinLists:
    """Every coin that any source lists, kept for ten minutes and refreshed in the background.

    ask_multiplied: which coins are priced by the thousand somewhere, see `bot.symbols.resolve`.
    """

    def __init__(
        self,
        listers: Sequence[Lister],
        ask_multiplied: Callable[[], Awaitable[frozenset[str]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.multiplied: frozenset[str] = frozenset()
        self._listers = listers
        self._ask_multiplied = ask_multiplied
        self._clock = clock
        self._coins: dict[str, None] = {}
        self._listed, self._complete = asyncio.Event(), False
        self._fresh_until_s = 0.0
        self._refreshing: asyncio.Task[None] | None = None

    async def known(self) -> Mapping[str, None]:
        """Return the coins, waiting for the very first list only, and not for long; perhaps none."""
        if self._clock() >= self._fresh_until_s and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh())
        if not self._listed.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._listed.wait(), _FIRST_LIST_S)
        return self._coins

    async def every(self) -> Mapping[str, None]:
        """Return the coins after every list of the first time has come or failed, if that is not long."""
        await self.known()
        if not self._complete and self._refreshing is not None:
            await asyncio.wait([self._refreshing], timeout=_ALL_LISTS_S)
        return self._coins

    async def close(self) -> None:
        """Give up a refresh that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    async def _refresh(self) -> None:
        tasks = [asyncio.ensure_future(lister.coins()) for lister in self._listers]
        complete = True
        try:
            for task in asyncio.as_completed(tasks):
                try:
                    block = await task
                except (MissingError, SourceError) as error:
                    complete = False
                    log.debug("coins_not_listed", why=str(error))
                else:
                    complete = complete and not block.gaps
                    # What was listed once stays known: a venue that is down has not lost its coins.
                    self._coins |= dict.fromkeys(block.value or ())
                    self._listed.set()
            self.multiplied |= await self._ask_multiplied()
        finally:
            self._listed.set()
            for task in tasks:
                task.cancel()
        self._complete = self._complete or bool(self._coins)
        self._fresh_until_s = self._clock() + (_LISTS_S if complete else _RETRY_S)


@dataclass(slots=True)
class Desk:
    """Shared by all handlers; one for each process."""

    queries: Queries
    coins: CoinLists
    store: StoreThread
    words: Mapping[str, Words]
    health: Health
    version: str
    username: str
    simulated: bool
    wall_ms: Callable[[], int]
    budget: Callable[[], Awaitable[Budget | None]]
    sources: Callable[[], Mapping[str, tuple[int | None, str]]]
    _readers: dict[int, Reader] = field(default_factory=dict)

    async def reader(self, user_id: int | None) -> Reader:
        """Return what a person chose, from memory after the first time."""
        if user_id is None:
            return Reader()
        if user_id not in self._readers:
            if len(self._readers) >= _MOST_READERS:
                self._readers.clear()
            self._readers[user_id] = await self.store.run(notes.reader, user_id)
        return self._readers[user_id]

    async def choose(
        self, user_id: int, *, language: str | None = None, time_zone: str | None = None
    ) -> None:
        """Remember a choice."""
        before = await self.reader(user_id)
        chosen = Reader(language or before.language, time_zone or before.time_zone)
        self._readers[user_id] = chosen
        await self.store.run(notes.set_reader, user_id, chosen)

    async def context(self, person: Person) -> Context:
        """Return in which words and time zone a person is answered."""
        chosen = await self.reader(person.user_id)
        language = chosen.language if chosen.language in self.words else nearest(person.language_code)
        return Context(self.words[language or "en"], self.wall_ms(), _zone(chosen.time_zone), self.simulated)

    async def resolve(self, text: str) -> Found | Unknown:
        """Return the coin that is meant; while no list could be had, a well-spelt name is taken as it is."""
        found = resolve(text, await self.coins.known(), self.coins.multiplied)
        if isinstance(found, Found):
            return found
        listed = await self.coins.every()
        found = resolve(text, listed, self.coins.multiplied)
        if isinstance(found, Found) or listed:
            return found
        plain = text.strip().lstrip("$#").upper()
        return resolve(text, {plain: None} if plain.isalnum() and plain.isascii() else {})


@dataclass(frozen=True, slots=True)
class Ask:
    """One call by one person. end: of the time that the sources have for it."""

    desk: Desk
    call: Call
    person: Person
    context: Context
    end: Deadline

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the words after the command."""
        return self.call.arguments

    def argument(self, at: int) -> str:
        """Return a word, empty if it is not there."""
        return self.call.arguments[at] if at < len(self.call.arguments) else ""


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
