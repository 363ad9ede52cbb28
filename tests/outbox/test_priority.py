"""The order of the queue."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ws_alert.messages import Tier
from ws_alert.outbox.priority import HEAD_START_MS, rank_ms


def test_urgent_overtakes_watch_overtakes_info():
    """Made at the same time, the more urgent goes first."""
    assert rank_ms(Tier.URGENT, 5) < rank_ms(Tier.WATCH, 5) < rank_ms(Tier.INFO, 5)


def test_an_old_info_overtakes_a_new_urgent():
    """Nothing waits for ever: after the head start has passed, the older message goes first."""
    head_start = HEAD_START_MS[Tier.URGENT]
    assert rank_ms(Tier.INFO, 0) < rank_ms(Tier.URGENT, head_start + 1)
    assert rank_ms(Tier.INFO, 0) > rank_ms(Tier.URGENT, head_start - 1)


@given(st.sampled_from(Tier), st.integers(0, 10**13), st.integers(1, 10**6))
def test_first_in_first_out_within_a_tier(tier, created_ms, later):
    """Of one tier the older message goes first."""
    assert rank_ms(tier, created_ms) < rank_ms(tier, created_ms + later)
