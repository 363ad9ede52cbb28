"""One connection: what each venue's control frames make it do."""

from __future__ import annotations

import asyncio
import contextlib
import json

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.bybit.stream import BybitDialogue
from teleglas.venues.coinglass.stream import CoinglassDialogue
from teleglas.venues.dialogue import Pace
from teleglas.venues.okx.stream import OkxDialogue
from tests.sources.stream_bench import (
    CONNECTING,
    DOWN,
    LIVE,
    Bench,
    Venue,
    binance,
    breathe,
    liquidation,
    until,
)  # fmt: skip
from ws_alert.sources import session


async def scripted(answer, plans_of, dialogue, check):
    """Run a client against a server whose answers to each text are given by `answer`."""

    async def talk(connection):
        with contextlib.suppress(ConnectionClosed):
            async for text in connection:
                for reply in answer(text):
                    await connection.send(reply)

    async with serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Bench(plans_of(url), dialogue) as bench:
            await check(bench)


async def test_bybit_loses_only_its_bad_topic():
    """One unknown symbol fails its batch; halving finds it, the other nine stay subscribed."""
    served = set()

    def answer(text):
        message = json.loads(text)
        if message["op"] == "ping":
            return ['{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}']
        bad = [topic for topic in message["args"] if "GONE" in topic]
        reply = {
            "success": not bad,
            "ret_msg": f"Invalid topic: {bad}",
            "req_id": message["req_id"],
            "op": "subscribe",
        }
        if not bad:
            served.update(message["args"])
        return [json.dumps(reply), '{"topic":"publicTrade.BTCUSDT","data":[]}']

    symbols = ["BTCUSDT", "A4GONEUSDT", *(f"A{number}USDT" for number in range(8))]

    async def check(bench):
        for _ in range(10):
            await bench.time.turn(0.1)
        await bench.live()
        assert served == {
            "publicTrade.BTCUSDT",
            *(f"allLiquidation.{s}" for s in symbols if s != "A4GONEUSDT"),
        }
        assert bench.client.snapshot().refused == ("allLiquidation.A4GONEUSDT",)
        assert bench.inbox.qsize() == 0

    await scripted(
        answer, lambda url: BybitDialogue.plans(liquidations=symbols, base_url=url), BybitDialogue, check
    )


async def test_okx_keeps_the_socket_without_the_expired_contract():
    """60018 drops one arg; the socket and the others stay."""

    def answer(text):
        if text == "ping":
            return ["pong"]
        replies = []
        for arg in json.loads(text)["args"]:
            if arg.get("instId") == "OLD-USDT-SWAP":
                replies.append(
                    '{"event":"error","code":"60018","msg":"Wrong URL or channel:trades,instId:OLD-USDT-SWAP doesn\'t exist"}'
                )
            else:
                replies.append(json.dumps({"event": "subscribe", "arg": arg, "connId": "x"}))
        return [*replies, '{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{}]}']

    async def check(bench):
        await bench.live()
        assert bench.client.snapshot().refused == ("trades:OLD-USDT-SWAP",)
        assert bench.states == [CONNECTING, LIVE]
        await bench.time.turn(3)
        assert bench.states == [CONNECTING, LIVE]

    def plans(url):
        return OkxDialogue.plans(trades=["BTC-USDT-SWAP", "OLD-USDT-SWAP"], liquidations=False, base_url=url)

    await scripted(answer, plans, OkxDialogue, check)


async def test_coinglass_names_a_plan_that_may_not_stream():
    """A frame with a code other than 0 is a refusal with its name."""

    async def check(bench):
        await until(lambda: DOWN in bench.states)
        assert bench.notices[-1].why == "plan: 401 Upgrade plan"

    await scripted(
        lambda _: ['{"code":"401","msg":"Upgrade plan"}'],
        lambda url: CoinglassDialogue.plans("k", base_url=url),
        CoinglassDialogue,
        check,
    )


def okx_answer(text):
    """Acknowledge everything, tick once."""
    if text == "ping":
        return ["pong"]
    acks = [json.dumps({"event": "subscribe", "arg": arg}) for arg in json.loads(text)["args"]]
    return [*acks, '{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{}]}']


async def test_okx_announces_its_end_and_is_replaced_before():
    """On notice 64008 the replacement takes over; the feed stays live."""
    connects = 0

    def answer(text):
        nonlocal connects
        frames = okx_answer(text)
        if text != "ping":
            connects += 1
            frames += ['{"event":"notice","code":"64008","msg":"restart"}'] * (connects == 1)
        return frames

    async def check(bench):
        await bench.turn_until(lambda: bench.client.snapshot().replaced == 1, 5)
        assert bench.states == [CONNECTING, LIVE]
        assert connects == 2

    await scripted(answer, lambda url: OkxDialogue.plans(base_url=url), OkxDialogue, check)


async def test_too_frequent_requests_connect_again_later():
    """60014 blames no topic: the connection is made anew after a pause, with everything."""
    connects = 0

    def answer(text):
        nonlocal connects
        connects += 1
        return (
            ['{"event":"error","code":"60014","msg":"too frequent"}'] if connects == 1 else okx_answer(text)
        )

    async def check(bench):
        await until(lambda: DOWN in bench.states)
        assert bench.notices[-1].why == "subscription refused: 60014 too frequent"
        await bench.turn_until(lambda: bench.client.snapshot().state is LIVE, 5)
        assert bench.client.snapshot().refused == ()

    await scripted(answer, lambda url: OkxDialogue.plans(base_url=url), OkxDialogue, check)


async def test_a_refused_canary_refuses_the_feed():
    """Without its canary a connection cannot be judged, so it is not pretended to be healthy."""

    def answer(_):
        return ['{"event":"error","code":"60018","msg":"channel:trades,instId:BTC-USDT-SWAP doesn\'t exist"}']

    async def check(bench):
        await until(lambda: DOWN in bench.states)
        assert bench.notices[-1].why.startswith("bad_request: 60018")

    await scripted(answer, lambda url: OkxDialogue.plans(base_url=url), OkxDialogue, check)


async def test_a_handshake_without_an_answer_ends(monkeypatch):
    """A server that takes the connection and says nothing is given up in time."""
    monkeypatch.setattr(session, "OPEN_TIMEOUT_S", 0.05)
    done = asyncio.Event()

    async def deaf(_, writer):
        await done.wait()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Bench(BinanceDialogue.plans(base_url=url), BinanceDialogue) as bench:
            await until(lambda: DOWN in bench.states)
            assert "no answer" in bench.notices[-1].why
        done.set()
        await asyncio.sleep(0)


async def test_a_replacement_whose_engine_is_slow_loses_and_reorders_nothing():
    """Held frames and those that come while they are handed over arrive once, in order."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue, room=2) as bench:
        await bench.live()
        bench.client._running[0].session._grow_stale("old age")
        await until(lambda: len(venue.subscribed) == 2)
        await breathe()
        wanted = [liquidation(number) for number in range(12)]
        await venue.say(*wanted[:6])
        await bench.turn_until(lambda: bench.client.snapshot().replaced == 1, 5)
        await until(bench.inbox.full)
        await venue.say(*wanted[6:])
        await breathe()
        got = []
        async with asyncio.timeout(5):
            while len(got) < 12:
                got.append((await bench.inbox.get()).payload.decode())
                await breathe()
        assert got == wanted
        assert bench.states == [CONNECTING, LIVE]


async def test_subscribe_frames_keep_the_venues_pace():
    """Frames beyond the pace wait; the server never gets more at once than it allows."""

    class Slow(BinanceDialogue):
        says = Pace(1, 2.0)

    symbols = [f"S{number}USDT" for number in range(60)]
    async with Venue() as venue, Bench(binance(venue, trades=symbols, liquidations=False), Slow) as bench:
        await until(lambda: venue.subscribed)
        await bench.time.turn(0.5)
        assert len(venue.subscribed) == 1
        await bench.turn_until(lambda: len(venue.subscribed) == 2, 5)
        assert bench.time.now - 1000 >= 2
