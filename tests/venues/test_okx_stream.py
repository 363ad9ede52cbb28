"""OKX's dialogue: text pings, verified acknowledgements, permanent errors, the closing notice."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.venues.dialogue import Ack, Again, Data, Ignored, Notice, Pong, Refused
from teleglas.venues.okx import limits
from teleglas.venues.okx.stream import OkxDialogue

LIQUIDATIONS = "liquidation-orders:SWAP"
CANARY = "trades:BTC-USDT-SWAP"


def talk(trades=()):
    """Return a dialogue that has subscribed."""
    plans = OkxDialogue.plans(trades=trades, liquidations=not trades)
    dialogue = OkxDialogue(plans[0])
    dialogue.opening()
    return dialogue


def test_liquidations_of_all_swaps_with_the_canary_beside_them():
    """The subscription is per instrument type; BTC's trades on the same socket prove that it lives."""
    (plan,) = OkxDialogue.plans()
    assert plan.url == "wss://ws.okx.com:8443/ws/v5/public"
    (frame,) = OkxDialogue(plan).opening()
    assert json.loads(frame) == {
        "id": "1",
        "op": "subscribe",
        "args": [
            {"channel": "trades", "instId": "BTC-USDT-SWAP"},
            {"channel": "liquidation-orders", "instType": "SWAP"},
        ],
    }


def test_trades_are_spread():
    """A connection holds a hundred contracts, so that subscribing twice an hour stays within 480."""
    symbols = [f"C{number}-USDT-SWAP" for number in range(305)]
    plans = OkxDialogue.plans(trades=symbols, liquidations=False)
    assert [topic for plan in plans for topic in plan.topics] == sorted(
        f"trades:{symbol}" for symbol in symbols
    )
    assert max(len(plan.subscribed) for plan in plans) <= limits.TOPICS_PER_CONNECTION
    assert limits.TOPICS_PER_CONNECTION * 4 <= limits.SUBSCRIBES_PER_HOUR
    assert all(len(frame) < 65_536 for plan in plans for frame in OkxDialogue(plan).opening())


def test_an_acknowledgement_must_repeat_what_was_asked():
    """The venue widens requests silently: an ack for something else is none."""
    dialogue = talk()
    ack = b'{"event":"subscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"},"connId":"a"}'
    assert dialogue.control(ack) == Ack((LIQUIDATIONS,))
    wider = b'{"event":"subscribe","arg":{"channel":"liquidation-orders","instType":"FUTURES"},"connId":"a"}'
    assert dialogue.control(wider) == Ignored()
    assert dialogue.control(
        b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT-SWAP"}}'
    ) == Ack((CANARY,))


def test_an_expired_contract_is_dropped_for_good():
    """60018 names the arg in its text."""
    dialogue = talk(["OLD-USDT-SWAP", "ETH-USDT-SWAP"])
    error = {"event": "error", "code": "60018", "connId": "a",
             "msg": "Wrong URL or channel:trades,instId:OLD-USDT-SWAP doesn't exist. Please use the correct URL"}  # fmt: skip
    refused = dialogue.control(json.dumps(error).encode())
    assert isinstance(refused, Refused)
    assert refused.topics == ("trades:OLD-USDT-SWAP",)
    assert refused.permanent


def test_an_error_that_names_nothing_halves_its_batch():
    """Our number on the frame is echoed, so the batch is known."""
    dialogue = talk(["ETH-USDT-SWAP"])
    again = dialogue.control(b'{"event":"error","code":"60012","msg":"Illegal request","id":"1"}')
    assert isinstance(again, Again)
    assert len(again.frames) == 2
    assert dialogue.control(b'{"event":"error","code":"60012","msg":"Illegal request","id":"3"}') == Refused(
        ("trades:ETH-USDT-SWAP",), "60012 Illegal request"
    )


@pytest.mark.parametrize("extra", [b"", b',"id":"1"'])
def test_too_frequent_is_not_the_topics_fault(extra):
    """60014 is a pause, not a refusal."""
    event = talk().control(b'{"event":"error","code":"60014","msg":"Requests too frequent"' + extra + b"}")
    assert event == Refused((), "60014 Requests too frequent", permanent=False)


def test_the_closing_notice_asks_for_a_replacement():
    """64008 comes up to a minute before the cut; other notices mean nothing."""
    assert isinstance(talk().control(b'{"event":"notice","code":"64008","msg":"soon"}'), Notice)
    assert talk().control(b'{"event":"notice","code":"1","msg":"hello"}') == Ignored()
    assert talk().control(b'{"event":"channel-conn-count","channel":"trades","connCount":"2"}') == Ignored()


def test_ping_is_a_bare_word():
    """Neither side uses JSON for it, and it is due before the 30 s cut."""
    assert talk().ping() == "ping"
    assert talk().control(b"pong") == Pong()
    assert OkxDialogue.ping_every_s + OkxDialogue.pong_within_s <= 30


def test_data_and_marks():
    """Data frames are known by their first bytes, or by decoding."""
    frame = b'{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{}]}'
    assert OkxDialogue.is_data(frame)
    assert frame.startswith(OkxDialogue.marks(CANARY))
    assert b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},'.startswith(
        OkxDialogue.marks(LIQUIDATIONS)
    )
    assert talk().control(b'{"data":[],"arg":{"channel":"trades"}}') == Data()
    assert OkxDialogue.refusal(451) == "region_block"


@given(st.binary(max_size=200) | st.sampled_from([b"[" * 100_000, b'{"event":5}', b"{}", b"null"]))
def test_any_bytes_are_understood_or_ignored(payload):
    """No frame raises."""
    assert talk().control(payload) is not None
