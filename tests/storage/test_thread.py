"""The one thread that touches the database."""

from __future__ import annotations

import asyncio
import threading

import pytest

from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from tests.storage.rows import commit, message


@pytest.fixture
async def thread(url):
    """Return a store thread over each kind of database."""
    made = StoreThread(open_store(url))
    yield made
    await made.close()


async def test_verbs_run_in_order_on_one_thread(thread):
    """Each verb runs off the event loop, on the same thread, in the order of the calls."""
    seen = []

    def note(store: Store, number: int) -> None:
        assert isinstance(store, Store)
        seen.append((number, threading.current_thread()))

    await asyncio.gather(*(thread.run(note, number) for number in range(20)))
    assert [number for number, _ in seen] == list(range(20))
    (one,) = {name for _, name in seen}
    assert one is not threading.current_thread()


async def test_results_and_errors_come_back(thread):
    """A verb's value, or what it raised, reaches the caller."""
    await thread.run(Store.commit, commit(memory=b"x", position=4))
    assert await thread.run(Store.load_memory) == (b"x", 4)
    with pytest.raises(UnicodeDecodeError):
        await thread.run(Store.commit, commit(message("a", content=b"\xff")))
    assert thread.degraded is None


async def test_a_cancelled_caller_does_not_undo_its_verb(thread):
    """A commit that was queued is done, although nobody waits for it any more."""
    gate = threading.Event()
    blocker = asyncio.create_task(thread.run(lambda _store: gate.wait(10)))
    waiting = asyncio.create_task(thread.run(Store.commit, commit(position=7)))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.set()
    await asyncio.wait([blocker, waiting])
    assert waiting.cancelled()
    assert await thread.run(Store.load_memory) == (b"memory", 7)
