"""Running sums of a window against a scan of all its events, in any order of arrival."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ws_alert.messages import EventRow
from ws_alert.windows.event_window import LATEST_ARRIVAL_MS, EventWindow, largest

W = 30_000

_arrivals = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 50, 900, 10_000, 29_999, 30_000, 30_001]),
        st.sampled_from([0, 0, 0, 1, 700, 29_999, 30_000, 30_001, 60_000]),
        st.integers(1, 10**12),
        st.sampled_from("abc"),
    ),
    max_size=120,
)


def _row(at_ms: int, usd: int, venue: str) -> EventRow:
    return EventRow(venue, "BTCUSDT", "long", usd, 1.0, at_ms)


@settings(max_examples=300, deadline=None)
@given(arrivals=_arrivals, repeat=st.sampled_from([1, 1, 5]))
def test_running_sums_equal_a_scan(arrivals, repeat) -> None:
    """USD, count, venues, events and looks back equal (H - w, H] counted anew, whatever came late."""
    window, seen, newest = EventWindow(W), [], 100_000
    for step, late, usd, venue in arrivals * repeat:
        newest += step
        row = _row(newest - late, usd, venue)
        seen.append(row)
        inside = [one for one in seen if newest - W < one.event_ms <= newest]
        assert window.add(row, newest) == (row in inside)
        if usd % 3 == 0:
            window.trim(newest)  # at any time: it changes nothing that anybody asks for
        assert (window.usd, window.count) == (sum(one.usd for one in inside), len(inside))
        venues = {name: sum(one.usd for one in inside if one.venue == name) for name in "abc"}
        assert window.venues == {name: usd for name, usd in venues.items() if usd}
        assert window.inside() == sorted(inside, key=lambda one: one.event_ms)
        after = newest - 2 * W + 1
        assert window.since(after) == sorted(
            (o for o in seen if o.event_ms > after), key=lambda one: one.event_ms
        )


def test_a_long_day_keeps_only_what_can_still_count() -> None:
    """Ten thousand events later the window remembers one window and one latest arrival, no more."""
    window = EventWindow(W)
    for second in range(10_000):
        window.add(_row(second * 1000, 1, "a"), second * 1000)
    assert window.count == 30
    assert len(window.since(0)) <= (W + LATEST_ARRIVAL_MS) // 1000 + 256
    window.trim(9_999_000)
    assert len(window.since(0)) == (W + LATEST_ARRIVAL_MS) // 1000


def test_advancing_empties_a_window() -> None:
    """Time alone takes events out, exactly one window after they happened."""
    window = EventWindow(W)
    window.add(_row(1000, 5, "a"), 1000)
    window.advance(30_999)
    assert (window.usd, window.venues) == (5, {"a": 5})
    window.advance(31_000)
    assert (window.usd, window.count, window.venues) == (0, 0, {})


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), max_size=20))
def test_largest_orders_by_usd_then_age(pairs) -> None:
    """The five largest events, the earlier one first among equals."""
    rows = [_row(at_ms, usd, "a") for usd, at_ms in pairs]
    assert list(largest(rows)) == sorted(rows, key=lambda row: (-row.usd, row.event_ms))[:5]
