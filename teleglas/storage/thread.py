"""The one store thread: asyncio code awaits verbs that run there, one after another.

A commit waits for the disk; on the event loop every feed would wait with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from teleglas.storage.fail_open import FailOpen, Verb
from teleglas.storage.store import Store, StoreUnavailable

__all__ = ["StoreThread"]

P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """Runs verbs of `Store` on one thread, in the order of the calls; owns and closes the store.

    Each caller awaits its verb, so there are never more queued verbs than tasks.
    clock: seconds that never go back (see `FailOpen`).
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stores = FailOpen(store, clock)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @property
    def degraded(self) -> str | None:
        """Why the database cannot be used and memory stands in for it; None while it works."""
        return self._stores.degraded

    async def run(self, verb: Verb[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do a verb, e.g. `await thread.run(Store.commit, commit)`.

        A cancelled caller does not cancel the verb: once queued it is done. Raises
        StoreUnavailable only if even the memory that stands in for the database is full.
        """
        return await self._do(partial(self._stores.apply, verb, *args, **kwargs))

    async def run_at_home(self, verb: Verb[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do a verb that wants more than memory holds while it stands in for the database.

        Raises StoreUnavailable then: half an answer would pass for the whole.
        """

        def work() -> T:
            found = self._stores.apply(verb, *args, **kwargs)
            if self._stores.degraded is not None:
                raise StoreUnavailable(self._stores.degraded)
            return found

        return await self._do(work)

    async def empty_log(self) -> None:
        """Do `Store.empty_log` on another thread: commits need not wait for it. A failure is left to the next verb."""
        with contextlib.suppress(StoreUnavailable):
            await asyncio.to_thread(self._stores.home.empty_log)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    async def close(self) -> None:
        """Finish the queued verbs and close the store."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._stores.close)
        self._thread.shutdown()
