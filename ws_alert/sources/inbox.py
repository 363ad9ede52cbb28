"""What the sources have read and the engine has not yet taken."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from ws_alert.messages import Frame

__all__ = ["Inbox"]


class Inbox:
    """A bounded queue that is emptied in batches.

    At the bound `put` waits, so that the venue's connection is read no further (its data
    waits in the network, none is dropped here) and `put_nowait` raises asyncio.QueueFull.
    waited_since: monotonic seconds at which the oldest frame of the last batch arrived.
    """

    def __init__(
        self, *, limit: int = 20_000, batch: int = 4_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.waited_since = 0.0
        self.most = 0
        self._limit = limit
        self._batch = batch
        self._clock = clock
        self._frames: list[Frame] = []
        self._first_at = 0.0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._frames)

    def put_nowait(self, item: Frame, /) -> None:
        """Take a frame now."""
        frames = self._frames
        if not frames:
            self._first_at = self._clock()
            self._filled.set()
        elif len(frames) >= self._limit:
            self._room.clear()
            raise asyncio.QueueFull
        frames.append(item)

    async def put(self, item: Frame, /) -> None:
        """Take a frame as soon as there is room."""
        while len(self._frames) >= self._limit:
            self._room.clear()
            await self._room.wait()
        self.put_nowait(item)

    def wake(self) -> None:
        """Let `take` return now, with or without frames."""
        self._filled.set()

    async def take(self, wait_s: float) -> list[Frame]:
        """Return what came, in order of arrival; an empty list if nothing did in that time."""
        if not self._frames:
            self._filled.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._filled.wait()
        frames = self._frames
        self.most = max(self.most, len(frames))
        self.waited_since = self._first_at
        if len(frames) <= self._batch:
            self._frames = []
        else:
            self._frames, frames = frames[self._batch :], frames[: self._batch]
        self._room.set()
        return frames
