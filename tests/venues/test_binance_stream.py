"""Binance's dialogue: the routed path, the limits, what its control frames mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.errors import ConfigError
from teleglas.venues.binance import limits
from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.dialogue import Ack, Again, Data, Ignored, Plan, Pong, Refused


def talk(topics=("!forceOrder@arr",), canary="btcusdt@aggTrade"):
    """Return the dialogue of one connection."""
    return BinanceDialogue(Plan("binance", "liquidations", "x", "wss://x", topics, canary))


def test_liquidations_have_their_own_connection_with_a_canary_on_the_same_path():
    """The all-market stream and BTC's trades travel on one routed socket, trades on others."""
    liquidations, trades = BinanceDialogue.plans(trades=["BTCUSDT", "1000PEPEUSDT"])
    assert liquidations.url == trades.url == "wss://fstream.binance.com/market/stream"
    assert liquidations.subscribed == ("btcusdt@aggTrade", "!forceOrder@arr")
    assert trades.topics == trades.subscribed == ("1000pepeusdt@aggTrade", "btcusdt@aggTrade")
    assert (liquidations.family, trades.family) == ("liquidations", "trades")


@pytest.mark.parametrize(
    "url",
    [
        "wss://fstream.binancefuture.com",
        "wss://stream.binancefuture.com/market",
        "wss://evil.example",
        "wss://fstream.binance.com.evil.example",
        "ws://fstream.binance.com",
        "https://fstream.binance.com",
        "fstream.binance.com",
        "",
    ],
)
def test_the_testnet_and_strangers_are_refused(url):
    """The testnet delivers plausible data: only production and this machine are spoken to."""
    with pytest.raises(ConfigError, match="BINANCE_WS_URL"):
        BinanceDialogue.plans(base_url=url)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9", "ws://localhost:9/", "ws://[::1]:9/market/stream"])
def test_this_machine_is_allowed(url):
    """A simulator on loopback needs no TLS; the route is always ours."""
    assert all(plan.url.endswith("/market/stream") for plan in BinanceDialogue.plans(base_url=url))


@given(st.lists(st.text(min_size=1, max_size=20), max_size=700, unique=True))
def test_every_symbol_is_subscribed_once_within_the_limits(symbols):
    """Nothing is lost or doubled, and no connection carries more streams than allowed."""
    plans = BinanceDialogue.plans(trades=symbols, liquidations=False)
    assert [topic for plan in plans for topic in plan.topics] == sorted(
        f"{s.lower()}@aggTrade" for s in symbols
    )
    for plan in plans:
        assert len(plan.subscribed) <= limits.STREAMS_PER_CONNECTION
        frames = [json.loads(frame) for frame in BinanceDialogue(plan).opening()]
        assert tuple(topic for frame in frames for topic in frame["params"]) == plan.subscribed
        assert all(len(frame["params"]) <= limits.STREAMS_PER_FRAME for frame in frames)


def test_limits_stay_within_the_venues():
    """Ten frames a second, 1,024 streams, 24 hours: we stay below each."""
    assert limits.FRAMES_IN.count / limits.FRAMES_IN.per_s < 10
    assert limits.STREAMS_PER_CONNECTION <= 1024
    assert limits.CONNECTION_LIFE_S - limits.ROTATE_AFTER_S >= 1800


def test_acknowledgement_and_probe():
    """An answer names its request by number only; a probe tells what the server forgot."""
    dialogue = talk()
    (frame,) = dialogue.opening()
    assert json.loads(frame)["method"] == "SUBSCRIBE"
    assert dialogue.control(b'{"result":null,"id":1}') == Ack(("btcusdt@aggTrade", "!forceOrder@arr"))
    assert dialogue.control(b'{"result":null,"id":1}') == Ack(())
    probe = json.loads(dialogue.ping())
    assert probe["method"] == "LIST_SUBSCRIPTIONS"
    full = {"result": ["!forceOrder@arr", "btcusdt@aggTrade"], "id": probe["id"]}
    assert dialogue.control(json.dumps(full).encode()) == Pong()
    half = {"result": ["!forceOrder@arr"], "id": probe["id"]}
    assert dialogue.control(json.dumps(half).encode()) == Pong(("btcusdt@aggTrade",))
    assert dialogue.control(b'{"result":null,"id":-1}') == Pong()


def test_a_refused_batch_is_halved_down_to_the_bad_stream():
    """An error names no stream: the halves are tried until one stream alone is refused."""
    dialogue = talk(("a@aggTrade", "b@aggTrade"), "")
    dialogue.opening()
    again = dialogue.control(b'{"error":{"code":2,"msg":"Invalid request"},"id":1}')
    assert isinstance(again, Again)
    assert [json.loads(frame)["params"] for frame in again.frames] == [["a@aggTrade"], ["b@aggTrade"]]
    assert dialogue.control(b'{"error":{"code":2,"msg":"Invalid request"},"id":3}') == Refused(
        ("b@aggTrade",), "2 Invalid request"
    )
    assert dialogue.control(b'{"error":{"code":2,"msg":"x"},"id":99}') == Ignored()


def test_data_is_known_by_its_first_bytes_or_by_decoding():
    """The cheap test takes wrapped frames; others are looked into."""
    wrapped = b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade"}}'
    assert BinanceDialogue.is_data(wrapped)
    assert wrapped.startswith(BinanceDialogue.marks("btcusdt@aggTrade"))
    assert not wrapped.startswith(BinanceDialogue.marks("btcusdt@aggTrade2"))
    raw = b'{"e":"forceOrder","E":1}'
    assert not BinanceDialogue.is_data(raw)
    assert talk().control(raw) == Data()
    assert talk().control(b'{"data":1,"stream":"x"}') == Data()


@given(
    st.binary(max_size=200) | st.sampled_from([b"[" * 100_000, b'{"id":"x"}', b'{"result":5,"id":1}', b"{}"])
)
def test_any_bytes_are_understood_or_ignored(payload):
    """No frame raises."""
    assert talk().control(payload) is not None


def test_refusals():
    """Statuses that mean no are named; others are tried again."""
    assert [BinanceDialogue.refusal(status) for status in (401, 403, 418, 451, 429, 500)] == [
        "invalid_key", "region_block", "banned", "region_block", None, None,
    ]  # fmt: skip
