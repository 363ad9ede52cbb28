"""The rates that Telegram allows, for any sequence of arrivals."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_alert.outbox.gate import (
    BETWEEN_ANY_MS,
    BETWEEN_MS,
    MINUTE_MS,
    PER_MINUTE,
    PER_MINUTE_EDITS,
    Gate,
    chat_of,
    edit_every_ms,
)

CHATS = ("1", "2", "-100", "@news", "terminal")
arrivals = st.lists(
    st.tuples(st.integers(0, 4_000), st.sampled_from(CHATS), st.booleans(), st.integers(0, 90_000)),
    max_size=120,
)


def drive(gate, steps):
    """Send each arrival as early as the gate lets it, with a wait imposed now and then; return what went."""
    now, went, holds = 1_000_000, [], []
    for gap, chat, is_edit, wait in steps:
        now = gate.ready_at(chat, is_edit=is_edit, now_ms=now + gap)
        gate.sent(chat, now, is_edit=is_edit)
        went.append((now, chat, is_edit))
        if wait > 80_000:
            gate.hold(chat, now + wait)
            holds.append((now, chat, now + wait))
    return went, holds


@given(arrivals)
def test_no_sequence_of_arrivals_exceeds_a_limit(steps):
    """The limits hold per chat, per group and minute, and overall.

    Never two messages within a second to one chat, an edit within a second of anything, 21
    requests in a minute to a group, or 26 in a second overall.
    """
    went, holds = drive(Gate(), steps)
    for chat in CHATS[:-1]:
        times = [at for at, to, _ in went if to == chat]
        messages = [at for at, to, is_edit in went if to == chat and not is_edit]
        assert all(later - earlier >= 1_000 for earlier, later in pairwise(messages))
        asked = [(at, is_edit) for at, to, is_edit in went if to == chat]
        assert all(later - earlier >= 1_000 for (earlier, _), (later, edit) in pairwise(asked) if edit)
        if chat.startswith(("-", "@")):
            assert all(b - a > 60_000 for a, b in zip(times, times[PER_MINUTE:], strict=False))
    telegram = [at for at, to, _ in went if to != "terminal"]
    assert all(b - a >= 1_000 for a, b in zip(telegram, telegram[25:], strict=False))
    for said_at, chat, until in holds:
        assert not [at for at, to, _ in went if to == chat and said_at < at < until]


@given(arrivals, st.integers(0, 100_000))
def test_shut_agrees_with_ready_at(steps, later):
    """A chat is shut exactly while it is not ready; the next opening is when that changes."""
    gate = Gate()
    went, _ = drive(gate, steps)
    now = (went[-1][0] if went else 0) + later
    overall = gate.any_ready_at(now)
    opening = gate.next_opening(now)
    for is_edit in (False, True):
        shut = gate.shut(now, is_edit=is_edit)
        for chat in CHATS:
            ready = gate.ready_at(chat, is_edit=is_edit, now_ms=now)
            assert (chat in shut) <= (ready > now)
            assert (ready > max(now, overall)) <= (chat in shut)
            assert ready == now or (opening is not None and now < opening <= ready)


def test_a_group_keeps_room_for_alerts():
    """Edits stop before the minute is used up; alerts go on to the limit."""
    gate = Gate()
    for n in range(PER_MINUTE_EDITS):
        gate.sent("-1", n * BETWEEN_MS)
    now = PER_MINUTE_EDITS * BETWEEN_MS
    assert gate.ready_at("-1", is_edit=False, now_ms=now) == now
    assert gate.ready_at("-1", is_edit=True, now_ms=now) == MINUTE_MS
    for n in range(PER_MINUTE_EDITS, PER_MINUTE):
        gate.sent("-1", n * BETWEEN_MS)
    assert gate.ready_at("-1", is_edit=False, now_ms=PER_MINUTE * BETWEEN_MS) == MINUTE_MS


def test_private_chats_have_no_minute():
    """A private chat gets one message a second for as long as it takes."""
    gate = Gate()
    for n in range(100):
        assert gate.ready_at("5", is_edit=False, now_ms=n * BETWEEN_MS) == n * BETWEEN_MS
        gate.sent("5", n * BETWEEN_MS)


def test_a_message_need_not_keep_its_distance_from_an_edit():
    """No alert waits because a picture has just been added; the edit itself kept its distance."""
    gate = Gate()
    gate.sent("5", 0)
    gate.sent("5", BETWEEN_MS, is_edit=True)
    soon = BETWEEN_MS + BETWEEN_ANY_MS
    assert gate.ready_at("5", is_edit=False, now_ms=soon) == soon
    assert gate.ready_at("5", is_edit=True, now_ms=soon) == 2 * BETWEEN_MS
    gate.sent("5", soon)
    assert gate.ready_at("5", is_edit=False, now_ms=soon) == soon + BETWEEN_MS


def test_one_chat_does_not_shut_another():
    """Apart from the overall spacing, chats do not wait for each other."""
    gate = Gate()
    gate.sent("1", 0)
    gate.hold("1", 90_000)
    assert gate.ready_at("2", is_edit=False, now_ms=0) == BETWEEN_ANY_MS
    assert gate.shut(BETWEEN_ANY_MS, is_edit=False) == {"1"}


def test_a_wait_for_all_shuts_everything():
    """A flood wait of the whole bot holds every chat, and the longer of two waits stands."""
    gate = Gate()
    gate.hold("*", 9_000)
    gate.hold("*", 5_000)
    assert gate.ready_at("1", is_edit=False, now_ms=0) == 9_000
    assert gate.next_opening(0) == 9_000
    assert gate.shut(0, is_edit=False) == set()


def test_the_terminal_never_waits():
    """What is not a Telegram chat has no rate and costs none."""
    gate = Gate()
    gate.sent("terminal", 0)
    assert gate.ready_at("terminal", is_edit=True, now_ms=0) == 0


def test_a_restart_does_not_forget():
    """What an earlier process sent and was told counts; times of a clock that was ahead count as now."""
    gate = Gate()
    gate.restore([("1", 500), ("2", 99_999)], {"3": 50_000}, now_ms=1_000)
    assert gate.ready_at("1", is_edit=False, now_ms=1_200) == 500 + BETWEEN_MS
    assert gate.ready_at("2", is_edit=False, now_ms=1_000) == 1_000 + BETWEEN_MS
    assert gate.ready_at("3", is_edit=False, now_ms=1_000) == 50_000


def test_looking_ahead_forgets_nothing():
    """Which chats stay shut for some time is asked without counting that time as passed."""
    gate = Gate()
    for n in range(PER_MINUTE):
        gate.sent("-7", n)
    gate.sent("1", 0)
    gate.hold("2", 5_000)
    assert gate.shut_for(2_000, 0) == {"-7", "2"}
    assert gate.shut_for(MINUTE_MS * 2, 0) == set()
    assert gate.shut(2_000, is_edit=False) == {"-7", "2"}


def test_memory_is_bounded():
    """Chats that were quiet for a minute are forgotten, and so is one that moved."""
    gate = Gate()
    for n in range(1_000):
        gate.sent(str(n), 0)
        gate.hold(str(n), 10)
    assert gate.next_opening(0) == BETWEEN_ANY_MS
    gate.shut(MINUTE_MS, is_edit=False)
    assert gate.next_opening(MINUTE_MS) is None
    gate.sent("7", MINUTE_MS)
    gate.forget("7")
    assert gate.shut(MINUTE_MS, is_edit=False) == set()


@pytest.mark.parametrize(
    ("target", "chat", "edit_ms"),
    [("5", "5", 3_000), ("-1001:44", "-1001", 15_000), ("@news", "@news", 15_000)],
)
def test_targets(target, chat, edit_ms):
    """A topic belongs to its chat; edits pace by the kind of chat."""
    assert chat_of(target) == chat
    assert edit_every_ms(chat) == edit_ms
