"""All sources together, against real HTTP and WebSocket servers: what is opened, replaced, told, and closed."""

from __future__ import annotations

import asyncio
import json
import random
import time as real_time
from collections.abc import Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import WSMsgType, web
from pydantic import SecretStr

from teleglas.errors import ConfigError
from teleglas.instrument_table import decode
from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from teleglas.venues.coinglass.budget import SharedBudget
from tests.rest_server import Answer, RestServer, running_rest_server
from ws_alert.messages import FeedNotice, FeedState, Frame, RecordKind
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.poller import Watch

FASTER = 20.0
LIVE, DOWN, POLLING = FeedState.LIVE, FeedState.DOWN, FeedState.POLLING


class _Fast:
    """The real clock, `FASTER` times as fast, so that seconds of waiting take milliseconds.

    The hourly wait ends when `hour` is set.
    """

    def __init__(self) -> None:
        self.started = real_time.monotonic()
        self.hour = asyncio.Event()

    def monotonic_s(self) -> float:
        return (real_time.monotonic() - self.started) * FASTER

    def wall_ms(self) -> int:
        return 1_790_000_000_000 + int(self.monotonic_s() * 1000)

    async def sleep(self, seconds: float) -> None:
        if seconds >= 3600:
            await self.hour.wait()
            self.hour.clear()
        else:
            await asyncio.sleep(seconds / FASTER)

    def watch(self) -> Watch:
        return Watch(self.wall_ms, self.monotonic_s, self.sleep, lambda: 0.5)


class _BinanceStream:
    """Speaks Binance's routed stream: acknowledges, ticks the trades that were asked for, or says nothing."""

    def __init__(self) -> None:
        self.subscribed: list[str] = []
        self.refuse_with = 0
        self.silent = False
        self.number = 0
        self.open: set[web.WebSocketResponse] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_with:
            return web.Response(status=self.refuse_with)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open.add(socket)
        mine: list[str] = []
        ticking = asyncio.create_task(self._tick(socket, mine))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                said = json.loads(message.data)
                if said["method"] == "SUBSCRIBE":
                    mine += said["params"]
                    self.subscribed += said["params"]
                    await socket.send_str(json.dumps({"result": None, "id": said["id"]}))
                else:
                    await socket.send_str(json.dumps({"result": mine, "id": said["id"]}))
        finally:
            ticking.cancel()
            self.open.discard(socket)
        return socket

    async def _tick(self, socket: web.WebSocketResponse, mine: list[str]) -> None:
        while not socket.closed:
            for stream in [s for s in mine if s.endswith("@aggTrade")] if not self.silent else []:
                self.number += 1
                row = {"e": "aggTrade", "s": stream.partition("@")[0].upper(), "a": self.number, "p": "1", "q": "1", "T": 1, "m": True}
                await socket.send_str(json.dumps({"stream": stream, "data": row}, separators=(",", ":")))
            await asyncio.sleep(0.02)

    async def drop(self) -> None:
        for socket in list(self.open):
            await socket.close()


@asynccontextmanager
async def _stream_server(stream: _BinanceStream):
    app = web.Application()
    app.router.add_get("/market/stream", stream.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await stream.drop()
        await runner.cleanup()


class _Inbox:
    """Keeps everything, and lets a test wait for what it wants."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.arrived = asyncio.Event()

    def put_nowait(self, item: Frame, /) -> None:
        self.frames.append(item)
        self.arrived.set()

    async def put(self, item: Frame, /) -> None:
        self.put_nowait(item)

    def notices(self, venue: str, family: str) -> list[FeedNotice]:
        found = [
            msgspec.json.decode(frame.payload, type=FeedNotice) for frame in self.frames if frame.kind is RecordKind.NOTICE
        ]
        return [notice for notice in found if (notice.venue, notice.family) == (venue, family)]

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not wanted():
                self.arrived.clear()
                await self.arrived.wait()


def _binance_rest(server: RestServer) -> dict[str, float]:
    volumes = {"BTCUSDT": 9e9, "ETHUSDT": 6e9, "DUSTUSDT": 4e6}
    server.rules["/fapi/v1/exchangeInfo"] = lambda _: json.dumps({"symbols": [{"symbol": name} for name in volumes]})
    server.rules["/fapi/v1/ticker/24hr"] = lambda _: json.dumps(
        [{"symbol": name, "quoteVolume": str(volume)} for name, volume in volumes.items()]
    )
    server.rules["/fapi/v1/aggTrades"] = lambda q: json.dumps(
        [{"a": 5, "p": "1", "q": "1", "T": int(q.get("startTime", 0)) + 30_000, "m": True}] if "startTime" in q else []
    )
    return volumes


@pytest.fixture
async def server():
    """Serve HTTP on a free port."""
    async with running_rest_server() as running:
        yield running


@pytest.fixture
def stream():
    """Speak Binance."""
    return _BinanceStream()


@pytest.fixture
def fast():
    """Make time pass quickly."""
    return _Fast()


@pytest.fixture
def inbox():
    """Keep what is put."""
    return _Inbox()


@pytest.fixture
async def make(server, stream, fast, inbox):
    """Make feeds whose every address is on this machine; they are stopped at the end."""
    made: list[Feeds] = []
    async with _stream_server(stream) as url:
        urls = dict.fromkeys(("binance", "bybit", "okx", "coinglass"), server.url)
        streams = dict.fromkeys(urls, url)

        def build(store: StoreThread | None = None, **options) -> Feeds:
            chosen = FeedOptions(**{"mode": "public", "rest_urls": urls, "ws_urls": streams, **options})
            rng = random.Random(1)  # noqa: S311  # the same delays each time
            feeds = Feeds(chosen, inbox, watch=fast.watch(), rng=rng, store=store)
            made.append(feeds)
            return feeds

        yield build
        for feeds in made:
            await feeds.stop()


def _state(inbox: _Inbox, family: str, venue: str = "binance") -> FeedNotice | None:
    notices = inbox.notices(venue, family)
    return notices[-1] if notices else None


def _is(inbox: _Inbox, family: str, state: FeedState, venue: str = "binance") -> bool:
    told = _state(inbox, family, venue)
    return told is not None and told.state is state


async def test_streams_of_what_is_traded(make, server, stream, inbox):
    """The table comes before the first frame; only symbols with enough volume are subscribed, largest first."""
    _binance_rest(server)
    feeds = make(venues=("binance",))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE) and _is(inbox, "liquidations", LIVE))
    kinds = [frame.kind for frame in inbox.frames]
    assert kinds.index(RecordKind.INSTRUMENTS) < kinds.index(RecordKind.FRAME)
    table = next(frame for frame in inbox.frames if frame.kind is RecordKind.INSTRUMENTS)
    assert set(decode(table.payload)) == {"BTCUSDT", "ETHUSDT", "DUSTUSDT"}
    assert feeds.symbols() == {"binance": ("BTCUSDT", "ETHUSDT")}
    assert set(stream.subscribed) == {"btcusdt@aggTrade", "ethusdt@aggTrade", "!forceOrder@arr"}
    lines = {line.family: line for line in feeds.status()}
    assert lines["trades"].state is LIVE
    assert lines["trades"].complete
    assert lines["trades"].event_age_s is not None
    assert lines["liquidations"].connections


async def test_silent_stream_is_polled_and_taken_back(make, server, stream, fast, inbox):
    """An acknowledging but silent stream is found within 15 s, polled within 5 s, and taken back by itself."""
    _binance_rest(server)
    await make(venues=("binance",)).start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE) and _is(inbox, "liquidations", LIVE))
    silent_ms = fast.wall_ms()
    stream.silent = True
    await inbox.until(lambda: _is(inbox, "trades", POLLING) and _is(inbox, "liquidations", DOWN))
    told = _state(inbox, "trades")
    assert told.at_ms - silent_ms <= 15_000
    await inbox.until(lambda: any(f.source == "binance:aggTrades:ETHUSDT" for f in inbox.frames))
    assert fast.wall_ms() - told.at_ms <= 5_000
    lost = _state(inbox, "liquidations")
    assert not lost.complete
    assert "Binance publishes no liquidations by REST; missing from" in lost.why
    stream.silent = False
    await inbox.until(lambda: _is(inbox, "trades", LIVE) and _is(inbox, "liquidations", LIVE))
    asked = len(server.queries("/fapi/v1/aggTrades"))
    before = len(inbox.frames)
    await inbox.until(lambda: len(inbox.frames) > before + 20)
    assert len(server.queries("/fapi/v1/aggTrades")) == asked


async def test_refused_stream_is_named_and_polled(make, server, stream, inbox):
    """A region block of the stream is said as such while REST still serves."""
    _binance_rest(server)
    stream.refuse_with = 451
    await make(venues=("binance",)).start()
    await inbox.until(lambda: _is(inbox, "trades", POLLING))
    assert "region_block" in _state(inbox, "trades").why


async def test_one_venue_does_not_take_another_down(make, server, stream, inbox, caplog):
    """OKX's REST is blocked: its built-in sizes serve, with their date in the log; Binance is as ever."""
    _binance_rest(server)
    for path in ("/api/v5/public/instruments", "/api/v5/market/tickers", "/api/v5/market/trades"):
        server.rules[path] = lambda _: Answer("", 451)
    feeds = make(venues=("binance", "okx"))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE) and any(f.source == "okx" for f in inbox.frames))
    table = next(f for f in inbox.frames if f.kind is RecordKind.INSTRUMENTS and f.source == "okx")
    assert "BTC-USDT-SWAP" in decode(table.payload)
    assert "built-in ones of 20" in caplog.text
    assert "region_block" in feeds.remarks["okx"]
    assert "BTC-USDT-SWAP" in feeds.symbols()["okx"]


@pytest.mark.parametrize(
    "body", ["[" * 200_000, '{"symbols":' + "[" * 200_000, '{"symbols":[{"symbol":7}]}', "\x00", "[]"]
)
async def test_a_hostile_list_costs_no_stream(make, server, stream, inbox, body):
    """Whatever the venue lists, its streams open with the built-in symbols."""
    _binance_rest(server)
    server.rules["/fapi/v1/exchangeInfo"] = lambda _: body
    feeds = make(venues=("binance",))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE))
    await inbox.until(lambda: "lists not" in feeds.remarks.get("binance", ""))


async def test_what_all_venues_need_ends_the_process(make, server, stream, inbox, monkeypatch):
    """A dead teller of notices is noticed: states that nobody hears would look healthy."""
    _binance_rest(server)
    feeds = make(venues=("binance",))
    put = inbox.put

    async def broken(item: Frame) -> None:
        if item.kind is RecordKind.NOTICE:
            raise RuntimeError("a defect")
        await put(item)

    monkeypatch.setattr(inbox, "put", broken)
    await feeds.start()
    with pytest.raises(RuntimeError, match="a defect"):
        async with asyncio.timeout(10):
            await feeds.watched()


async def test_stop_ends_the_watching(make, server, stream, inbox):
    """An end that was asked for is no failure, and may be asked for twice."""
    _binance_rest(server)
    feeds = make(venues=("binance",))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE))
    await feeds.stop()
    await feeds.watched()
    await feeds.stop()


async def test_pages_of_instruments(make, server, inbox):
    """Bybit lists its contracts in pages; all of them are in the table."""
    pages = {"": ("AUSDT", "p2"), "p2": ("BUSDT", "p3"), "p3": ("CUSDT", "")}

    def answer(query):
        name, cursor = pages[query.get("cursor", "")]
        result = {"category": "linear", "list": [{"symbol": name}], "nextPageCursor": cursor}
        return json.dumps({"retCode": 0, "result": result})

    server.rules["/v5/market/instruments-info"] = answer
    server.rules["/v5/market/tickers"] = lambda _: '{"retCode":0,"result":{"list":[{"symbol":"BUSDT","turnover24h":"1e7"}]}}'
    feeds = make(venues=("bybit",))
    await feeds.start()
    await inbox.until(lambda: bool(inbox.frames))
    assert set(decode(inbox.frames[0].payload)) == {"AUSDT", "BUSDT", "CUSDT"}
    assert feeds.symbols() == {"bybit": ("BUSDT",)}


async def test_lists_are_refreshed(make, server, stream, fast, inbox):
    """Each hour: what has grown busy is subscribed, what is a little quieter stays."""
    volumes = _binance_rest(server)
    feeds = make(venues=("binance",))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE))
    volumes |= {"DUSTUSDT": 7e6, "ETHUSDT": 3e6, "NEWUSDT": 1.0}
    fast.hour.set()
    await inbox.until(lambda: "dustusdt@aggTrade" in stream.subscribed)
    assert feeds.symbols()["binance"] == ("BTCUSDT", "DUSTUSDT", "ETHUSDT")
    tables = [frame for frame in inbox.frames if frame.kind is RecordKind.INSTRUMENTS]
    assert len(tables) == 2
    assert "NEWUSDT" in decode(tables[1].payload)


@pytest.mark.parametrize(("watch", "symbols"), [(("DUST",), ("DUSTUSDT",)), (("ETHUSDT", "BTC"), ("BTCUSDT", "ETHUSDT"))])
async def test_explicit_list(make, server, inbox, watch, symbols):
    """A list of assets or symbols stands in place of the volume."""
    _binance_rest(server)
    feeds = make(venues=("binance",), watch=watch)
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE))
    assert feeds.symbols() == {"binance": symbols}


async def test_trades_may_be_off(make, server, stream, inbox):
    """Without trades only liquidations are opened."""
    _binance_rest(server)
    feeds = make(venues=("binance",), trades=False)
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "liquidations", LIVE))
    assert [line.family for line in feeds.status()] == ["liquidations"]


async def test_silent_rest_does_not_hold_the_start(make, server, inbox):
    """Streams of the well-known symbols open within three seconds though REST hangs."""
    server.rules["/fapi/v1/exchangeInfo"] = lambda _: Answer("", hang=True)
    feeds = make(venues=("binance",))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE))
    assert "BTCUSDT" in feeds.symbols()["binance"]


KEY = SecretStr("canary-key")


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        ('{"code":"400","msg":"Invalid API key provided"}', "invalid_key"),
        ('{"code":"0","data":{"level":"HOBBYIST","expired":false}}', "no stream"),
        ('{"code":"401","msg":"Upgrade plan"}', "plan"),
    ],
)
async def test_auto_without_a_streaming_key_is_public(make, server, inbox, answer, remark):
    """A key that may not stream is told of, and the public sources serve."""
    _binance_rest(server)
    server.rules["/api/user/account/subscription"] = lambda _: answer
    feeds = make(mode="auto", venues=("binance",), coinglass_key=KEY)
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE) and "coinglass" in feeds.remarks)
    assert remark in feeds.remarks["coinglass"]
    assert {line.venue for line in feeds.status()} == {"binance"}


async def test_auto_with_a_streaming_key_is_both(make, server, inbox, caplog):
    """With a plan that streams, CoinGlass is opened beside the venues; what it refuses is polled, and no key is printed."""
    _binance_rest(server)
    server.rules["/api/user/account/subscription"] = lambda _: Answer("no", 404)
    server.rules["/api/futures/supported-coins"] = lambda _: Answer('{"code":"0","data":["BTC"]}', headers={"API-KEY-MAX-LIMIT": "300"})
    pairs = {"Binance": ["BTCUSDT"], "Gate": ["BTC_USDT", "BTC_USDT_20261225"]}
    listed = {name: [{"instrument_id": one, "base_asset": "BTC", "quote_asset": "USDT"} for one in ones] for name, ones in pairs.items()}
    server.rules["/api/futures/supported-exchange-pairs"] = lambda _: json.dumps({"code": "0", "data": listed})
    server.rules["/api/futures/liquidation/order"] = lambda _: '{"code":"401","msg":"Upgrade plan"}'
    server.rules["/api/futures/liquidation/exchange-list"] = lambda _: '{"code":"0","data":[]}'
    feeds = make(mode="auto", venues=("binance",), coinglass_key=KEY)
    await feeds.start()
    await inbox.until(lambda: any(f.source.startswith("coinglass:liquidation/exchange-list:BTC@") for f in inbox.frames))
    await inbox.until(lambda: _is(inbox, "trades", DOWN, "coinglass"))
    told = _state(inbox, "liquidations", "coinglass")
    assert (told.state, told.complete) == (POLLING, False)
    written = caplog.text + str(feeds.status()) + repr(feeds.remarks) + str([f.source for f in inbox.frames])
    assert "canary-key" not in written


async def test_requests_with_the_key_are_counted_for_both_bots(make, server, fast, inbox, tmp_path):
    """What the alert bot asks of CoinGlass is taken from the budget in the database, which the command bot obeys."""
    _binance_rest(server)
    server.rules["/api/user/account/subscription"] = lambda _: Answer(
        '{"code":"0","data":{"level":"HOBBYIST","expired":false}}', headers={"API-KEY-MAX-LIMIT": "30", "API-KEY-USE-LIMIT": "1"}
    )
    store = StoreThread(open_store(f"sqlite:///{tmp_path}/both.db"))
    feeds = make(store, mode="auto", venues=("binance",), coinglass_key=KEY)
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE) and "coinglass" in feeds.remarks)
    await feeds.stop()
    other = SharedBudget(store, KEY.get_secret_value(), wall_ms=fast.wall_ms)
    assert (await other.state()).used >= 1
    await store.close()


@pytest.mark.parametrize("mode", ["coinglass", "both"])
async def test_mode_without_its_key(make, mode):
    """The setting, the problem and the remedy are named."""
    with pytest.raises(ConfigError, match="COINGLASS_API_KEY"):
        await make(mode=mode).start()


async def test_address_that_is_not_encrypted(make):
    """An address that could leak what is watched is refused before anything opens."""
    with pytest.raises(ConfigError, match="BINANCE_WS_URL"):
        await make(ws_urls={"binance": "ws://example.org"}).start()


async def test_stop_is_quick_and_leaves_nothing(make, server, stream, fast, inbox):
    """Stopping takes less than two seconds in the middle of everything."""
    _binance_rest(server)
    tasks = asyncio.all_tasks()
    feeds = make(venues=("binance",))
    await feeds.start()
    await inbox.until(lambda: _is(inbox, "trades", LIVE))
    stream.silent = True
    await inbox.until(lambda: _is(inbox, "trades", POLLING))
    server.rules["/fapi/v1/aggTrades"] = lambda _: Answer("", hang=True)
    started = real_time.monotonic()
    await feeds.stop()
    assert real_time.monotonic() - started < 2
    left = [t for t in asyncio.all_tasks() - tasks if (t.get_name().startswith(("feed", "poll", "binance")))]
    assert left == []
