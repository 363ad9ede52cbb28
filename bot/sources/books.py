"""Order books, and the walls that went from them between two looks."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot import answers
from bot.sources import depth
from bot.sources.door import Asked, Door, rows_of
from teleglas.market import Instrument
from teleglas.venues.quotes import Book

__all__ = ["TAPE_S", "Books"]

TAPE_S = 3.0
"""How long a tape is as good as new, seconds."""

_BOOK_S = 2.0
_BOOKS_KEPT = 200
_SUSPECT_MS = 120_000


@dataclass(frozen=True, slots=True)
class _Shown:
    """A book as the exchange told it at a time (Unix ms), and what was shown of it."""

    book: Book
    at_ms: int
    shown: answers.Book


class Books:
    """Remembers the last book that was shown of each contract. wall_ms: Unix ms."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._kept: OrderedDict[Instrument, _Shown] = OrderedDict()

    async def ask(self, door: Door, contract: Instrument) -> Asked[answers.Book]:
        """Return a contract's book; what is gone since the last look is judged by the trades between."""
        before = self._earlier(contract)
        trades = partial(door.ask, TAPE_S, door.venue.trades, contract)
        tape = asyncio.create_task(rows_of(trades)) if before else None
        try:
            told = await door.ask(_BOOK_S, door.venue.book, contract)
            if before and before.book is told.value:
                return told.saying(before.shown)
            gone = (
                depth.suspects(before.book, told.value, await tape, before.at_ms) if before and tape else []
            )
        finally:
            if tape:
                tape.cancel()
        shown = depth.summary(told.value, door.name, contract.symbol, gone)
        self._keep(contract, _Shown(told.value, told.at_ms, shown))
        return told.saying(shown)

    def _earlier(self, contract: Instrument) -> _Shown | None:
        """Return the last book that was shown, unless it is too old to compare with."""
        kept = self._kept.get(contract)
        return kept if kept and self._wall_ms() - kept.at_ms <= _SUSPECT_MS else None

    def _keep(self, contract: Instrument, shown: _Shown) -> None:
        self._kept[contract] = shown
        self._kept.move_to_end(contract)
        if len(self._kept) > _BOOKS_KEPT:
            self._kept.popitem(last=False)
