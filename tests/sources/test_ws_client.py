"""The one client loop against real servers on loopback, with a clock that the test turns."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import random
import time

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.coinglass.stream import CoinglassDialogue
from teleglas.venues.dialogue import Pace
from tests.sources.stream_bench import (
    CANARY,
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
from ws_alert.sources.feed_board import FeedBoard
from ws_alert.sources.session import Shell
from ws_alert.sources.ws_client import stream_clients


async def test_live_only_after_acknowledgement_and_data():
    """Connected and acknowledged is not live: the first market data makes it so; one notice per change."""
    async with Venue() as venue:
        venue.greeting = []
        async with Bench(binance(venue), BinanceDialogue) as bench:
            await until(lambda: venue.subscribed)
            await breathe()
            assert bench.states == [CONNECTING]
            await venue.say(CANARY)
            await bench.live()
            await venue.say(liquidation(1), liquidation(2))
            await until(lambda: bench.inbox.qsize() == 2)
            assert bench.frames() == [liquidation(1), liquidation(2)]
            assert bench.states == [CONNECTING, LIVE]
            assert bench.notices[-1].complete
            assert venue.subscribed == [["btcusdt@aggTrade", "!forceOrder@arr"]]


async def test_a_quiet_liquidation_stream_does_not_alarm():
    """An hour without a liquidation is normal while the canary ticks and probes are answered."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        await bench.turn_with_canary(venue, 300, every=9.0)
        assert bench.states == [CONNECTING, LIVE]
        assert bench.inbox.qsize() == 0
        assert bench.client.snapshot().event_age_s is None


async def test_a_silent_server_is_found_within_fifteen_seconds():
    """A live connection whose canary stops is given up within 15 s although probes are answered."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        await bench.time.turn(9.5)
        assert bench.states[-1] is LIVE
        venue.status = 503
        await bench.time.turn(5)
        await until(lambda: bench.states[-1] is DOWN)
        assert "silent" in bench.notices[-1].why
        assert not bench.notices[-1].complete


async def test_acknowledged_but_silent_is_found_within_fifteen_seconds():
    """The address retired in 2026 acknowledges and delivers nothing: found and said."""
    async with Venue() as venue:
        venue.greeting = []
        async with Bench(binance(venue), BinanceDialogue) as bench:
            await until(lambda: venue.subscribed)
            await bench.time.turn(15)
            await until(lambda: DOWN in bench.states)
            assert LIVE not in bench.states


async def test_missing_pongs_are_found():
    """Data without answers to our probes is a half-open link."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        venue.answers = False
        await bench.turn_with_canary(venue, 10.5)
        assert DOWN not in bench.states
        await bench.turn_until(lambda: DOWN in bench.states, 3)
        assert bench.notices[-1].why == "no pong within 10 s"


async def test_a_forgotten_subscription_is_found():
    """A probe that lists fewer streams than were acknowledged makes us connect again."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        await venue.say(json.dumps({"result": ["btcusdt@aggTrade"], "id": -1}))
        await until(lambda: DOWN in bench.states)
        assert "forgot 1" in bench.notices[-1].why


async def test_reconnects_and_subscribes_everything_again():
    """After a cut: down, a try within a second, all topics again, live again; nothing is lost in between."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        await venue.say(liquidation(1))
        await venue.connections[0].close(1011)
        await until(lambda: bench.states[-1] is DOWN)
        assert bench.notices[-1].why == "the connection was closed (1011)"
        await bench.time.turn(1.0)
        await until(lambda: bench.states == [CONNECTING, LIVE, DOWN, LIVE])
        assert venue.subscribed[0] == venue.subscribed[1]
        assert bench.frames() == [liquidation(1)]
        assert bench.client.snapshot().reconnects == 1


async def test_accept_then_close_is_not_hammered():
    """A server that accepts and closes sees at most 10 connects in the first minute, 2 per minute later."""
    async with Venue() as venue:
        venue.closes = True
        async with Bench(binance(venue), BinanceDialogue) as bench:
            await breathe()
            for _ in range(240):
                await bench.time.turn(0.25)
            first = venue.connects
            assert 4 <= first <= 10
            for _ in range(600):
                await bench.time.turn(1)
            assert venue.connects - first <= 20
            assert bench.states == [CONNECTING, DOWN]


async def test_accept_then_close_in_real_time():
    """The same without any trick: three real seconds, a handful of connects (a naive loop makes thousands)."""
    async with Venue() as venue:
        venue.closes = True
        inbox = asyncio.Queue()
        board = FeedBoard(lambda _: None, lambda: 0)
        shell = Shell(inbox, time.monotonic, asyncio.sleep)
        (client,) = stream_clients(binance(venue), BinanceDialogue, shell, board, random.Random(3))  # noqa: S311 - a seed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.run(), 3)
        assert 2 <= venue.connects <= 4


async def test_the_backoff_is_reset_only_by_healthy_data():
    """A connection that breaks before 30 s of data keeps the long delays; a healthy one starts anew."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()

        async def away():
            await venue.connections[0].close(1011)
            await until(lambda: bench.client.snapshot().state is DOWN)
            return await bench.turn_until(lambda: bench.client.snapshot().state is LIVE, 61)

        waits = [await away() for _ in range(7)]
        assert waits[0] <= 1.25
        assert waits[5] >= 15
        assert waits[6] >= 29
        await bench.turn_with_canary(venue, 40)
        assert await away() <= 1.25


@pytest.mark.parametrize(
    ("status", "word"),
    [(451, "region_block"), (403, "region_block"), (401, "invalid_key"), (418, "banned")],
)
async def test_refusals_have_names_and_are_asked_rarely(status, word):
    """A refused source is named, tried again after ten minutes, and recovers by itself."""
    async with Venue() as venue:
        venue.status = status
        async with Bench(binance(venue), BinanceDialogue) as bench:
            await until(lambda: DOWN in bench.states)
            assert bench.notices[-1].why.startswith(word)
            await bench.time.turn(590)
            assert venue.connects == 1
            venue.status = None
            await bench.time.turn(15)
            await bench.live()
            assert bench.states == [CONNECTING, DOWN, LIVE]


async def test_too_many_requests_waits_as_asked():
    """HTTP 429 is a pause, not a refusal: at least what Retry-After says."""
    async with Venue() as venue:
        venue.status, venue.headers = 429, {"Retry-After": "45"}
        async with Bench(binance(venue), BinanceDialogue) as bench:
            await until(lambda: DOWN in bench.states)
            venue.status = None
            await bench.time.turn(44)
            assert venue.connects == 1
            await bench.time.turn(2)
            await bench.live()


async def test_a_region_block_follows_a_plain_failure_with_its_own_notice():
    """Going from unreachable to refused is a change worth telling; repeating either is not."""
    async with Venue() as venue:
        venue.status = 503
        async with Bench(binance(venue), BinanceDialogue) as bench:
            await until(lambda: DOWN in bench.states)
            await bench.time.turn(5)
            venue.status = 451
            await bench.time.turn(60)
            await until(lambda: len(bench.notices) == 3)
            await bench.time.turn(1300)
            assert [notice.why for notice in bench.notices] == ["", "HTTP 503", "region_block: HTTP 451"]


async def test_rotation_makes_before_it_breaks():
    """At 23 h a new connection delivers before the old one closes: no notice, nothing lost, order kept."""
    async with (
        Venue() as venue,
        Bench(binance(venue, trades=["BTCUSDT"], liquidations=False), BinanceDialogue) as bench,
    ):
        await bench.live()
        bench.client._running[0].session._grow_stale("old age")
        await until(lambda: len(venue.subscribed) == 2)
        await breathe()
        both = [f'{{"stream":"btcusdt@aggTrade","data":{{"a":{n}}}}}' for n in range(6)]
        await venue.say(*both[:3], to=0)
        await venue.say(*both[:5], to=1)
        await until(lambda: bench.inbox.qsize() >= 4)
        await breathe()
        assert bench.frames() == both[:3], "the replacement must not run ahead"
        await bench.time.turn(1)
        await until(lambda: venue.closed == 1)
        await until(lambda: len(venue.connections) == 1)
        await venue.say(both[5])
        await until(lambda: bench.inbox.qsize() >= 7)  # the held canary, five held trades, and this one
        assert bench.frames() == both
        assert bench.states == [CONNECTING, LIVE]
        assert bench.client.snapshot().replaced == 1


async def test_rotation_happens_at_its_age():
    """A connection that reaches the age of rotation is replaced; Binance's is an hour before its cut."""

    class Soon(BinanceDialogue):
        rotate_after_s = 60.0

    assert BinanceDialogue.rotate_after_s == 23 * 3600
    async with Venue() as venue, Bench(binance(venue), Soon) as bench:
        await bench.live()
        await bench.turn_with_canary(venue, 55)
        assert venue.connects == 1
        await bench.turn_with_canary(venue, 6)
        await bench.turn_until(lambda: bench.client.snapshot().replaced == 1, 5)
        assert venue.connects == 2
        assert bench.states == [CONNECTING, LIVE]


async def test_a_failed_replacement_leaves_the_old_connection_alone():
    """If the replacement is refused, the old connection serves on and the replacement is tried again."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        venue.status = 503
        bench.client._running[0].session._grow_stale("old age")
        await until(lambda: venue.connects >= 2)
        await venue.say(liquidation(1), CANARY)
        await until(lambda: bench.frames() == [liquidation(1)])
        venue.status = None
        await bench.turn_until(lambda: bench.client.snapshot().replaced == 1, 5)
        assert bench.states == [CONNECTING, LIVE]


async def test_the_old_connection_breaks_while_its_replacement_connects():
    """Then the replacement becomes the connection: down until it is live, no second start."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        venue.greeting = []
        bench.client._running[0].session._grow_stale("old age")
        await until(lambda: len(venue.connections) == 2)
        await venue.connections[0].close(1001)
        await until(lambda: bench.states[-1] is DOWN)
        await venue.say(CANARY, liquidation(7))
        await bench.live()
        await until(lambda: bench.frames() == [liquidation(7)])
        assert venue.connects == 2


async def test_new_topics_take_over_without_a_hole():
    """Changing the plan replaces the connection make-before-break."""
    async with (
        Venue() as venue,
        Bench(binance(venue, trades=["BTCUSDT"], liquidations=False), BinanceDialogue) as bench,
    ):
        await bench.live()
        (wider,) = binance(venue, trades=["BTCUSDT", "ETHUSDT"], liquidations=False)
        bench.client.replace(wider)
        await until(lambda: len(venue.connections) == 2)
        await breathe()
        await bench.turn_until(lambda: bench.client.snapshot().replaced == 1, 5)
        assert venue.subscribed[-1] == ["btcusdt@aggTrade", "ethusdt@aggTrade"]
        assert bench.states == [CONNECTING, LIVE]


async def test_garbage_is_passed_on_to_be_counted():
    """Bytes that are no text, no JSON or of no stream reach the engine, cost nothing, and prove no health."""
    garbage = [b"\xff\xfe\x00", b'{"stream":"\xff', b'{"e\xff":1}', b"[" * 5_000, b"7", b'{"hello":1}']
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        before = bench.client.snapshot()
        for payload in garbage:
            await venue.connections[0].send(payload)
        async with asyncio.timeout(5):
            read = [(await bench.inbox.get()).payload for _ in garbage]
        assert read == garbage
        assert bench.states == [CONNECTING, LIVE]
        assert bench.client.snapshot().reconnects == before.reconnects == 0


async def test_an_oversized_frame_costs_one_connection():
    """A frame above the bound is counted and the connection made anew; memory and process survive."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        with contextlib.suppress(ConnectionClosed):
            await venue.say("x" * (2 * 1024 * 1024 + 1))
        await until(lambda: bench.states[-1] is DOWN)
        assert "above" in bench.notices[-1].why
        await bench.time.turn(1)
        await bench.live()
        assert bench.client.snapshot().oversized == 1


async def test_a_full_inbox_slows_the_venue_and_is_not_taken_for_silence():
    """While our engine stands still no connection is given up, and nothing is lost."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue, room=3) as bench:
        await bench.live()
        wanted = [liquidation(number) for number in range(10)]
        await venue.say(*wanted)
        await until(bench.inbox.full)
        await breathe()
        await bench.time.turn(60)
        assert bench.states == [CONNECTING, LIVE]
        got = []
        async with asyncio.timeout(5):
            while len(got) < 10:
                got.append((await bench.inbox.get()).payload.decode())
        assert got == wanted


async def test_a_family_is_live_only_with_all_its_connections():
    """Trades spread over two connections are live when both are, down when one is."""
    async with Venue() as venue:
        symbols = [f"S{number}USDT" for number in range(250)]
        plans = binance(venue, trades=symbols, liquidations=False)
        assert len(plans) == 2
        async with Bench(plans, BinanceDialogue) as bench:
            await bench.turn_until(lambda: bench.states == [CONNECTING, LIVE], 5)
            await venue.connections[0].close(1011)
            await until(lambda: bench.states == [CONNECTING, LIVE, DOWN])
            await bench.turn_until(lambda: bench.states == [CONNECTING, LIVE, DOWN, LIVE], 3)
            assert bench.board.snapshot()[0].connections == 2


async def test_one_refused_venue_does_not_disturb_another():
    """Each client is on its own: one is blocked by region while the other delivers."""
    async with Venue() as blocked, Venue() as open_:
        blocked.status = 451
        async with (
            Bench(binance(blocked), BinanceDialogue) as first,
            Bench(binance(open_), BinanceDialogue) as second,
        ):
            await second.live()
            await until(lambda: DOWN in first.states)
            await open_.say(liquidation(1))
            await until(lambda: second.frames() == [liquidation(1)])


async def test_cancelled_within_a_second_and_the_socket_closed():
    """A cancelled client ends at once even if the server never answers the close."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        began = time.monotonic()
        bench.tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await bench.tasks[0]
        assert time.monotonic() - began < 1
        await until(lambda: venue.closed == 1)


async def test_a_deaf_server_does_not_hold_up_the_end():
    """A server that reads nothing delays our end by half a second at most."""
    held = []

    async def deaf(reader, writer):
        held.append((reader, writer))

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Bench(BinanceDialogue.plans(base_url=url), BinanceDialogue) as bench:
            await until(lambda: held)
            began = time.monotonic()
            bench.tasks[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await bench.tasks[0]
            assert time.monotonic() - began < 1
        for _, writer in held:
            writer.close()
            await writer.wait_closed()


async def test_the_key_is_never_written(caplog):
    """With everything logged and each kind of failure, CoinGlass's key appears nowhere."""
    caplog.set_level(logging.DEBUG)
    # a test of the command line may have left the library at WARNING
    for name in ("websockets", "websockets.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    key = "canary-key-4711"
    async with Venue() as venue:
        for status in (401, 403, 503, None):
            venue.status, venue.closes = status, True
            plans = CoinglassDialogue.plans(key, base_url=venue.url)
            async with Bench(plans, CoinglassDialogue) as bench:
                await until(lambda bench=bench: DOWN in bench.states)
                assert key not in repr(plans)
                assert key not in repr(bench.client.snapshot())
                assert key not in str(msgspec.json.encode(bench.notices))
    plans = CoinglassDialogue.plans(key, base_url="ws://127.0.0.1:1")
    async with Bench(plans, CoinglassDialogue) as bench:
        await until(lambda: DOWN in bench.states)
    said = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert not [text for text in said if key in text]
    assert caplog.records, "nothing was logged, so nothing was proved"


async def test_new_connections_keep_the_venues_pace():
    """Connections of one venue share its pace: the second waits its turn."""

    class Slow(BinanceDialogue):
        connects = Pace(1, 5.0)

    async with Venue() as venue:
        plans = binance(venue, trades=["BTCUSDT"])
        async with Bench(plans, Slow) as bench:
            await until(lambda: venue.connects == 1)
            await bench.time.turn(4.5)
            assert venue.connects == 1
            await bench.time.turn(1)
            await until(lambda: venue.connects == 2)


async def test_a_plan_that_changes_its_name_is_one_connection():
    """When the number of connections changes, the old name is forgotten."""
    async with Venue() as venue, Bench(binance(venue), BinanceDialogue) as bench:
        await bench.live()
        bench.client.replace(dataclasses.replace(binance(venue)[0], name="binance liquidations 1/2"))
        await bench.turn_until(lambda: bench.client.snapshot().replaced == 1, 5)
        assert bench.client.snapshot().name == "binance liquidations 1/2"
        assert bench.board.snapshot()[0].connections == 1


async def test_everything_refused_is_a_bad_request_and_asked_again():
    """If no topic is left the feed says so, forgets the refusals and tries again in ten minutes."""
    async with Venue() as venue:
        venue.errors = True
        plans = [dataclasses.replace(plan, canary="") for plan in binance(venue)]
        async with Bench(plans, BinanceDialogue) as bench:
            await bench.turn_until(lambda: DOWN in bench.states, 5)
            assert bench.notices[-1].why == "bad_request: 2 Invalid request"
            venue.errors = False
            await bench.time.turn(599)
            await bench.turn_until(lambda: bench.client.snapshot().state is LIVE, 5)
