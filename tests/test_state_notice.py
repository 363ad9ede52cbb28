"""What flaps is told seldom, and what is told is true."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ws_alert.state_notice import BETWEEN_MS, StateNotice


def test_a_change_is_told_once_and_flapping_seldom():
    """At once when it breaks; of what follows within minutes only what is left of it."""
    notice = StateNotice()
    assert not notice.is_due(broken=False, now_ms=0)
    assert notice.is_due(broken=True, now_ms=1_000)
    seconds = range(2_000, 1_000 + BETWEEN_MS, 1_000)
    assert not any(notice.is_due(broken=at % 2_000 == 0, now_ms=at) for at in seconds)
    assert not notice.is_due(broken=True, now_ms=1_000 + BETWEEN_MS)
    assert notice.is_due(broken=False, now_ms=2_000 + BETWEEN_MS)
    assert not notice.is_due(broken=True, now_ms=3_000 + BETWEEN_MS)


@given(st.lists(st.tuples(st.integers(0, BETWEEN_MS), st.booleans()), max_size=60))
def test_whatever_happens_the_last_state_becomes_known(looks):
    """No two notices within five minutes, each a change, and in the end the reader knows how it is."""
    notice, now, told = StateNotice(), 0, [(-BETWEEN_MS, False)]
    broken = False
    for gap, broken in looks:
        now += gap
        if notice.is_due(broken=broken, now_ms=now):
            told.append((now, broken))
    if notice.is_due(broken=broken, now_ms=now + BETWEEN_MS):
        told.append((now + BETWEEN_MS, broken))
    assert told[-1][1] is broken
    assert all(later[1] is not earlier[1] for earlier, later in pairwise(told))
    assert all(later[0] - earlier[0] >= BETWEEN_MS for earlier, later in pairwise(told))
