"""Bybit's dialogue: a topic per symbol, batches of ten, one bad topic found by halving."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.errors import ConfigError
from teleglas.venues.bybit import limits
from teleglas.venues.bybit.stream import BybitDialogue
from teleglas.venues.dialogue import Ack, Again, Data, Ignored, Pong, Refused

SYMBOLS = st.lists(st.text("ABCDEFGHIJ0123456789", min_size=4, max_size=30), max_size=1200, unique=True)


def test_liquidations_and_trades_travel_apart():
    """Liquidations cannot be fetched again, so trades never share their socket; each has the canary."""
    liquidations, trades = BybitDialogue.plans(trades=["BTCUSDT"], liquidations=["ETHUSDT"])
    assert liquidations.subscribed == ("publicTrade.BTCUSDT", "allLiquidation.ETHUSDT")
    assert trades.subscribed == ("publicTrade.BTCUSDT",)
    assert trades.url == "wss://stream.bybit.com/v5/public/linear"
    assert BybitDialogue.plans(trades=["A"], base_url=trades.url)[0].url == trades.url


@given(SYMBOLS)
def test_the_args_of_a_connection_stay_within_21000_characters(symbols):
    """Whatever the symbols, all are subscribed, ten per frame, and no connection exceeds the limit."""
    plans = BybitDialogue.plans(liquidations=symbols)
    assert [topic for plan in plans for topic in plan.topics] == sorted(
        f"allLiquidation.{s}" for s in symbols
    )
    for plan in plans:
        assert len(json.dumps(plan.subscribed, separators=(",", ":"))) <= limits.ARGS_CHARS_PER_CONNECTION
        frames = [json.loads(frame) for frame in BybitDialogue(plan).opening()]
        assert tuple(topic for frame in frames for topic in frame["args"]) == plan.subscribed
        assert max(len(frame["args"]) for frame in frames) <= limits.TOPICS_PER_FRAME


@given(st.sets(st.integers(0, 29), max_size=6))
def test_halving_finds_exactly_the_bad_topics(bad):
    """Against a server that fails a whole batch for one bad topic, the good ones all get through."""
    symbols = [f"S{number}USDT" for number in range(30)]
    rotten = {f"publicTrade.S{number}USDT" for number in bad}
    (plan,) = BybitDialogue.plans(trades=symbols)
    dialogue = BybitDialogue(plan)
    frames, accepted, refused = dialogue.opening(), set(), set()
    for count, frame in enumerate(frames):
        assert count < 200
        request = json.loads(frame)
        fails = rotten & set(request["args"])
        reply = {
            "success": not fails,
            "ret_msg": "handler not found",
            "req_id": request["req_id"],
            "op": "subscribe",
        }
        match dialogue.control(json.dumps(reply).encode()):
            case Ack(topics):
                accepted.update(topics)
            case Again(more):
                frames.extend(more)
            case Refused(topics, _, permanent):
                assert permanent
                refused.update(topics)
    assert refused == rotten
    assert accepted == set(plan.subscribed) - rotten


def test_pongs_come_in_two_shapes():
    """Linear answers a ping with op `ping`, options with op `pong`."""
    dialogue = BybitDialogue(BybitDialogue.plans(trades=["A"])[0])
    assert json.loads(dialogue.ping()) == {"op": "ping"}
    assert dialogue.control(b'{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}') == Pong()
    assert dialogue.control(b'{"op":"pong","args":["1"]}') == Pong()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"pong",
        b"[]",
        b'{"op":"subscribe","success":true}',
        b'{"op":"subscribe","req_id":"x"}',
        b'{"op":"auth"}',
    ],
)
def test_what_answers_nothing_is_ignored(payload):
    """Frames without our number change nothing."""
    assert BybitDialogue(BybitDialogue.plans(trades=["A"])[0]).control(payload) == Ignored()


def test_data_and_marks():
    """Frames of a topic are known by their first bytes, or by decoding."""
    frame = b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","data":[]}'
    assert BybitDialogue.is_data(frame)
    assert frame.startswith(BybitDialogue.marks("publicTrade.BTCUSDT"))
    late = b'{"type":"snapshot","topic":"publicTrade.BTCUSDT"}'
    assert not BybitDialogue.is_data(late)
    assert BybitDialogue(BybitDialogue.plans(trades=["A"])[0]).control(late) == Data()
    assert BybitDialogue.refusal(403) == "region_block"


def test_an_unencrypted_address_is_refused():
    """ws:// is for this machine."""
    with pytest.raises(ConfigError, match="BYBIT_WS_URL"):
        BybitDialogue.plans(trades=["A"], base_url="ws://stream.bybit.com")
