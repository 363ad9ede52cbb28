"""The spine from the venues' sockets to the database, on a market that runs faster than life."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import msgspec
from pydantic import SecretStr

from simulator.faults import FaultStep
from simulator.patterns import Pattern
from simulator.tape import write
from simulator.world import World
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from ws_alert.alert_engine import AlertEngine
from ws_alert.learning import learn
from ws_alert.messages import FeedNotice, FeedState, JournalRecord, RecordKind, Verdict
from ws_alert.pipeline import Pipeline
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.interest_files import parse
from ws_alert.sources.journal import JournalReader, JournalWriter
from ws_alert.sources.poller import Watch
from ws_alert.sources.replay import replay
from ws_alert.sources.replay_lines import verdict_line

__all__ = ["TARGET", "Bench", "committed", "kinds", "learned", "notices", "replayed", "running", "states"]

TARGET = "1"
VENUES = ("binance", "bybit", "okx", "coinglass")
_PATIENCE_S = 45.0


class Bench:
    """A running spine. The world's time is the time of feeds, journal and engine."""

    def __init__(self, world: World, pipeline: Pipeline, folder: Path) -> None:
        self.world, self.pipeline, self.folder = world, pipeline, folder
        self.changed = asyncio.Event()

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until `done()`; it is asked after every batch of inputs. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE_S):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    async def until_market(self, seconds: float) -> None:
        """Wait until the market is so many seconds old."""
        await self.until(lambda: self.world.now_ms >= seconds * 1000)


@contextlib.asynccontextmanager
async def running(
    folder: Path, *, scenario: str, seed: int, speed: float, faults: Iterable[FaultStep] = (), key: str = "",
    interest: tuple[str, ...] = (),
) -> AsyncIterator[Bench]:  # fmt: skip
    """Run a market and everything up to the commit; after the end the journal and the database are closed.

    interest: venues that are asked for funding and open interest.
    """
    rules = Rules(hourly_budget=0)
    async with contextlib.AsyncExitStack() as opened:
        world = await opened.enter_async_context(
            World(scenario=scenario, seed=seed, speed=speed, faults=faults)
        )
        store = StoreThread(open_store(f"sqlite:///{folder}/alert.db"))
        opened.push_async_callback(store.close)

        def now_ms() -> int:
            return world.start_ms + world.now_ms

        inbox = Inbox()
        pipeline = Pipeline(
            inbox=inbox, engine=AlertEngine(rules, decoders({}), [TARGET], simulated=True), store=store, tables={},
            clock=now_ms, tell_admin=_nobody,
        )  # fmt: skip
        journal = JournalWriter(
            folder / "journal",
            header=lambda: pipeline.header(rules, simulated=True),
            committed=await pipeline.load(),
        )
        opened.push_async_callback(asyncio.to_thread, journal.close)
        await pipeline.recover(journal, folder / "journal")
        feeds = Feeds(_options(world, key, interest), inbox, watch=Watch(wall_ms=now_ms))
        await feeds.start()
        opened.push_async_callback(feeds.stop)
        bench = Bench(world, pipeline, folder)
        stop = asyncio.Event()
        work = asyncio.create_task(pipeline.run(stop, bench.changed.set))
        try:
            yield bench
        finally:
            stop.set()
            await work


def _options(world: World, key: str, interest: tuple[str, ...]) -> FeedOptions:
    urls = world.urls
    return FeedOptions(
        mode="both" if key else "public",
        ws_urls={venue: urls[f"{venue.upper()}_WS_URL"] for venue in VENUES},
        rest_urls={venue: urls[f"{venue.upper()}_REST_URL"] for venue in VENUES},
        coinglass_key=SecretStr(key) if key else None,
        interest=interest,
    )


async def _nobody(_text: str) -> None:
    return


def learned(folder: Path, pattern: Pattern) -> None:
    """Let the database of a bench that starts now know a pattern's past, through the files that `learn` reads."""
    now_ms = time.time_ns() // 1_000_000
    files = write(pattern, folder / "past", now_ms, past=True)
    store = open_store(f"sqlite:///{folder}/alert.db")
    try:
        learn(
            store, Rules(), liquidations=(), trades=[files["trades"]],
            interest=[parse(str(files["open-interest"]))], now_ms=now_ms,
        )  # fmt: skip
    finally:
        store.close()


def committed(folder: Path, target: str = TARGET) -> list[str]:
    """Return the decisions in the database, as a replay would write them."""
    store = open_store(f"sqlite:///{folder}/alert.db")
    try:
        kept = [msgspec.json.decode(body, type=Verdict) for body in Store.verdicts(store)]
    finally:
        store.close()
    return [verdict_line(verdict) for verdict in kept if verdict.target == target]


def replayed(folder: Path) -> list[str]:
    """Return what an uninterrupted replay of the journal decides."""
    out = folder / "replay.jsonl"
    replay(journals=[folder / "journal"], liquidations=[], trades=[], out=out, findings=None, rules=None)
    return out.read_text(encoding="utf-8").splitlines()


def kinds(lines: Iterable[str]) -> set[str]:
    """Return the kinds that were sent."""
    return {line["kind"] for line in map(json.loads, lines) if line["action"] == "send"}


def notices(folder: Path) -> list[FeedNotice]:
    """Return what the engine was told of its feeds, in order."""
    return [
        msgspec.json.decode(item.payload, type=FeedNotice)
        for item in JournalReader(folder / "journal").read()
        if isinstance(item, JournalRecord) and item.kind is RecordKind.NOTICE
    ]


def states(folder: Path) -> dict[tuple[str, str], list[FeedState]]:
    """Return the states that each feed went through."""
    found: dict[tuple[str, str], list[FeedState]] = {}
    for notice in notices(folder):
        found.setdefault((notice.venue, notice.family), []).append(notice.state)
    return found
