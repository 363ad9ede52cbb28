"""The shared budget: no minute ever holds more calls than the key allows, whoever makes them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.storage import api_budget
from teleglas.storage.store import open_store

KEY = api_budget.key_hash("canary-key")
START = 1_790_000_000_000
MINUTE = 60_000


def calls_in_any_minute(times):
    """Return the largest number of times within 60 s."""
    ordered = sorted(times)
    return max((sum(start <= at < start + MINUTE for at in ordered) for start in ordered), default=0)


def test_a_fresh_key_has_the_smallest_plan(store):
    """Until an answer told the limit, 29 calls a minute are made and the 30th waits for the first to age."""
    turns = [api_budget.take_call(store, KEY, START + number) for number in range(30)]
    assert [turn.wait_ms for turn in turns[:29]] == [0] * 29
    assert turns[29].wait_ms > MINUTE
    assert api_budget.take_call(store, KEY, START + 29 + turns[29].wait_ms).wait_ms == 0


def test_the_learned_limit_is_for_everyone(store, url):
    """What one process learned from an answer, the other process paces by; another key has its own."""
    api_budget.learn_limit(store, KEY, START, per_minute=80, used=1)
    other = open_store(url)
    assert api_budget.budget(other, KEY, START).per_minute == 80
    taken = [api_budget.take_call(which, KEY, START).wait_ms for _ in range(40) for which in (store, other)]
    assert sum(wait == 0 for wait in taken) == 76 - 1  # one was used before
    assert api_budget.take_call(other, api_budget.key_hash("another"), START).wait_ms == 0
    other.close()


def test_strangers_calls_count(store):
    """Calls of the key that we did not make leave less for us, for a minute."""
    api_budget.learn_limit(store, KEY, START, per_minute=80, used=70)
    taken = [api_budget.take_call(store, KEY, START + 500).wait_ms for _ in range(10)]
    assert [wait == 0 for wait in taken] == [True] * 6 + [False] * 4
    assert api_budget.take_call(store, KEY, START + 63_000).wait_ms == 0


def test_our_own_calls_are_no_strangers(store):
    """A service that counts what we counted changes nothing."""
    for _ in range(5):
        api_budget.take_call(store, KEY, START)
    api_budget.learn_limit(store, KEY, START, per_minute=80, used=5)
    assert api_budget.budget(store, KEY, START).used == 5


def test_quiet_is_for_everyone_and_never_shortened(store, url):
    """After a 429 no process calls; a shorter quiet does not end a longer one."""
    api_budget.hush(store, KEY, START + 30_000)
    api_budget.hush(store, KEY, START + 10_000)
    other = open_store(url)
    assert api_budget.take_call(other, KEY, START).wait_ms == 30_000
    assert api_budget.take_call(other, KEY, START + 30_000).wait_ms == 0
    other.close()


def test_a_clock_that_was_set_back_does_not_block(store):
    """Calls counted a day ahead are forgotten instead of blocking for a day."""
    for _ in range(29):
        api_budget.take_call(store, KEY, START + 86_400_000)
    api_budget.hush(store, KEY, START + 30 * 86_400_000)
    assert api_budget.take_call(store, KEY, START).wait_ms == 0


def test_divided_among_processes_that_do_not_see_each_other(store):
    """With two processes apart, each keeps to half."""
    taken = [api_budget.take_call(store, KEY, START, processes=2).wait_ms for _ in range(20)]
    assert sum(wait == 0 for wait in taken) == 29 // 2


@pytest.fixture(scope="module")
def memory():
    """Return a store in memory for many examples, each with a key of its own."""
    store = open_store("sqlite://")
    yield store
    store.close()


@settings(max_examples=25, deadline=None)
@given(pauses=st.lists(st.integers(0, 4000), min_size=40, max_size=90), per_minute=st.sampled_from([5, 20]))
def test_no_sliding_minute_exceeds_the_limit(memory, pauses, per_minute):
    """Whatever the pauses between the wishes, no 60 s hold more calls than the limit."""
    key = api_budget.key_hash(f"{per_minute} {pauses}")
    api_budget.learn_limit(memory, key, START, per_minute=per_minute, used=0)
    now, made = START, []
    for pause in pauses:
        now += pause
        if api_budget.take_call(memory, key, now).wait_ms == 0:
            made.append(now)
    assert made
    assert calls_in_any_minute(made) < per_minute


def test_two_threads_with_stores_of_their_own(url):
    """Two stores that take turns at the same moment never take the same turn."""
    first = open_store(url)
    api_budget.learn_limit(first, KEY, START, per_minute=80, used=0)

    def take(_):
        own = open_store(url)
        taken = sum(api_budget.take_call(own, KEY, START).wait_ms == 0 for _ in range(50))
        own.close()
        return taken

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(take, range(2))) == 76
    first.close()


def test_two_processes_on_one_file(tmp_path):
    """Two processes on one SQLite file stay below 80 together, and use what they may."""
    url = f"sqlite:///{tmp_path}/a.db"
    store = open_store(url)
    api_budget.learn_limit(store, KEY, START, per_minute=80, used=0)
    store.close()
    program = (
        "import sys; from teleglas.storage import api_budget; from teleglas.storage.store import open_store;"
        "store = open_store(sys.argv[1]);"
        f"print(sum(api_budget.take_call(store, {KEY!r}, {START}).wait_ms == 0 for _ in range(60)))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE)  # noqa: S603 - our program
        for _ in range(2)
    ]
    taken = [int(process.communicate(timeout=60)[0]) for process in running]
    assert sum(taken) == 76


def test_the_key_is_not_stored(store, url):
    """The database knows a hash only."""
    api_budget.take_call(store, KEY, START)
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_limits").fetchall()
    assert len(rows) == 1
    assert "canary-key" not in str(rows)


@pytest.mark.parametrize("per_minute", [30, 80, 300, 1200])
def test_a_little_is_left_for_people(store, per_minute):
    """We stay below every plan's limit, but use most of it."""
    api_budget.learn_limit(store, KEY, START, per_minute=per_minute, used=0)
    limit = api_budget._allowed(per_minute)
    assert per_minute * 0.9 < limit < per_minute
