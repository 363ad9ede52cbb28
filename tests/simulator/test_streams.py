"""What a right dialogue receives: the venues' shapes, sides, delays and samples."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest
from websockets.asyncio.client import connect

from simulator.listings import COIN_MARGINED
from simulator.world import World

PATIENCE_S = 10
START_MS = 1_790_000_000_000


async def until_pong(socket, ping, is_pong):
    """Return the messages up to the answer to a last question."""
    await socket.send(ping)
    messages = []
    while True:
        text = await asyncio.wait_for(socket.recv(), PATIENCE_S)
        if is_pong(text):
            return messages
        messages.append(json.loads(text))


def binance_frames(socket):
    """Return what Binance sent so far."""
    return until_pong(socket, '{"method":"LIST_SUBSCRIPTIONS","id":"end"}', lambda text: '"id":"end"' in text)


def bybit_frames(socket):
    """Return what Bybit sent so far."""
    return until_pong(socket, '{"op":"ping"}', lambda text: '"pong"' in text)


def text_frames(socket):
    """Return what OKX or CoinGlass sent so far."""
    return until_pong(socket, "ping", lambda text: text == "pong")


async def test_binance_forced_orders_are_one_per_symbol_and_second_and_a_second_late(world):
    """Of a symbol's orders within a second only one comes, at the second's end, as one object a message."""
    async with connect(world.urls["BINANCE_WS_URL"] + "/market/stream?streams=!forceOrder@arr") as socket:
        await world.advance(30_000)
        frames = await binance_frames(socket)
    assert {frame["stream"] for frame in frames} == {"!forceOrder@arr"}
    rows = [frame["data"] for frame in frames]
    assert all(0 <= row["E"] - row["o"]["T"] <= 1020 for row in rows)
    per_second = Counter((row["o"]["s"], row["E"] // 1000) for row in rows)
    assert max(per_second.values()) <= 2
    for symbol in {row["o"]["s"] for row in rows}:
        sent = sorted(row["E"] for row in rows if row["o"]["s"] == symbol)
        assert all(later - earlier >= 1000 for earlier, later in pairwise(sent))
    families = {row["o"]["s"] == COIN_MARGINED: row["o"]["st"] for row in rows}
    assert families == {False: 1, True: 2}


async def test_binance_sides_are_of_the_forced_order(world):
    """A liquidated long is a SELL below whose fill lies the limit."""
    async with connect(world.urls["BINANCE_WS_URL"] + "/market/ws/!forceOrder@arr") as socket:
        await world.advance(20_000)
        orders = [frame["o"] for frame in await binance_frames(socket)]
    assert {order["S"] for order in orders} == {"SELL", "BUY"}
    for order in orders:
        assert (Decimal(order["p"]) < Decimal(order["ap"])) == (order["S"] == "SELL")
        assert Decimal(order["l"]) <= Decimal(order["z"]) == Decimal(order["q"])


async def test_binance_trade_numbers_have_no_hole_and_a_foreign_symbol_works(world):
    """Trade ids are contiguous per symbol; a name that is not ASCII is subscribed by its UTF-8 name."""
    url = world.urls["BINANCE_WS_URL"] + "/market/stream?streams=btcusdt@aggTrade/%E7%89%9B%E6%9D%A5usdt@aggTrade"
    async with connect(url) as socket:
        await world.advance(30_000)
        frames = await binance_frames(socket)
    numbers = [frame["data"]["a"] for frame in frames if frame["stream"] == "btcusdt@aggTrade"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) > 50
    assert "牛来USDT" in {frame["data"]["s"] for frame in frames}


async def test_binance_unsubscribe_ends_a_stream_and_the_list_is_true(world):
    """After UNSUBSCRIBE nothing more comes; LIST_SUBSCRIPTIONS tells what is left."""
    async with connect(world.urls["BINANCE_WS_URL"] + "/market/ws/btcusdt@aggTrade/ethusdt@aggTrade") as socket:
        await socket.send('{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}')
        assert json.loads(await socket.recv()) == {"result": None, "id": 1}
        await world.advance(3_000)
        assert {frame["s"] for frame in await binance_frames(socket)} == {"ETHUSDT"}
        await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":2}')
        assert json.loads(await socket.recv()) == {"result": ["ethusdt@aggTrade"], "id": 2}


async def test_bybit_pushes_liquidations_in_half_seconds_with_the_positions_side(world):
    """S=Buy is a long that was closed: its price, the bankruptcy price, lies below the market."""
    topics = ["allLiquidation.BTCUSDT", "tickers.BTCUSDT", "publicTrade.BTCUSDT"]
    async with connect(world.urls["BYBIT_WS_URL"] + "/v5/public/linear") as socket:
        await socket.send(json.dumps({"op": "subscribe", "args": topics}))
        await world.advance(30_000)
        ack, snapshot, *frames = await bybit_frames(socket)
    assert ack["success"]
    assert (snapshot["topic"], snapshot["type"]) == ("tickers.BTCUSDT", "snapshot")
    assert {frame["type"] for frame in frames if frame["topic"] == "tickers.BTCUSDT"} == {"delta"}
    forced = [frame for frame in frames if frame["topic"] == "allLiquidation.BTCUSDT"]
    assert forced
    assert all((frame["ts"] - START_MS) % 500 == 0 for frame in forced)
    market = float(snapshot["data"]["markPrice"])
    for frame in frames:
        if frame["topic"] == "tickers.BTCUSDT":
            market = float(frame["data"]["markPrice"])
        for row in frame["data"] if frame in forced else ():
            assert (float(row["p"]) < market) == (row["S"] == "Buy")


async def test_okx_counts_in_contracts(world):
    """Sizes of BTC-USDT-SWAP are contracts of 0.01 BTC; the inverse contract's are of 100 USD."""
    args = [{"channel": "liquidation-orders", "instType": "SWAP"}, {"channel": "trades", "instId": "BTC-USDT-SWAP"}]
    async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public") as socket:
        await socket.send(json.dumps({"op": "subscribe", "args": args}))
        assert json.loads(await socket.recv())["event"] == "subscribe"
        await world.advance(20_000)
        frames = await text_frames(socket)
    pushed = [row["data"][0] for row in frames if row.get("arg", {}).get("channel") == "trades" and "data" in row]
    taken = list(world.venues["okx"].feed.history.trades["BTC-USDT-SWAP"])
    assert [row["tradeId"] for row in pushed] == [row["tradeId"] for row in taken][-len(pushed) :]
    sizes = sorted(float(row["sz"]) * 0.01 * float(row["px"]) for row in pushed)
    assert 100 < sizes[len(sizes) // 2] < 20_000
    orders = [frame["data"][0]["details"][0] for frame in frames if frame.get("arg", {}).get("channel") == "liquidation-orders" and "data" in frame]
    assert {(order["posSide"], order["side"]) for order in orders} <= {("long", "sell"), ("short", "buy")}
    assert len(orders) > 3


async def test_coinglass_tells_both_spellings_and_the_pairs_trades(world):
    """The same rows come under either channel in its own style; trades only above the minimum."""
    channels = ["liquidationOrders", "liquidation_orders", "futures_trades@Binance_BTCUSDT@10000"]
    url = world.urls["COINGLASS_WS_URL"] + "/ws-api?cg-api-key=simulated-standard"
    async with connect(url) as socket:
        await socket.send(json.dumps({"method": "subscribe", "channels": channels}))
        assert await text_frames(socket) == []
        await world.advance(20_000)
        frames = await text_frames(socket)
    rows = {name: [row for frame in frames if frame["channel"] == name for row in frame["data"]] for name in channels}
    old = [(row["exName"], row["symbol"], row["side"], row["time"], round(float(row["volUsd"]), 4)) for row in rows[channels[0]]]
    new = [(row["exchange"], row["symbol"], row["side"], row["time"], row["volume_usd"]) for row in rows[channels[1]]]
    assert old == new
    assert {row[0] for row in old} == {"Binance", "Bybit", "OKX"}
    assert any(isinstance(row["volUsd"], str) for row in rows[channels[0]])
    assert rows[channels[2]]
    assert all(row["volume_usd"] >= 10_000 for row in rows[channels[2]])


@pytest.mark.parametrize("cut", [20, 60, 5_000])
async def test_same_seed_sends_the_same_bytes_however_time_passes(cut):
    """The bytes on the wire depend on seed and start only."""
    sent = []
    for step in (cut, 5_000):
        async with World(scenario="storm", seed=3, speed=0, start_ms=START_MS) as world:
            streams = "!forceOrder@arr/btcusdt@aggTrade/ethusdt@markPrice@1s"
            async with connect(world.urls["BINANCE_WS_URL"] + f"/market/stream?streams={streams}") as socket:
                while world.now_ms < 15_000:
                    await world.advance(step)
                sent.append(await binance_frames(socket))
    assert sent[0] == sent[1]
    assert len(sent[0]) > 30
