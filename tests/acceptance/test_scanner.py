"""The scanner against the simulated exchanges over real sockets: history, streams, and the same candles from both."""

from __future__ import annotations

import asyncio

import pytest

from simulator.world import World
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
