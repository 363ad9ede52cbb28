"""Candles by REST against a real server: history, what closed since, holes, errors; and beside the stream."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import msgspec
import pytest
from aiohttp import WSMsgType, web

from teleglas.errors import FeedError
from teleglas.venues.binance.rest import BinanceRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.okx.rest import OkxRest
from teleglas.venues.rest_client import new_http_client
from tests.made_candles import DAY, MINUTE, walk
from tests.rest_server import Answer, running_rest_server
from tests.sources.stream_bench import ManualTime, until
from tests.venues.tape import Tape
from tests.venues.test_candle_rows import CODECS, body, codec, frame
from ws_alert.messages import FeedNotice, FeedState, Frame, RecordKind
from ws_alert.sources.candle_keeper import CandleKeeper
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.poller import Watch
from ws_alert.sources.venue_feeds import BinanceFeed, BybitFeed, OkxFeed

PATHS = {"binance": "/fapi/v1/klines", "bybit": "/v5/market/kline", "okx": "/api/v5/market/candles"}
FEEDS = {"binance": (BinanceFeed, BinanceRest), "bybit": (BybitFeed, BybitRest), "okx": (OkxFeed, OkxRest)}
MOST = {"binance": 1_500, "bybit": 1_000, "okx": 300}
CANDLES = walk(4_000, start_ms=DAY - 2_000 * MINUTE)


class Desk:
    """A keeper of one venue, its REST server, and a clock that the test turns."""

    def __init__(self, venue: str, server, now_ms: int) -> None:
        self.venue, self.server = venue, server
        self.time = ManualTime()
        self._start_ms = now_ms - int(self.time.now * 1000)
        self.frames: list[Frame] = []
        self.http = new_http_client()
        kind, rest = FEEDS[venue]
        watch = Watch(self.wall_ms, self.time.clock, self.time.sleep, lambda: 0.5)
        options = FeedOptions(candles=(("BTCUSDT", "1m"),), candles_venue=venue)
        client = rest(self.http, server.url, clock=self.time.clock, sleep=self.time.sleep)
        self.feed = kind(client, options, self.put, watch)
        self.feed.fall_back()
        self.keeper: CandleKeeper = self.feed.keeper
        server.rules[PATHS[venue]] = self.answer

    def wall_ms(self) -> int:
        """Return Unix ms by the turned clock."""
        return self._start_ms + int(self.time.now * 1000)

    async def put(self, item: Frame) -> None:
        """Keep what would go to the engine."""
        self.frames.append(item)

    def answer(self, query: dict[str, str]) -> str:
        """Return the newest candles as the venue would now, the last one open."""
        latest = self.wall_ms()
        if "after" in query:
            latest = min(latest, int(query["after"]) - 1)
        latest = min(latest, int(query.get("endTime", query.get("end", latest))))
        limit = int(query["limit"])
        assert limit <= MOST[self.venue]
        chosen = [c for c in CANDLES if c.open_ms <= latest][-limit:]
        text = body(self.venue, chosen)
        if self.venue == "okx" and "after" in query:
            text = text.replace(b'"10", "0"]', b'"10", "1"]')  # of an older page every candle is closed
        return text.decode()

    def candles(self) -> list:
        """Return what the codec makes of everything put so far, in order."""
        tape = Tape()
        for item in self.frames:
            venue, endpoint, argument = item.source.split(":", 2)
            assert (venue, item.kind) == (self.venue, RecordKind.BODY)
            codec(venue).decode_body(endpoint, argument, item.payload, tape)
        assert tape.refusals == []
        return [candle for _, candle in tape.candles]

    def closed(self) -> list:
        """Return the candles that have closed by now."""
        return [c for c in CANDLES if c.close_ms <= self.wall_ms()]


@pytest.fixture
async def desk(request):
    """Run a keeper of the venue at the given time until the end of the test."""
    venue, now_ms = request.param
    async with running_rest_server() as server:
        made = Desk(venue, server, now_ms)
        task = asyncio.create_task(made.keeper.run())
        yield made
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await made.http.aclose()


async def _passes(desk: Desk, seconds: float) -> None:
    for _ in range(round(seconds * 2)):
        await desk.time.turn(0.5)
        await asyncio.sleep(0.003)


@pytest.mark.parametrize("desk", [(venue, DAY + 700 * MINUTE + 20_000) for venue in CODECS], indirect=True)
async def test_history_reaches_back_to_midnight(desk):
    """All closed candles since 00:00 UTC, oldest first over all pages, none twice wrong."""
    await until(lambda: desk.frames and desk.keeper._closed_ms)
    got = desk.candles()
    times = [c.open_ms for c in got]
    assert times[0] <= DAY
    assert sorted(set(times)) == [c.open_ms for c in desk.closed() if c.open_ms >= times[0]]
    assert times == sorted(times) or desk.venue == "okx"
    assert {c.open_ms: c for c in got} == {c.open_ms: c for c in desk.closed() if c.open_ms >= times[0]}


@pytest.mark.parametrize("desk", [("binance", DAY + 10 * MINUTE + 20_000)], indirect=True)
async def test_history_is_enough_for_every_mean_just_after_midnight(desk):
    """Ten minutes into the day 500 candles are asked for all the same."""
    await until(lambda: desk.keeper._closed_ms)
    assert len(desk.candles()) >= 499


@pytest.mark.parametrize("desk", [(venue, DAY + 700 * MINUTE + 30_000) for venue in CODECS], indirect=True)
async def test_each_close_is_followed_by_a_look(desk):
    """A second behind the close the candle is there, and little else was asked for."""
    await until(lambda: desk.keeper._closed_ms)
    desk.frames.clear()
    await _passes(desk, 32.0)
    await until(lambda: desk.frames)
    assert desk.candles()[-1] == desk.closed()[-1]
    assert len(desk.candles()) < 8
    assert desk.wall_ms() - desk.closed()[-1].close_ms <= 2_000


@pytest.mark.parametrize("desk", [("binance", DAY + 700 * MINUTE + 30_000)], indirect=True)
async def test_a_hole_is_refilled_when_the_venue_answers_again(desk):
    """Ten minutes of errors: the next answer brings all ten candles; meanwhile the family is not whole."""
    await until(lambda: desk.keeper._closed_ms)
    last = desk.candles()[-1]
    desk.frames.clear()
    answer = desk.server.rules[PATHS["binance"]]
    desk.server.rules[PATHS["binance"]] = lambda _: Answer("{}", 503)
    await _passes(desk, 100.0)
    with pytest.raises(FeedError):
        await desk.keeper.cycle()
    assert desk.frames == []
    desk.server.rules[PATHS["binance"]] = answer
    await _passes(desk, 30.0)
    await until(lambda: desk.frames)
    got = {c.open_ms for c in desk.candles()}
    assert {c.open_ms for c in desk.closed() if c.open_ms > last.open_ms} <= got
    assert (await desk.keeper.cycle()).covered_ms == desk.wall_ms()


class _Stream:
    """Speaks enough of Binance's routed stream, and sends one closed candle."""

    def __init__(self) -> None:
        self.subscribed: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            self.subscribed += said.get("params", [])
            await socket.send_str(json.dumps({"result": None, "id": said["id"]}))
            await socket.send_bytes(frame("binance", CANDLES[0], closed=True).replace(b'": ', b'":'))
        return socket


async def test_the_scanner_alone_opens_candles_and_nothing_else():
    """No liquidations, no trades: the kline streams, their history, and a live family."""
    stream, frames = _Stream(), []

    class Inbox:
        def put_nowait(self, item: Frame, /) -> None:
            frames.append(item)

        async def put(self, item: Frame, /) -> None:
            frames.append(item)

    app = web.Application()
    app.router.add_get("/market/stream", stream.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with running_rest_server() as server:
        server.rules["/fapi/v1/klines"] = lambda _: body("binance", CANDLES[:3]).decode()
        options = FeedOptions(
            mode="public", venues=(), candles=(("BTCUSDT", "1m"), ("BTCUSDT", "5m")), candles_venue="binance",
            ws_urls={"binance": f"ws://127.0.0.1:{runner.addresses[0][1]}"}, rest_urls={"binance": server.url},
        )  # fmt: skip
        feeds = Feeds(options, Inbox())
        await feeds.start()
        try:
            await until(lambda: any(item.kind is RecordKind.FRAME for item in frames))
            await until(lambda: any(item.source == "binance:klines:BTCUSDT:5m" for item in frames))
            notices = [
                msgspec.json.decode(item.payload, type=FeedNotice)
                for item in frames
                if item.kind is RecordKind.NOTICE
            ]
            assert {notice.family for notice in notices} <= {"candles"}
            await until(lambda: any(line.state is FeedState.LIVE for line in feeds.status()))
            assert [line.family for line in feeds.status()] == ["candles"]
        finally:
            await feeds.stop()
            await runner.cleanup()
    assert set(stream.subscribed) == {"btcusdt@kline_1m", "btcusdt@kline_5m", "btcusdt@aggTrade"}
