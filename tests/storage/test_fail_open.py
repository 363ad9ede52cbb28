"""When the database cannot be used: alerts go on from memory, and come home afterwards."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from teleglas.storage import fail_open
from teleglas.storage.fail_open import FailOpen
from teleglas.storage.outcomes import open_outcomes
from teleglas.storage.records import State
from teleglas.storage.store import Store, StoreUnavailable, open_store
from tests.storage.rows import commit, edit, message, outcome, verdict


class Seconds:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now


@pytest.fixture
def seconds():
    """Return a clock at zero."""
    return Seconds()


@pytest.fixture
def home(tmp_path):
    """Return a real database file."""
    store = open_store(f"sqlite:///{tmp_path}/a.db")
    yield store
    store.close()


@contextmanager
def broken(store, *pragmas):
    """Make every write of this store fail, as a full or read-only disk does; reads go on."""

    def spoil(connection, _record, _proxy):
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(store.engine, "checkout", spoil)
    yield
    sa.event.remove(store.engine, "checkout", spoil)
    store.engine.dispose()


READ_ONLY = "query_only=ON"
FULL = "max_page_count=1"
BIG = b'"' + b"x" * 100_000 + b'"'


def tell(stores, row, message_id=7):
    """Confirm what was claimed."""
    return stores.apply(
        Store.confirm, row.alert_id, revision=row.wanted, message_id=message_id, photo=False, now_ms=5, next_edit_ms=0
    )  # fmt: skip


def claim(stores):
    """Claim the next row."""
    return stores.apply(Store.claim_next, 10_000, lease_ms=60_000)


@pytest.mark.parametrize("fault", [READ_ONLY, FULL])
def test_a_database_that_takes_nothing_raises(home, fault):
    """Each cause is one StoreUnavailable with one line, and nothing of the verb happened."""
    with broken(home, fault), pytest.raises(StoreUnavailable, match=r"readonly|full") as refusal:
        home.commit(commit(message("a", content=BIG)))
    assert "\n" not in str(refusal.value)
    assert home.load_memory() == (None, 0)


@pytest.mark.parametrize("fault", [READ_ONLY, FULL])
def test_alerts_go_on_from_memory_and_come_home(home, seconds, fault):
    """What waited and what is new is delivered meanwhile; afterwards the database knows all of it."""
    stores = FailOpen(home, seconds)
    sent_before = message("before", target="1")
    stores.apply(Store.commit, commit(sent_before, message("waiting", target="2"), position=1))
    tell(stores, claim(stores), message_id=70)
    with broken(home, fault):
        news = commit(
            message("new", target="3", content=BIG),
            edits=[edit("before", 1)],
            verdicts=[verdict()],
            memory=b"newer",
            position=2,
        )
        stores.apply(Store.commit, news)
        assert "readonly" in stores.degraded or "full" in stores.degraded
        names = []
        while row := claim(stores):
            names.append((row.alert_id, row.wanted, row.message_id))
            tell(stores, row)
        stores.apply(Store.commit, commit(message("unsent", target="4"), position=3))
        seconds.now += 60
        assert stores.apply(Store.load_memory) == (b"memory", 3)
        assert stores.degraded, "still broken, so still in memory"
    assert names == [("waiting", 0, None), ("new", 0, None), ("before", 1, 70)]
    seconds.now += 60
    assert claim(stores).alert_id == "unsent"
    assert stores.degraded is None
    assert home.load_memory() == (b"memory", 3)
    assert home.verdicts() == [verdict().body]
    states = {row.alert_id: (row.state, row.told) for row in home.recent_alerts(9)}
    assert states == {
        "before": (State.SENT, 1),
        "waiting": (State.SENT, 0),
        "new": (State.SENT, 0),
        "unsent": (State.LEASED, -1),
    }


def test_a_send_in_flight_when_the_disk_fills_is_confirmed_once(home, seconds):
    """A claim made in the database can be confirmed in memory, and the database learns of it."""
    stores = FailOpen(home, seconds)
    stores.apply(Store.commit, commit(message("a")))
    row = claim(stores)
    with broken(home, READ_ONLY):
        assert tell(stores, row)
        assert not tell(stores, row)
        assert claim(stores) is None
    stores.close()
    again = open_store(str(home.engine.url))
    assert (again.alert("a").state, again.alert("a").message_id) == (State.SENT, 7)
    again.close()


def test_holds_and_suspensions_hold_in_memory_too(home, seconds):
    """What is known of chats goes along, both ways."""
    stores = FailOpen(home, seconds)
    stores.apply(Store.suspend_chat, "1", "blocked")
    with broken(home, READ_ONLY):
        stores.apply(Store.hold_chat, "2", 9_000)
        stores.apply(Store.commit, commit(message("a", target="1")))
        assert claim(stores) is None
    stores.close()
    again = open_store(str(home.engine.url))
    assert again.holds(0) == {"2": 9_000}
    assert again.alert("a").why == "blocked"
    again.close()


def test_a_damaged_database_that_cannot_be_read(tmp_path, seconds):
    """Alerts go on even if what waited cannot be read; the reason says so."""
    path = tmp_path / "a.db"
    home = open_store(f"sqlite:///{path}")
    stores = FailOpen(home, seconds)
    home.engine.dispose()
    for name in ("a.db-wal", "a.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    path.write_bytes(b"damaged by a disk" * 1_000)
    stores.apply(Store.commit, commit(message("a")))
    assert claim(stores).alert_id == "a"
    assert "cannot be read either" in stores.degraded
    seconds.now += 60
    assert claim(stores) is None
    assert stores.degraded
    stores.close()


def test_memory_is_bounded(home, seconds, monkeypatch):
    """Beyond its bound the memory refuses, in the open; what it holds is still delivered."""
    monkeypatch.setattr(fail_open, "_SPARE_PAGES", 60)
    stores = FailOpen(home, seconds)
    with broken(home, READ_ONLY):
        stores.apply(Store.commit, commit(message("a")))
        with pytest.raises(StoreUnavailable, match="full"):
            stores.apply(Store.commit, commit(*(message(str(n), content=BIG) for n in range(9))))
        assert claim(stores).alert_id == "a"


def test_outcomes_that_began_in_memory_come_home(home, seconds):
    """An alert of a bad time is measured like any other, and one that was begun before stays one."""
    stores = FailOpen(home, seconds)
    stores.apply(Store.commit, commit(message("a"), outcomes=[outcome()]))
    with broken(home, READ_ONLY):
        stores.apply(Store.commit, commit(message("b"), outcomes=[outcome(), outcome(episode_ms=5_000)]))
        assert stores.degraded
    seconds.now += 60
    stores.apply(Store.load_memory)
    assert stores.degraded is None
    assert [each.event_ms for each in open_outcomes(home, 9)] == [999, 999]
