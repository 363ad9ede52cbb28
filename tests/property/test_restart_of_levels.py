"""A restart between any two polls changes nothing about extreme funding and diverging open interest."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import START_MS, Feed, engine, restarted
from ws_alert.messages import RecordKind, Verdict

MINUTE = 60_000

# Of one minute: Binance's funding, and what Binance and Bybit hold in BTC.
_polls = st.lists(
    st.tuples(
        st.sampled_from(["0.0001", "0.0008", "0.001", "0.002", "-0.0005", "-0.001", "-0.004"]),
        st.sampled_from([1_000, 1_015, 1_030, 1_060]),
        st.sampled_from([1_000, 995, 990, 980]),
        st.sampled_from([1, 1, 1, 2, 4]),
    ),
    min_size=16,
    max_size=32,
)


def _feed_minute(feed: Feed, minute: int, poll: tuple[str, int, int, int]) -> None:
    rate, binance, bybit, _ = poll
    at = minute * MINUTE
    infos = [record for record in feed.records if record.source == "binance:fundingInfo:*"]
    if not infos or START_MS + at - infos[-1].received_ms >= 5 * MINUTE:  # as the poll does
        feed.body(at, "binance:fundingInfo:*", b"[]")
    rows = [{"symbol": "BTCUSDT", "markPrice": "100000", "lastFundingRate": rate, "time": START_MS + at}]
    feed.body(at + 1, "binance:premiumIndex:*", json.dumps(rows).encode())
    held = {"symbol": "BTCUSDT", "openInterest": f"{binance}", "time": START_MS + at}
    feed.body(at + 2, "binance:openInterest:*", json.dumps(held).encode())
    ticker = {"symbol": "BTCUSDT", "fundingRate": "", "singleOpenInterestValue": f"{bybit}00000"}
    body = {"retCode": 0, "result": {"list": [ticker]}, "time": START_MS + at}
    feed.body(at + 3, "bybit:tickers:*", json.dumps(body).encode())


def _told(verdicts: list[Verdict]) -> list[tuple]:
    return [
        (one.action, one.reason, one.kind, one.direction, one.event_ms, one.episode_ms, one.usd)
        for one in verdicts
    ]


def _lived(polls, crash: int | None) -> tuple[list[tuple], list]:
    """Return what was decided and found in a life, interrupted before the record `crash` if it is given."""
    feed, minute = Feed(), 0
    feed.engine.remember(feed.shelf.stored())
    phases: list = []
    for number, poll in enumerate(polls):
        if number == crash:
            phases += feed.engine.phases
            feed.engine = restarted(feed, len(feed.records), engine())
        # venues may be silent for some minutes
        minute += poll[3]
        feed.note(minute * MINUTE - 1, RecordKind.TICK, b"")
        _feed_minute(feed, minute, poll)
    feed.note((minute + 40) * MINUTE, RecordKind.TICK, b"")
    return _told(feed.verdicts), phases + feed.engine.phases


@settings(max_examples=60, deadline=None)
@given(polls=_polls, data=st.data())
def test_a_restart_changes_no_level(polls, data) -> None:
    """Rates, half an hour of open interest, open episodes: all come back."""
    crash = data.draw(st.integers(1, len(polls) - 1))
    assert _lived(polls, crash) == _lived(polls, None)
