"""What is normal for an asset outlives the process: with the real journal and database, killed or not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from teleglas.baselines import StoredBaselines
from teleglas.storage import fail_open
from teleglas.storage.store import Store, open_store
from teleglas.storage.tables import baseline_assets, baseline_minutes
from teleglas.storage.thread import StoreThread
from tests.frames import agg_trade, force_order, notice
from tests.shelf import state
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import FeedState, Frame, JournalRecord, RecordKind
from ws_alert.pipeline import Pipeline
from ws_alert.recovery import known_tables
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalReader, JournalWriter

START_MS = 1_790_000_000_000
MINUTE = 60_000


class Life:
    """A process on a folder: `feed` decides on frames at given times, `commit` makes them durable."""

    def __init__(self, folder, now_ms, store=None) -> None:
        self.folder, self.now_ms = folder, now_ms
        self.store = store or StoreThread(open_store(f"sqlite:///{folder}/alert.db"))
        tables = known_tables(folder / "journal") if (folder / "journal").exists() else {}
        self.engine = AlertEngine(Rules(), decoders(tables), ["1"])
        self.pipeline = Pipeline(
            inbox=Inbox(), engine=self.engine, store=self.store, tables=tables,
            clock=lambda: self.now_ms, tell_admin=_nobody,
        )  # fmt: skip

    async def __aenter__(self):
        committed = await self.pipeline.load()
        header = self.pipeline.header(Rules(), simulated=False)
        self.journal = JournalWriter(self.folder / "journal", header=lambda: header, committed=committed)
        await self.pipeline.recover(self.journal, self.folder / "journal")
        return self

    async def __aexit__(self, *_) -> None:
        self.journal.close()
        await self.store.close()

    def feed(self, step_ms, *frames) -> None:
        """Decide on frames after some time."""
        self.now_ms += step_ms
        self.pipeline._decide(list(frames))

    async def commit(self) -> None:
        """Commit what was decided."""
        await self.pipeline._commit()


async def _nobody(_text: str) -> None:
    return


def trade(at_ms, number, usd=20_000.0):
    """Return a taker order of BTC."""
    return Frame(RecordKind.FRAME, "binance", agg_trade(at_ms, number, usd))


def forced(at_ms, usd=9_000.0):
    """Return a liquidated long of BTC."""
    return Frame(RecordKind.FRAME, "binance", force_order(at_ms, usd))


def live():
    """Return the notice that the trades are streamed."""
    return Frame(RecordKind.NOTICE, "binance", notice("binance", "trades", FeedState.LIVE, START_MS))


def uninterrupted(folder) -> AlertEngine:
    """Return an engine that took every record of the journal in one life."""
    engine = AlertEngine(Rules(), decoders({}), ["1"])
    engine.remember(StoredBaselines())
    for record in JournalReader(folder / "journal").read():
        if isinstance(record, JournalRecord):
            engine.receive(record.kind, record.source, record.payload, record.received_ms)
    return engine


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("away_ms", [700, 5 * MINUTE, 200 * MINUTE])
async def test_several_lives_know_what_one_would(tmp_path, killed, away_ms):
    """Medians, samples, minutes in which nobody looked, and what is stored next, after each restart."""
    now_ms, number = START_MS, 0
    for life in range(4):
        async with Life(tmp_path, now_ms) as process:
            if life:
                assert state(process.engine.baselines) == state(uninterrupted(tmp_path).baselines)
            process.feed(100, live())
            for turn in range(90):
                number += 1
                rows = [trade(process.now_ms, number, 1_000.0 * number)]
                if turn % 7 == life:
                    rows.append(forced(process.now_ms - 900, 7_000.0 + number))
                process.feed(23_000 + turn * 10, *rows)
                if turn % 11 == 0:
                    await process.commit()
            if not killed:
                await process.commit()
            now_ms = process.now_ms + away_ms
    whole = uninterrupted(tmp_path)
    assert whole.baselines.median("BTC").minutes > 100
    assert state(process.engine.baselines) == state(whole.baselines)


async def test_what_could_not_be_committed_is_committed_later(tmp_path, monkeypatch):
    """Also when even the memory that stands in for the database is full for a while."""
    seconds = [0.0]
    monkeypatch.setattr(fail_open, "_SPARE_PAGES", 1)
    monkeypatch.setattr("ws_alert.pipeline._LOOK_EVERY_S", 0)
    home = open_store(f"sqlite:///{tmp_path}/alert.db")
    async with Life(tmp_path, START_MS, StoreThread(home, clock=lambda: seconds[0])) as process:
        for number in range(1, 31):
            usd = [1_000.0 + (number * coin * 7_919) % 90_001 for coin in range(100)]
            frames = [
                agg_trade(process.now_ms, number, each, symbol=f"C{n}USDT") for n, each in enumerate(usd)
            ]
            process.feed(MINUTE, *(Frame(RecordKind.FRAME, "binance", frame) for frame in frames))

        def spoil(connection, _record, _proxy):
            connection.execute("PRAGMA query_only=ON")

        sa.event.listen(home.engine, "checkout", spoil)
        await process.commit()
        assert process.engine.baselines.kept is not None
        process.feed(MINUTE, trade(process.now_ms, 9))
        sa.event.remove(home.engine, "checkout", spoil)
        home.engine.dispose()
        seconds[0] = 60.0
        await process.commit()
        assert process.engine.baselines.kept is None
        expected = state(process.engine.baselines)
    async with Life(tmp_path, START_MS + 6 * MINUTE) as process:
        assert state(process.engine.baselines) == expected


async def test_rows_of_another_version_are_left_out_and_replaced(tmp_path):
    """They are named in the log once; the normals begin anew, and everything else goes on."""
    store = open_store(f"sqlite:///{tmp_path}/alert.db")
    old = store.load_baselines()
    assert old == StoredBaselines()
    async with Life(tmp_path, START_MS) as process:
        for number in range(1, 70):
            process.feed(MINUTE, trade(process.now_ms, number))
        await process.commit()
        now_ms = process.now_ms
    packed = store.load_baselines()
    assert [asset for asset, _ in packed.assets] == ["BTC"]
    with store.transaction() as connection:
        for table in (baseline_assets, baseline_minutes):
            connection.execute(table.update().values(body=_packed(b"\xc1")))
        connection.execute(baseline_assets.update().values(asset="OLD"))
    async with Life(tmp_path, now_ms) as process:
        assert process.engine.baselines.median("BTC") is None
        for number in range(70, 73):
            process.feed(MINUTE, trade(process.now_ms, number))
        await process.commit()
        assert process.engine.baselines.median("BTC").minutes >= 2
    again = Store.load_baselines(store)
    assert all(asset != "OLD" for asset, _ in again.assets)
    fresh = AlertEngine(Rules(), decoders({}), ["1"])
    assert fresh.remember(again) == 0
    store.close()


def _packed(body: bytes) -> bytes:
    import zstandard  # noqa: PLC0415 - only here

    return zstandard.ZstdCompressor().compress(body)
