"""The updates of one bot and its long poll."""

from __future__ import annotations

import asyncio
from typing import Any

from simulator.bot_api.errors import ApiError

__all__ = ["UpdateQueue"]


class UpdateQueue:
    """Updates that wait for `getUpdates`; a new reader ends the one before with 409."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []
        self._last_id = 0
        self._allowed: list[str] = []
        self._arrived = asyncio.Event()
        self._reader: asyncio.Future[None] | None = None

    def put(self, kind: str, content: dict[str, Any]) -> None:
        """Queue an update of `kind` (`message`, `callback_query`, ...)."""
        self._last_id += 1
        if not self._allowed or kind in self._allowed:
            self._waiting.append({"update_id": self._last_id, kind: content})
            self._arrived.set()

    def clear(self) -> None:
        """Drop what waits (`drop_pending_updates`)."""
        self._waiting.clear()

    async def get(
        self, *, offset: int, limit: int, seconds: float, allowed: list[str] | None
    ) -> list[dict[str, Any]]:
        """Return up to `limit` updates from `offset`, waiting up to `seconds` for the first.

        A negative offset keeps only the last -offset. Raises ApiError 409 when another
        reader comes while this one waits.
        """
        if allowed is not None:
            self._allowed = allowed
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        ended = self._reader = asyncio.get_running_loop().create_future()
        self._confirm(offset)
        try:
            if not self._waiting and seconds > 0:
                await self._wait(ended, seconds)
        finally:
            if self._reader is ended:
                self._reader = None
        return self._waiting[:limit]

    def _confirm(self, offset: int) -> None:
        if offset > 0:
            self._waiting = [update for update in self._waiting if update["update_id"] >= offset]
        elif offset < 0:
            self._waiting = self._waiting[offset:]

    async def _wait(self, ended: asyncio.Future[None], seconds: float) -> None:
        self._arrived.clear()
        arrived = asyncio.create_task(self._wait_for_arrival())
        try:
            await asyncio.wait((arrived, ended), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrived.cancel()
        if ended.done():
            text = "terminated by other getUpdates request; make sure that only one bot instance is running"
            raise ApiError(409, f"Conflict: {text}")

    async def _wait_for_arrival(self) -> None:
        await self._arrived.wait()
