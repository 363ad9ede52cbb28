"""Paces and delays hold for every sequence, not on average."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from teleglas.venues.dialogue import Pace
from ws_alert.sources.pace import Turnstile, reconnect_delays


@given(
    st.integers(1, 5),
    st.integers(1, 30),
    st.lists(st.integers(0, 20), min_size=1, max_size=60),
)
def test_never_more_than_the_pace(count, per_s, gaps):
    """However the turns are asked for, no window of per_s seconds holds more than count."""
    turnstile, now, at = Turnstile(Pace(count, per_s)), 0, []
    for gap in gaps:
        now += gap
        at.append(now + turnstile.turn(now))
    assert at == sorted(at)
    assert all(later - first >= per_s for first, later in zip(at, at[count:], strict=False))


def test_unhurried_turns_do_not_wait():
    """Below the pace everyone passes at once."""
    turnstile = Turnstile(Pace(3, 1.0))
    assert [turnstile.turn(now) for now in (0.0, 0.0, 0.0, 1.0)] == [0, 0, 0, 0]


def delays_of(seed):
    """Return the delays that a seed gives."""
    return reconnect_delays(random.Random(seed))  # noqa: S311 - a seed, not a secret


@given(st.integers())
def test_a_dead_server_is_left_in_peace(seed):
    """For every draw: at most 10 connects in the first minute, at most 2 in any later minute."""
    delays, at = delays_of(seed), [0.0]
    for _ in range(60):
        at.append(at[-1] + next(delays))
    assert sum(moment < 60 for moment in at) <= 10
    later = [moment for moment in at if moment >= 60]
    for first in later:
        assert sum(first <= moment < first + 60 for moment in later) <= 2


@given(st.integers())
def test_delays_grow_and_stay_bounded(seed):
    """The first is within a second, none above a minute, and two clients do not move in step."""
    delays = [next(step) for step in [delays_of(seed)] for _ in range(20)]
    assert 0 <= delays[0] <= 1
    assert max(delays) <= 60
    assert min(delays[7:]) >= 30
    other = delays_of(seed + 1)
    assert delays != [next(other) for _ in range(20)]
