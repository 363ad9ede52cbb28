"""The scanner against the simulated exchanges over real sockets: history, streams, and the same candles from both."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import httpx
import pytest

from simulator.world import World
from tests.acceptance.service import started
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import Frame, RecordKind
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.poller import Watch

START = 1_795_262_560_000


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx"])
async def test_candles_arrive_by_rest_and_by_stream(venue):
    """Warmed up from history; each close of the stream is within 2 s, and REST tells the same candle."""
    frames: asyncio.Queue[Frame] = asyncio.Queue()

    class Inbox:
        def put_nowait(self, item: Frame, /) -> None:
            frames.put_nowait(item)

        async def put(self, item: Frame, /) -> None:
            frames.put_nowait(item)

    async with World(scenario="demo", speed=20.0, start_ms=START) as world:

        def now() -> int:
            return START + world.now_ms

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds / 20)

        options = FeedOptions(
            mode="public", venues=(), candles=(("BTCUSDT", "1m"),), candles_venue=venue,
            ws_urls={venue: world.urls[f"{venue.upper()}_WS_URL"]},
            rest_urls={venue: world.urls[f"{venue.upper()}_REST_URL"]},
        )  # fmt: skip
        feeds = Feeds(options, Inbox(), watch=Watch(now, lambda: world.now_ms / 1000, sleep, lambda: 0.5))
        await feeds.start()
        engine = AlertEngine(Rules(), decoders({}), ["chat"])
        try:
            async with asyncio.timeout(40):
                first = await _closes(engine, frames, now, 2)
        finally:
            await feeds.stop()
    assert all(0 <= delay <= 2_000 for delay in first)
    (series,) = engine.scanner.series.values()
    assert not series.missing().startswith("warming up")
    opened = [candle.open_ms for candle in series.candles]
    assert opened == list(range(opened[0], opened[-1] + 1, 60_000))


async def _closes(engine: AlertEngine, frames: asyncio.Queue[Frame], now, wanted: int) -> list[int]:
    """Feed the engine until so many streamed closes were seen; return how long after each close, simulated ms."""
    delays: list[int] = []
    while len(delays) < wanted:
        item = await frames.get()
        known = {at for each in engine.scanner.series.values() for at in [each.judged_ms]}
        engine.receive(item.kind, item.source, item.payload, now())
        after = {at for each in engine.scanner.series.values() for at in [each.judged_ms]}
        if item.kind is RecordKind.FRAME and after != known and known:
            delays.append(now() - max(after) - 60_000)
    return delays


async def test_scan_alone_reads_candles_only_and_goes_on_where_it_ended(tmp_path, unused_tcp_port):
    """Each series is warm from history, says so, and after SIGTERM the newest candle stays the newest judged one."""
    async with World(scenario="demo") as world:
        settings = {name: url for name, url in world.urls.items() if name.endswith(("_WS_URL", "_REST_URL"))}
        settings |= {"CHARTS": "false", "LOG_FILE": "alert.log", "HEALTH_PORT": str(unused_tcp_port)}
        first = await _scanned(tmp_path, settings, unused_tcp_port)
        then = await _scanned(tmp_path, settings, unused_tcp_port)
    for series, (judged_ms, newest_ms, count) in first.items():
        length = 60_000 * int(series.split()[1][:-1])
        assert judged_ms == newest_ms
        assert count >= 346
        # what closed meanwhile, and nothing a second time
        assert (then[series][0] - judged_ms) // length == then[series][2] - count >= 0


async def _scanned(folder, settings: dict[str, str], port: int) -> dict[str, tuple[int, int, int]]:
    """Run `scan` until both series are there; return of each (judged_ms, newest, candles taken) as committed."""
    async with started(folder, settings, "scan") as service:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http, asyncio.timeout(30):
            figures = ""
            while (
                figures.count("teleglas_candle_age_seconds{") < 2
                or "teleglas_feed_age_seconds{" not in figures
            ):
                await asyncio.sleep(0.1)
                figures = (await http.get("/metrics")).text
            assert figures.count("teleglas_feed_up{") == 1
        code, took = await service.end()
    assert (code, took < 5) == (0, True)
    with closing(sqlite3.connect(folder / "data" / "teleglas.db")) as connection:
        memory = json.loads(connection.execute("SELECT memory FROM engine_memory").fetchone()[0])
        beat = connection.execute("SELECT body FROM heartbeats WHERE process = 'alert'").fetchone()[0]
    assert [(feed["venue"], feed["family"]) for feed in json.loads(beat)["feeds"]] == [("binance", "candles")]
    assert "last candle closed" in json.loads(beat)["summary"]
    assert "warming up" not in json.loads(beat)["summary"]
    return {
        f"{symbol} {length // 60_000}m": (
            one["judged_ms"], one["candles"][-1]["open_ms"], one["base"]["ema50"]["count"] + len(one["candles"]),
        )
        for (_, symbol, length), one in memory["scanner"]["series"]
    }  # fmt: skip
