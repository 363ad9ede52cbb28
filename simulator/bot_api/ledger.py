"""The record of everything that was accepted: the oracle of "nothing lost".

Each line is flushed before the client is answered, so that the file tells the truth
whoever dies first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

__all__ = ["Entry", "Ledger"]


@dataclass(frozen=True)
class Entry:
    """One accepted request.

    at_ms: wall clock of acceptance. text: what a reader sees (the caption of a photo);
    source: as the bot wrote it. photo: hex SHA-256 of the picture, empty without.
    lost: the bot was not told that it was accepted (a scripted fault).
    """

    at_ms: int
    bot: int
    method: str
    chat: int
    message_id: int
    text: str = ""
    source: str = ""
    photo: str = ""
    thread: int | None = None
    reply_to: int | None = None
    silent: bool = False
    lost: bool = False


class Ledger:
    """Accepted requests in order, in memory and, if asked, as JSON lines in a file."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self._file: TextIO | None = None
        self._path = path
        self._changed = asyncio.Condition()

    def open(self) -> None:
        """Open the file for appending."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    async def add(self, entry: Entry) -> None:
        """Append `entry` and wake those who wait."""
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._file.flush()
        async with self._changed:
            self._changed.notify_all()

    async def until(self, done: Callable[[Sequence[Entry]], bool], *, timeout: float = 5.0) -> list[Entry]:  # noqa: ASYNC109 - the caller's one figure
        """Wait until `done(entries)`; raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: done(self.entries))
        return list(self.entries)
