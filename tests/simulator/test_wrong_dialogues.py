"""Each wrong dialogue is refused as its venue would, over real sockets."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator.scenarios import Intensity, Scenario
from simulator.world import World

PATIENCE_S = 10


async def heard(socket):
    """Return the next message, decoded where it is JSON."""
    text = await asyncio.wait_for(socket.recv(), PATIENCE_S)
    try:
        return json.loads(text)
    except ValueError:
        return text


async def ask(url, message):
    """Return the first answer to one message."""
    async with connect(url) as socket:
        await socket.send(message if isinstance(message, str) else json.dumps(message))
        return await heard(socket)


async def status_of(url):
    """Return the HTTP status that a handshake is refused with."""
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(url):
            pass
    return refusal.value.response.status_code


async def drain(socket, world, ms):
    """Move the world, then return everything up to the answer to a last question to Binance."""
    await world.advance(ms)
    await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
    messages = []
    while True:
        message = await heard(socket)
        if message.get("id") == "end":
            return messages
        messages.append(message)


class TestBinance:
    """USD-M: acknowledgements prove nothing."""

    @pytest.mark.parametrize("path", ["/ws", "/stream"])
    async def test_retired_root_acknowledges_and_stays_silent(self, world, path):
        """A connection without a routed path gets acks, the book family, and never a market stream."""
        async with connect(world.urls["BINANCE_WS_URL"] + path) as socket:
            streams = ["btcusdt@aggTrade", "!forceOrder@arr", "btcusdt@bookTicker"]
            await socket.send(json.dumps({"method": "SUBSCRIBE", "params": streams, "id": 1}))
            assert await heard(socket) == {"result": None, "id": 1}
            messages = await drain(socket, world, 20_000)
        data = [message.get("data", message) for message in messages]
        assert {row["e"] for row in data} == {"bookTicker"}

    async def test_unknown_and_misspelt_streams_are_acknowledged_and_silent(self, world):
        """A wrong name (upper case, a stream of another path) is acked but delivers nothing."""
        async with connect(world.urls["BINANCE_WS_URL"] + "/market/ws") as socket:
            wrong = ["BTCUSDT@aggTrade", "nosuch@aggTrade", "btcusdt@bookTicker", "stream"]
            await socket.send(json.dumps({"method": "SUBSCRIBE", "params": wrong, "id": 1}))
            assert await heard(socket) == {"result": None, "id": 1}
            assert await drain(socket, world, 5_000) == []

    @pytest.mark.parametrize(
        ("message", "code"),
        [("{", 3), ("[]", 2), ('{"op":"subscribe","id":1}', 2), ('{"method":"SUBSCRIBE","params":["a"]}', 2),
         ('{"method":"SUBSCRIBE","params":[],"id":1}', 1), ('{"method":"SUBSCRIBE","params":"a","id":1}', 1),
         ('{"method":"LOGIN","id":1}', 2)],
    )  # fmt: skip
    async def test_bad_request_is_named(self, world, message, code):
        """What is not a request of the documented form gets an error with its code."""
        answer = await ask(world.urls["BINANCE_WS_URL"] + "/market/ws", message)
        assert answer["error"]["code"] == code

    async def test_more_than_1024_streams_are_refused(self, world):
        """The 1025th stream of a connection is refused as a whole request."""
        url = world.urls["BINANCE_WS_URL"] + "/market/ws"
        many = {"method": "SUBSCRIBE", "params": [f"a{number}usdt@aggTrade" for number in range(1025)], "id": 1}
        assert (await ask(url, many))["error"]["code"] == 2

    async def test_more_than_ten_messages_a_second_cut_the_connection(self, world):
        """The eleventh message within a second ends the connection."""
        async with connect(world.urls["BINANCE_WS_URL"] + "/market/ws") as socket:
            for number in range(10):
                await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
                await heard(socket)
            await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":11}')
            with pytest.raises(ConnectionClosed) as end:
                await heard(socket)
        assert end.value.rcvd.code == 1008

    async def test_unknown_path_is_not_found(self, world):
        """A path outside of the scheme is refused before the handshake."""
        assert await status_of(world.urls["BINANCE_WS_URL"] + "/v1/market") == 404


class TestBybit:
    """v5 linear."""

    @pytest.mark.parametrize("topic", ["allLiquidation.NOSUCHUSDT", "liquidation.BTCUSDT", "allLiquidation"])
    async def test_one_bad_topic_refuses_the_whole_batch(self, world, topic):
        """The answer is success false and the good topics of the request are not delivered either."""
        async with connect(world.urls["BYBIT_WS_URL"] + "/v5/public/linear") as socket:
            await socket.send(json.dumps({"op": "subscribe", "args": ["publicTrade.BTCUSDT", topic], "req_id": "x"}))
            answer = await heard(socket)
            assert (answer["success"], answer["req_id"]) == (False, "x")
            assert topic in answer["ret_msg"]
            await world.advance(5_000)
            await socket.send('{"op":"ping"}')
            assert (await heard(socket))["ret_msg"] == "pong"

    async def test_arguments_above_21000_characters_are_refused(self, world):
        """All topics of a connection count together."""
        world.venues["bybit"].feed.history.listings.update(dict.fromkeys([f"{'A' * 200}{n}USDT" for n in range(101)]))
        names = [f"publicTrade.{name}" for name in world.venues["bybit"].feed.history.listings if len(name) > 100]
        answer = await ask(world.urls["BYBIT_WS_URL"] + "/v5/public/linear", {"op": "subscribe", "args": names})
        assert not answer["success"]
        assert "21000" in answer["ret_msg"]

    @pytest.mark.parametrize("message", ["{", "[]", '{"op":"hello"}', '{"op":"subscribe","args":"a"}', '{"op":"subscribe"}'])
    async def test_bad_request_fails(self, world, message):
        """What is not a request is answered with success false."""
        assert not (await ask(world.urls["BYBIT_WS_URL"] + "/v5/public/linear", message))["success"]

    async def test_silent_client_is_cut_after_ten_minutes(self):
        """A connection without a message of the client ends."""
        still = Scenario("still", Intensity(trade_rate=0, liquidation_rate=0))
        async with (
            World(scenario=still, speed=0) as world,
            connect(world.urls["BYBIT_WS_URL"] + "/v5/public/linear", ping_interval=None) as socket,
        ):
            await world.advance(600_400)
            with pytest.raises(ConnectionClosed):
                await heard(socket)

    async def test_other_paths_are_not_found(self, world):
        """Only the linear contracts are served."""
        assert await status_of(world.urls["BYBIT_WS_URL"] + "/v5/public/inverse") == 404


class TestOkx:
    """v5 public."""

    @pytest.mark.parametrize(
        ("arg", "code"),
        [
            ({"channel": "trades", "instId": "NOSUCH-USDT-SWAP"}, "60018"),
            ({"channel": "liquidation-orders", "instId": "BTC-USDT-SWAP"}, "60018"),
            ({"channel": "trades-all", "instId": "BTC-USDT-SWAP"}, "60018"),
            ({"channel": 5}, "60012"),
            ("trades", "60012"),
        ],
    )
    async def test_each_argument_gets_its_own_answer(self, world, arg, code):
        """A wrong argument is refused, the right one beside it is acknowledged."""
        good = {"channel": "trades", "instId": "BTC-USDT-SWAP"}
        async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public") as socket:
            await socket.send(json.dumps({"op": "subscribe", "args": [arg, good]}))
            refused, accepted = await heard(socket), await heard(socket)
        assert (refused["event"], refused["code"]) == ("error", code)
        assert (accepted["event"], accepted["arg"]) == ("subscribe", good)

    async def test_narrowing_of_liquidations_is_dropped_and_an_old_order_comes_first(self, world):
        """The ack shows only the type; the first message repeats an order from before the connection."""
        arg = {"channel": "liquidation-orders", "instType": "SWAP", "instId": "BTC-USDT-SWAP"}
        async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public") as socket:
            await socket.send(json.dumps({"op": "subscribe", "args": [arg]}))
            assert (await heard(socket))["arg"] == {"channel": "liquidation-orders", "instType": "SWAP"}
            first = await heard(socket)
        assert int(first["data"][0]["details"][0]["ts"]) < world.start_ms - 60_000

    @pytest.mark.parametrize("message", ["{", "[]", '{"op":"login","args":[{}]}', '{"op":"subscribe","args":[]}', '{"op":"subscribe"}'])
    async def test_bad_request_is_60012(self, world, message):
        """What is not a request of the documented form is refused by its code."""
        assert (await ask(world.urls["OKX_WS_URL"] + "/ws/v5/public", message))["code"] == "60012"

    async def test_too_many_requests_an_hour_are_refused(self, world):
        """The 481st subscription request of a connection is refused."""
        async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public") as socket:
            request = json.dumps({"op": "subscribe", "args": [{"channel": "trades", "instId": "BTC-USDT-SWAP"}]})
            for _ in range(480):
                await socket.send(request)
                assert (await heard(socket))["event"] == "subscribe"
            await socket.send(request)
            assert (await heard(socket))["code"] == "60014"

    async def test_thirty_seconds_of_silence_cut_a_client_and_protocol_pings_do_not_help(self, world):
        """Only a text message of the client counts; `ping` is answered with the bare word."""
        async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public", ping_interval=None) as socket:
            await world.advance(20_000)
            await socket.send("ping")
            assert await heard(socket) == "pong"
            await world.advance(20_000)
            await asyncio.wait_for(await socket.ping(), PATIENCE_S)
            await world.advance(10_400)
            with pytest.raises(ConnectionClosed):
                await heard(socket)

    async def test_other_paths_are_not_found(self, world):
        """There is no private socket; candles are on the business one and nowhere else, and nothing else is there."""
        assert await status_of(world.urls["OKX_WS_URL"] + "/ws/v5/private") == 404
        for path, channel in (("public", "candle1m"), ("business", "trades")):
            request = {"op": "subscribe", "args": [{"channel": channel, "instId": "BTC-USDT-SWAP"}]}
            answer = await ask(f"{world.urls['OKX_WS_URL']}/ws/v5/{path}", request)
            assert answer["code"] == "60018"


class TestCoinglass:
    """v4 streams."""

    @pytest.mark.parametrize("query", ["", "?cg-api-key=", "?cg-api-key=wrong"])
    async def test_missing_or_wrong_key_opens_nothing(self, world, query):
        """The handshake is refused."""
        assert await status_of(world.urls["COINGLASS_WS_URL"] + "/ws-api" + query) == 401

    @pytest.mark.parametrize("level", ["hobbyist", "startup"])
    async def test_plan_without_streams_is_told_to_upgrade(self, world, level):
        """A subscription above the plan gets the envelope of a plan refusal."""
        url = world.urls["COINGLASS_WS_URL"] + f"/ws-api?cg-api-key=simulated-{level}"
        answer = await ask(url, {"method": "subscribe", "channels": ["liquidationOrders"]})
        assert answer == {"code": "401", "msg": "Upgrade plan"}

    @pytest.mark.parametrize(
        "message",
        ["{", {"op": "subscribe", "args": ["liquidationOrders"]}, {"method": "subscribe", "channels": "liquidationOrders"},
         {"method": "subscribe", "channels": ["liquidations"]}, {"method": "subscribe", "channels": [1]},
         {"method": "subscribe", "channels": ["futures_trades@Binance@BTCUSDT@10000"]},
         {"method": "subscribe", "channels": ["futures_trades@Binance_NOSUCH@10000"]}],
    )  # fmt: skip
    async def test_wrong_requests_are_refused(self, world, message):
        """The spelling of other venues, unknown channels and unknown pairs get a code."""
        url = world.urls["COINGLASS_WS_URL"] + "/ws-api?cg-api-key=simulated-standard"
        assert (await ask(url, message))["code"] == "400"

    async def test_other_paths_are_not_found(self, world):
        """Only /ws-api is a socket."""
        assert await status_of(world.urls["COINGLASS_WS_URL"] + "/ws?cg-api-key=simulated-standard") == 404
