"""The loop that decides: it ends when asked, and does not go on where nobody would be told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from teleglas.storage.records import Commit
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from tests.frames import START_MS, force_order
from ws_alert import pipeline as pipeline_module
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import Frame, RecordKind
from ws_alert.pipeline import Pipeline
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalWriter
from ws_alert.state_notice import BETWEEN_MS


class Alive:
    """A pipeline on its own folder; `beats` counts how often it said that it is alive."""

    def __init__(self, folder: Path, checkpoint: Callable[[str], None]) -> None:
        self.folder, self.beats, self.inbox = folder, 0, Inbox()
        self.now_ms = START_MS
        self.told_admin: list[str] = []
        self.store = StoreThread(open_store(f"sqlite:///{folder}/alert.db"))
        self.engine = AlertEngine(Rules(), decoders({}), ["1"])
        self.pipeline = Pipeline(
            inbox=self.inbox, engine=self.engine, store=self.store, tables={},
            clock=self.clock, tell_admin=self.tell, checkpoint=checkpoint,
        )  # fmt: skip

    def clock(self) -> int:
        """Return a time that goes on by a millisecond with each look."""
        self.now_ms += 1
        return self.now_ms

    async def tell(self, text: str) -> None:
        """Be the admin."""
        self.told_admin.append(text)

    def liquidation(self) -> None:
        """Put a liquidation that is decided on."""
        row = Frame(RecordKind.FRAME, "binance", force_order(self.now_ms, 700_000))
        self.inbox.put_nowait(row)

    async def turns(self, count: int) -> None:
        """Let it take so many batches."""
        for _ in range(count):
            before = self.pipeline.tally.inputs
            self.liquidation()
            await until(lambda before=before: self.pipeline.tally.inputs > before)

    def beat(self) -> None:
        """Count a sign of life."""
        self.beats += 1


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the pipeline tells nobody of it
            await asyncio.sleep(0.005)


@asynccontextmanager
async def alive(folder: Path, checkpoint: Callable[[str], None] = lambda _: None):
    """Open a pipeline that has recovered."""
    made = Alive(folder, checkpoint)
    rules = Rules()
    committed = await made.pipeline.load()
    header = made.pipeline.header(rules, simulated=False)
    with JournalWriter(folder / "journal", header=lambda: header, committed=committed) as journal:
        await made.pipeline.recover(journal, folder / "journal")
        yield made
    await made.store.close()


async def test_it_ends_at_once_when_asked(tmp_path):
    """A quiet market does not delay the end."""
    async with alive(tmp_path) as made:
        stop = asyncio.Event()
        work = asyncio.create_task(made.pipeline.run(stop, made.beat))
        await made.turns(1)
        began = time.monotonic()
        stop.set()
        await work
        assert time.monotonic() - began < 0.5


async def test_it_says_which_storms_go_on(tmp_path):
    """A coin is in storm from its first finding on, and another process may be told so."""
    async with alive(tmp_path) as made:
        stop = asyncio.Event()
        work = asyncio.create_task(made.pipeline.run(stop, made.beat))
        await made.turns(2)
        assert made.pipeline.storms == ()
        await made.turns(1)
        assert made.pipeline.storms == (("BTC", "long"),)
        stop.set()
        await work


async def test_a_defect_of_committing_ends_it(tmp_path):
    """What cannot be committed is told to nobody, so deciding on is no life: the process must restart."""
    broken = False

    def checkpoint(_name: str) -> None:
        if broken:
            raise RuntimeError("a defect")

    async with alive(tmp_path, checkpoint) as made:
        broken = True
        made.liquidation()
        with pytest.raises(RuntimeError, match="a defect"):
            async with asyncio.timeout(10):
                await made.pipeline.run(asyncio.Event(), made.beat)


async def test_a_defect_of_deciding_commits_nothing_of_that_input(tmp_path):
    """Half an input's memory with the whole's position would lose an alert; the next start decides it."""
    async with alive(tmp_path) as made:
        drain = made.engine.drain

        def broken():
            if drain():
                raise RuntimeError("a defect")
            return []

        made.engine.drain = broken
        made.liquidation()
        with pytest.raises(RuntimeError, match="a defect"):
            async with asyncio.timeout(10):
                await made.pipeline.run(asyncio.Event(), made.beat)
    async with alive(tmp_path) as made:
        assert await made.store.run(Store.verdicts)


async def test_a_journal_that_cannot_be_written_is_told_once(tmp_path):
    """However long it lasts; and that it works again, but not within minutes."""
    async with alive(tmp_path) as made:
        folder = (tmp_path / "journal").rename(tmp_path / "elsewhere")
        stop = asyncio.Event()
        work = asyncio.create_task(made.pipeline.run(stop, made.beat))
        await made.turns(3)
        folder.rename(tmp_path / "journal")
        await made.turns(2)
        assert [text.partition(":")[0] for text in made.told_admin] == [
            "the journal cannot be written, alerts go on without it"
        ]
        made.now_ms += BETWEEN_MS
        await made.turns(2)
        assert made.told_admin[1:] == ["the journal can be written again; records lost so far: 3"]
        stop.set()
        await work


async def test_a_stuck_commit_stops_the_signs_of_life(tmp_path, monkeypatch):
    """A disk that hangs is found out by the watchdog, though the loop still turns."""
    monkeypatch.setattr(pipeline_module, "_COMMIT_HANGS_S", 0.05)
    async with alive(tmp_path) as made:
        stop, free = asyncio.Event(), threading.Event()
        work = asyncio.create_task(made.pipeline.run(stop, made.beat))
        await made.turns(2)
        assert made.beats
        hanging = asyncio.create_task(made.store.run(lambda _store: free.wait(10)))
        await made.turns(1)
        await until(made.pipeline._is_stuck)
        seen = made.beats
        await made.turns(5)
        assert made.beats <= seen + 1
        free.set()
        await hanging
        await until(lambda: not made.pipeline._is_stuck())
        await made.turns(3)
        assert made.beats > seen + 1
        stop.set()
        await work


async def test_a_memory_of_another_version_begins_anew(tmp_path):
    """A start is possible whatever an earlier or later version remembered."""
    store = open_store(f"sqlite:///{tmp_path}/alert.db")
    store.commit(Commit((), (), (), b'{"now_ms":"then"}', 7))
    store.close()
    async with alive(tmp_path) as made:
        assert await made.store.run(Store.load_memory) != (b'{"now_ms":"then"}', 7)
