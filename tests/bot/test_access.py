"""Who may ask, and how fast."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Access
from teleglas.telegram.pace import Pace


@pytest.mark.parametrize(
    ("allowed", "admin", "user", "chat", "permitted"),
    [
        ((), None, 5, 5, True),
        (("*",), None, 5, 5, True),
        (("7", "*"), None, 5, 5, True),
        (("7",), None, 5, 5, False),
        (("7",), None, 7, -100, True),
        (("-100",), None, 5, -100, True),
        (("7",), 9, 9, 9, True),
        (("7",), 9, 9, -100, True),
        (("7",), 9, 5, 9, True),
        (("7",), None, None, -100, False),
        ((), None, None, -100, True),
    ],
)
def test_who_may_ask(allowed, admin, user, chat, permitted):
    """A list denies everyone who is not on it; the admin may always ask; `*` opens it."""
    assert Access(allowed, admin).permits(user, chat) is permitted


def test_a_burst_and_then_the_pace():
    """A person may ask some questions at once, then one each time the pace allows; others are not held up."""
    pace = Pace(per_minute=20, burst=3)
    assert [pace.take(1, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert pace.take(1, 0.0) == pytest.approx(3.0)
    assert pace.take(2, 0.0) == 0.0
    assert pace.take(1, 2.9) > 0
    assert pace.take(1, 3.1) == 0.0


@given(st.lists(st.floats(0, 5), min_size=1, max_size=80))
def test_never_faster_than_the_pace(gaps):
    """Over any time no more is allowed than the burst and what was refilled."""
    pace, now, allowed = Pace(per_minute=60, burst=4), 0.0, 0
    for gap in gaps:
        now += gap
        allowed += pace.take(1, now) == 0.0
        assert allowed <= 4 + now + 1e-6


def test_memory_of_people_is_bounded():
    """A crowd does not fill the memory."""
    pace = Pace(per_minute=20, burst=3)
    for person in range(20_000):
        pace.take(person, 0.0)
    assert len(pace._left) <= 10_000
