"""The real path from a stream to the commit, with a market time of its own, for the benchmarks.

StreamClient and FastConnection -> Inbox -> Pipeline (journal on, AlertEngine with every
detector, commits to SQLite in the store thread), put together as `ws_alert.process` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import frames

from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.dialogue import TRADES, Plan
from ws_alert.alert_engine import AlertEngine
from ws_alert.pipeline import Pipeline
from ws_alert.recorder import Recorder
from ws_alert.report import Tally
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.feed_board import FeedBoard
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalWriter
from ws_alert.sources.session import Shell
from ws_alert.sources.ws_client import StreamClient, stream_clients

__all__ = ["TARGET", "Spine", "client", "nobody", "opened", "prepare"]

TARGET = "1"
"""A private chat."""


class Spine(NamedTuple):
    """What a benchmark holds of a running process."""

    pipeline: Pipeline
    engine: AlertEngine
    inbox: Inbox
    store: StoreThread
    recorder: Recorder
    clock: Callable[[], int]


def prepare(folder: Path) -> None:
    """Make the database in a process of its own, as an earlier start did: migrating loads 12 MB of library."""
    program = "import sys; from teleglas.storage.store import open_store; open_store(sys.argv[1]).close()"
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", program, _url(folder)], check=True, cwd=root)  # noqa: S603 - our own


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/alert.db"


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    clock: Callable[[], int],
    *,
    tally: Tally | None = None,
    rules: Rules | None = None,
    batch: int = 4_000,
) -> AsyncIterator[Spine]:
    """Open journal and database in `folder` and everything between.

    rules: by default without an hourly budget. batch: most frames that are decided on together.
    """
    rules = rules or Rules(hourly_budget=0)
    async with contextlib.AsyncExitStack() as stack:
        store = StoreThread(open_store(_url(folder)))
        stack.push_async_callback(store.close)
        inbox, recorder = Inbox(batch=batch), Recorder()
        engine = AlertEngine(
            rules, decoders({"binance": frames.contracts()}), [TARGET], simulated=True, observer=recorder
        )
        pipeline = Pipeline(
            inbox=inbox, engine=engine, store=store, tables={}, clock=clock, tell_admin=nobody
        )
        if tally is not None:
            pipeline.tally = tally
        journal = JournalWriter(
            folder / "journal",
            header=lambda: pipeline.header(rules, simulated=True),
            committed=await pipeline.load(),
            max_segment_ms=600_000,
        )
        stack.push_async_callback(asyncio.to_thread, journal.close)
        await pipeline.recover(journal, folder / "journal")
        yield Spine(pipeline, engine, inbox, store, recorder, clock)


def client(url: str, inbox: Inbox) -> StreamClient:
    """Return the client of one Binance connection; run it as a task."""
    plan = Plan("binance", TRADES, "binance benchmark", url, ("btcusdt@aggTrade",))
    shell = Shell(inbox, time.monotonic, asyncio.sleep)
    board = FeedBoard(lambda _: None, lambda: time.time_ns() // 1_000_000)
    (made,) = stream_clients([plan], BinanceDialogue, shell, board, random.Random(1))  # noqa: S311 - no secret
    return made


async def nobody(_text: str) -> None:
    """Be the admin."""
