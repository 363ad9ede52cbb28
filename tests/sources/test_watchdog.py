"""Connected is not healthy; quiet is not dead."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ws_alert.sources.watchdog import ACKNOWLEDGE_WITHIN_S, SILENT_AFTER_S, Watchdog


def dog() -> Watchdog:
    """Return the watchdog of a connection made at 100 s."""
    return Watchdog(100.0, pong_within_s=5.0)


def test_a_new_connection_has_time_to_begin():
    """Before the limit nothing is wrong; after it, a connection that never delivered is silent."""
    watchdog = dog()
    assert watchdog.trouble(100 + SILENT_AFTER_S) is None
    assert watchdog.trouble(100 + SILENT_AFTER_S + 0.1) == "silent: nothing at all for 10 s"


def test_bytes_without_data_are_silence_of_another_kind():
    """Pings and acknowledgements do not make a feed healthy, but the reason tells them apart."""
    watchdog = dog()
    watchdog.heard(110)
    watchdog.ponged(110)
    assert watchdog.trouble(111) == "silent: no market data for 11 s"


@given(st.lists(st.integers(1, int(SILENT_AFTER_S)), max_size=50))
def test_a_ticking_canary_is_never_alarming(gaps):
    """Whatever the rhythm below the limit, and however long no event comes, there is no alarm."""
    watchdog, now = dog(), 100.0
    for gap in gaps:
        now += gap
        assert watchdog.trouble(now) is None
        watchdog.data(now)
    assert watchdog.last_event is None
    assert watchdog.healthy_s() == (now - watchdog.first_data if gaps else 0)


def test_the_oldest_unanswered_ping_counts():
    """Later pings do not extend the limit; a pong clears it."""
    watchdog = dog()
    watchdog.pinged(100)
    watchdog.data(104)
    watchdog.pinged(104)
    assert watchdog.trouble(105) is None
    assert watchdog.trouble(105.5) == "no pong within 5 s"
    watchdog.ponged(105.5)
    assert watchdog.last_pong == 105.5
    assert watchdog.trouble(113) is None


def test_an_acknowledgement_is_due():
    """Data on one topic does not hide that another was never acknowledged."""
    watchdog = dog()
    watchdog.subscribing(100)
    watchdog.data(109)
    assert watchdog.trouble(100 + ACKNOWLEDGE_WITHIN_S) is None
    assert "not acknowledged" in (watchdog.trouble(100.1 + ACKNOWLEDGE_WITHIN_S) or "")
    watchdog.acknowledged()
    assert watchdog.trouble(100.1 + ACKNOWLEDGE_WITHIN_S) is None


def test_our_own_standstill_is_not_the_servers_fault():
    """While the engine takes nothing no clock runs; afterwards each starts anew."""
    watchdog = dog()
    watchdog.pinged(100)
    watchdog.subscribing(100)
    watchdog.blocked()
    assert watchdog.trouble(500) is None
    watchdog.unblocked(500)
    assert watchdog.trouble(504) is None
    assert watchdog.trouble(506) == "no pong within 5 s"
    watchdog.ponged(506)
    watchdog.acknowledged()
    assert watchdog.trouble(500 + SILENT_AFTER_S + 1) is not None


def test_the_clocks_are_separate():
    """Each clock tells its own last time."""
    watchdog = dog()
    watchdog.heard(101)
    watchdog.data(102)
    watchdog.delivered(103)
    watchdog.ponged(104)
    assert (watchdog.last_bytes, watchdog.last_canary, watchdog.last_event, watchdog.last_pong) == (
        101,
        102,
        103,
        104,
    )
