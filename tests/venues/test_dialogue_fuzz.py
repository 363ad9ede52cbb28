"""No frame makes a dialogue raise: one that did would end its stream."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.bybit.stream import BybitDialogue
from teleglas.venues.coinglass.stream import CoinglassDialogue
from teleglas.venues.dialogue import Dialogue
from teleglas.venues.okx.stream import OkxDialogue

DIALOGUES: dict[str, Dialogue] = {
    "binance": BinanceDialogue(BinanceDialogue.plans(trades=["BTCUSDT"])[-1]),
    "bybit": BybitDialogue(BybitDialogue.plans(trades=["BTCUSDT"])[-1]),
    "okx": OkxDialogue(OkxDialogue.plans(trades=["BTC-USDT-SWAP"])[-1]),
    "coinglass": CoinglassDialogue(CoinglassDialogue.plans("key")[-1]),
}
KEYS = (
    "stream", "e", "id", "error", "result", "code", "msg", "op", "ret_msg", "req_id", "success", "event", "arg",
    "data", "channel", "topic",
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just({}), st.just([1]),
    st.sampled_from(["subscribe", "ping", "pong", "error", "notice", "64008", "60018", "1" * 5000, "٣", "²", {"code": 1}]),
)  # fmt: skip
FRAMES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6).map(
    lambda frame: json.dumps(frame).encode()
)


@st.composite
def _torn(draw: st.DrawFn) -> bytes:
    frame = draw(FRAMES)
    at = draw(st.integers(0, len(frame)))
    return (
        frame[:at]
        + draw(st.sampled_from([b"", b"\xff", b"\x00", b"\xed\xa0\x80"]))
        + frame[at + draw(st.integers(0, 3)) :]
    )


@pytest.mark.parametrize("venue", DIALOGUES)
@given(frame=st.one_of(FRAMES, _torn(), st.binary(max_size=60), st.just(b"[" * 50_000)))
def test_no_frame_raises(venue: str, frame: bytes) -> None:
    """Whatever the server says is an event, at worst one to ignore."""
    dialogue = DIALOGUES[venue]
    dialogue.control(frame)
    dialogue.is_data(frame)
