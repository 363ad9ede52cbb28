"""CoinGlass's dialogue: documented frames, the key hidden, refusals with their names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.venues.coinglass import limits
from teleglas.venues.coinglass.stream import CoinglassDialogue
from teleglas.venues.dialogue import Data, Denied, Ignored, Pong, Refused

KEY = "key&with=signs"


def talk():
    """Return the dialogue of the liquidations."""
    return CoinglassDialogue(CoinglassDialogue.plans(KEY)[0])


def test_the_key_is_in_the_url_and_nowhere_else():
    """It is escaped there, and printing a plan does not show it."""
    plans = CoinglassDialogue.plans(KEY, trades=[("Binance", "BTCUSDT", 10_000)])
    assert plans[0].url == "wss://open-ws.coinglass.com/ws-api?cg-api-key=key%26with%3Dsigns"
    assert "key%26" not in repr(plans)
    assert "key%26" not in str([plan.name for plan in plans])


def test_the_documented_frames():
    """`method` and `channels`; both spellings of the liquidations; venue, pair and minimum for trades."""
    liquidations, trades = CoinglassDialogue.plans(KEY, trades=[("OKX", "ETH-USDT-SWAP", 10_000)])
    (frame,) = CoinglassDialogue(liquidations).opening()
    message = json.loads(frame)
    assert message["method"] == "subscribe"
    assert set(message["channels"]) >= {"liquidationOrders", "liquidation_orders"}
    assert message["channels"][0] == liquidations.canary
    assert trades.topics == ("futures_trades@OKX_ETH-USDT-SWAP@10000",)
    many = [("Binance", f"S{number}USDT", 10_000) for number in range(450)]
    plans = CoinglassDialogue.plans(KEY, trades=many, liquidations=False)
    assert len(plans) == 3
    assert max(len(plan.subscribed) for plan in plans) <= limits.CHANNELS_PER_CONNECTION


def test_ping_is_a_bare_word():
    """The documented period is 20 s."""
    assert talk().ping() == "ping"
    assert talk().control(b"pong") == Pong()
    assert CoinglassDialogue.ping_every_s == 20
    assert not CoinglassDialogue.acks


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"code": "401", "msg": "Upgrade plan"}, "plan"),
        ({"code": "403", "msg": "not available for your current API plan."}, "plan"),
        ({"code": "401", "msg": "API key missing."}, "invalid_key"),
        ({"code": "400", "msg": "Invalid API key provided"}, "invalid_key"),
        ({"code": 400, "msg": "what?"}, "bad_request"),
        ({"error": "Unauthorized"}, "invalid_key"),
    ],
)
def test_refusals_have_their_names(frame, reason):
    """401 is told apart by its text, as with REST."""
    event = talk().control(json.dumps(frame).encode())
    assert isinstance(event, Denied)
    assert event.reason == reason


def test_a_refused_channel_is_only_that_channel():
    """A code beside one of our channels concerns that subscription."""
    event = talk().control(b'{"channel":"liquidationOrders","code":"400","msg":"unknown channel"}')
    assert event == Refused(("liquidationOrders",), "400 unknown channel")


def test_statuses():
    """At the handshake 401 is the key and 403 the plan."""
    assert [CoinglassDialogue.refusal(status) for status in (401, 403, 451, 500)] == [
        "invalid_key", "plan", "region_block", None,
    ]  # fmt: skip


def test_data_and_silence():
    """Data has channel and data; an undocumented acknowledgement is ignored."""
    frame = b'{"channel":"liquidationOrders","data":[]}'
    assert CoinglassDialogue.is_data(frame)
    assert frame.startswith(CoinglassDialogue.marks("liquidationOrders"))
    assert talk().control(frame) == Data()
    assert talk().control(b'{"data":[],"channel":"liquidationOrders"}') == Data()
    for other in (b'{"channel":"liquidationOrders"}', b'{"code":0,"msg":"success"}', b"", b"hello", b"[]"):
        assert talk().control(other) == Ignored()


@given(st.binary(max_size=200) | st.sampled_from([b"[" * 100_000, b'{"code":null}', b"{}", b'{"channel":1}']))
def test_any_bytes_are_understood_or_ignored(payload):
    """No frame raises."""
    assert talk().control(payload) is not None
