"""The key's requests per minute, shared with the other bot through the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from teleglas.storage import api_budget
from teleglas.storage.api_budget import Turn
from teleglas.storage.thread import StoreThread
from teleglas.venues.rest_client import Throttled

__all__ = ["SharedBudget"]

_LONGEST_S = 8.0
_PROCESSES = 2  # the alert bot and the command bot


class SharedBudget:
    """Hands out turns, so that all processes together stay below the key's limit.

    key: the secret itself; only its hash is stored. wall_ms: Unix ms. While the database
    cannot be used, the processes do not see each other, and each keeps to its half.
    """

    def __init__(
        self,
        store: StoreThread,
        key: str,
        *,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._key = api_budget.key_hash(key)
        self._wall_ms = wall_ms
        self._sleep = sleep
        self._last = Turn(0, 0, api_budget.SMALLEST_PLAN)

    async def turn(self, patience_s: float = _LONGEST_S) -> None:
        """Wait for a call's turn. Raises Throttled at once if that takes longer than `patience_s`."""
        waited_s = 0.0
        while True:
            processes = _PROCESSES if self._store.degraded else 1
            self._last = await self._store.run(
                api_budget.take_call, self._key, self._wall_ms(), processes=processes
            )
            if self._last.wait_ms == 0:
                return
            wait_s = self._last.wait_ms / 1000
            if waited_s + wait_s > patience_s:
                raise Throttled(wait_s, f"the key's {self._last.per_minute} requests of this minute are used")
            await self._sleep(wait_s)
            waited_s += wait_s

    async def learn(self, per_minute: int, used: int) -> None:
        """Take what an answer's headers said: the limit, and the requests the service counted."""
        if per_minute > 0 and (per_minute != self._last.per_minute or used > self._last.used):
            await self._store.run(
                api_budget.learn_limit, self._key, self._wall_ms(), per_minute=per_minute, used=used
            )

    async def hush(self, wait_s: float) -> None:
        """Let no process ask for so long."""
        await self._store.run(api_budget.hush, self._key, self._wall_ms() + round(wait_s * 1000))

    async def state(self) -> Turn:
        """Return how the budget stands, for people."""
        return await self._store.run(api_budget.budget, self._key, self._wall_ms())
