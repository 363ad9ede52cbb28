"""An alert process without its sockets, on a folder and a clock that outlive it: journal, engine, store, follower."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from teleglas.market import Candle
from teleglas.storage.outcomes import open_outcomes
from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from teleglas.tape import MINUTE_MS
from tests.frames import agg_trade, force_order
from tests.venues.test_candle_rows import frame
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import Frame, RecordKind
from ws_alert.outcomes.follower import Follower
from ws_alert.pipeline import Pipeline
from ws_alert.records import Records
from ws_alert.recovery import known_tables
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalWriter

__all__ = ["NOON", "House", "Process"]

NOON = 1_800_000_000_000 // MINUTE_MS * MINUTE_MS


class House:
    """now_ms: the wall's clock. A process is killed by leaving it without `commit`."""

    def __init__(self, folder: Path, targets: tuple[str, ...] = ("1",), rules: Rules | None = None) -> None:
        self.now_ms, self.number = NOON, 0
        self.folder, self.targets, self.rules = folder, targets, rules or Rules()
        self.url = f"sqlite:///{folder}/alert.db"

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Process]:
        """Start: recover, then go on."""
        store = StoreThread(open_store(self.url), clock=lambda: self.now_ms / 1000)
        journal_dir, rules = self.folder / "journal", self.rules
        tables = known_tables(journal_dir)
        engine = AlertEngine(rules, decoders(tables), self.targets)
        inbox = Inbox()
        pipeline = Pipeline(
            inbox=inbox, engine=engine, store=store, tables=tables, clock=lambda: self.now_ms,
            tell_admin=_nobody,
        )  # fmt: skip
        journal = JournalWriter(
            journal_dir,
            header=lambda: pipeline.header(rules, simulated=False),
            committed=await pipeline.load(),
        )
        try:
            await pipeline.recover(journal, journal_dir)
            follower = Follower(
                store, engine.intake.assets, inbox.put, engine.scanner.minutes, clock=lambda: self.now_ms
            )
            follower.begin(self.now_ms)
            yield Process(self, store, engine, pipeline, follower, inbox)
        finally:
            journal.close()
            await store.close()

    def open(self) -> list[int]:
        """Return the event times of the alerts that are not settled."""
        store = open_store(self.url)
        try:
            return [each.event_ms for each in open_outcomes(store, 1_000)]
        finally:
            store.close()


class Process:
    """Feeds frames at times after noon, in ms."""

    def __init__(
        self,
        house: House,
        store: StoreThread,
        engine: AlertEngine,
        pipeline: Pipeline,
        follower: Follower,
        inbox: Inbox,
    ) -> None:
        self.house, self.store, self.engine = house, store, engine
        self.pipeline, self.follower, self.inbox = pipeline, follower, inbox
        self.records: list[Records] = []

    def trade(self, at: int, price: float, *, symbol: str = "BTCUSDT") -> None:
        """Take a small trade at a price."""
        self.house.number += 1
        self._feed(at, agg_trade(NOON + at, self.house.number, 500.0, symbol=symbol, price=price))

    async def trades(self, from_at: int, to_at: int, price: float, *, looks: bool = True) -> None:
        """Take one each ten seconds; the follower looks once a minute."""
        for at in range(from_at, to_at, 10_000):
            self.trade(at, price)
            if looks and not at % MINUTE_MS:
                await self.look(at)

    def storm(self, at: int, *, long: bool = True, symbol: str = "BTCUSDT") -> None:
        """Take liquidations of 10 million, urgent before the last one; none is large by itself."""
        for _ in range(40):
            self.house.number += 1
            # the price of a forced order is not the market's
            order = force_order(NOON + at, 250_000 + self.house.number, long=long, symbol=symbol, price=50.0)
            self._feed(at, order)

    async def candle(self, candle: Candle) -> None:
        """Take a candle as it closes; the follower looks."""
        self._feed(candle.close_ms - NOON, frame("binance", candle, closed=True))
        await self.look(candle.close_ms - NOON + 30)

    async def commit(self) -> None:
        """Write down what was decided, as a process that is not killed does."""
        await self.pipeline._commit()

    async def look(self, at: int) -> None:
        """Let the follower look, again and again until it has read every asset."""
        self.house.now_ms = NOON + at
        for _ in range(3):
            await self.follower.look(self.house.now_ms)
        while len(self.inbox):
            frames = await self.inbox.take(0)
            self.records += [msgspec.json.decode(frame.payload, type=Records) for frame in frames]
            self.pipeline._decide(frames)

    def _feed(self, at: int, payload: bytes) -> None:
        self.house.now_ms = NOON + at + 20
        self.pipeline._decide([Frame(RecordKind.FRAME, "binance", payload)])


async def _nobody(_text: str) -> None:
    return
