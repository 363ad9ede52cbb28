"""What the tape is told of what the engine saw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER
from ws_alert.messages import EventRow, FeedNotice, FeedState
from ws_alert.recorder import NOTABLE_CENTS, Recorder

NOW = 1_800_000_000_000 // MINUTE_MS * MINUTE_MS


def _row(at: int, usd: int, side: str = "long") -> EventRow:
    return EventRow("okx", "BTC-USDT-SWAP", side, usd, 97_000.0, at)


@given(st.lists(st.tuples(st.integers(0, 4 * MINUTE_MS), st.integers(1, 10**10), st.sampled_from(["long", "short"]))),
       st.integers(0, 20))  # fmt: skip
def test_bars_are_the_sums_of_their_minute(rows, cut):
    """However the calls of `take` fall, the last figure of each minute and side is the whole sum."""
    recorder, kept = Recorder(), {}
    for index, (at, usd, side) in enumerate(rows):
        recorder.liquidated("BTC", _row(NOW + at, usd, side))
        if index == cut:
            kept |= {(bar.minute_ms, bar.side): (bar.usd, bar.count) for bar in recorder.take(NOW + at).bars}
    kept |= {
        (bar.minute_ms, bar.side): (bar.usd, bar.count) for bar in recorder.take(NOW + 4 * MINUTE_MS).bars
    }
    wanted: dict[tuple[int, str], tuple[int, int]] = {}
    for at, usd, side in rows:
        key = ((NOW + at) // MINUTE_MS * MINUTE_MS, side)
        total, count = wanted.get(key, (0, 0))
        wanted[key] = (total + usd, count + 1)
    assert kept == wanted


def test_only_notable_liquidations_are_events_and_equal_ones_are_told_apart():
    """Small forced orders are only summed; every large taker order is an event."""
    recorder = Recorder()
    recorder.liquidated("BTC", _row(NOW, NOTABLE_CENTS - 1))
    recorder.liquidated("BTC", _row(NOW, NOTABLE_CENTS))
    recorder.liquidated("BTC", _row(NOW, NOTABLE_CENTS))
    recorder.ordered("BTC", _row(NOW, 5, "buy"))
    found = recorder.take(NOW + 1).events
    assert [(event.kind, event.usd, event.nth) for event in found] == [
        (LIQUIDATION, NOTABLE_CENTS, 0), (LIQUIDATION, NOTABLE_CENTS, 1), (ORDER, 5, 0),
    ]  # fmt: skip
    assert recorder.take(NOW + 2).events == ()
    assert recorder.last_event_ms == NOW


def test_coverage_counts_complete_time_only():
    """Live and complete polling count; connecting, down, and polling that loses rows do not."""
    recorder = Recorder()
    steps = [(0, FeedState.CONNECTING, False), (10_000, FeedState.LIVE, True), (40_000, FeedState.POLLING, False),
             (50_000, FeedState.POLLING, True), (70_000, FeedState.DOWN, False)]  # fmt: skip
    for at, state, complete in steps:
        recorder.noticed(FeedNotice("okx", "liquidations", state, NOW + at, "", complete))
    found = {minute.minute_ms - NOW: minute.live_ms for minute in recorder.take(NOW + 120_000).minutes}
    assert found == {0: 40_000, MINUTE_MS: 10_000}


def test_a_minute_goes_on_over_takes():
    """Coverage of a minute grows from take to take, until the minute is over."""
    recorder = Recorder()
    recorder.noticed(FeedNotice("okx", "trades", FeedState.LIVE, NOW))
    assert [m.live_ms for m in recorder.take(NOW + 10_000).minutes] == [10_000]
    assert [m.live_ms for m in recorder.take(NOW + 90_000).minutes] == [60_000, 30_000]


def test_memory_is_bounded_by_minutes():
    """After a quiet while nothing is kept."""
    recorder = Recorder()
    for index in range(100):
        recorder.liquidated(f"C{index}", _row(NOW + index, 10**9))
    recorder.take(NOW)
    recorder.take(NOW + 3_600_000)
    assert not recorder._bars
    assert not recorder._seen
