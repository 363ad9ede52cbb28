"""What the store knows of pictures that are added after the words, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from teleglas.storage import opening
from teleglas.storage.pictures import drop_old_pictures, drop_picture, lacking
from teleglas.storage.records import State
from teleglas.storage.store import FOREVER_MS, open_store
from tests.storage.rows import commit, edit, message, verdict

LEASE = 60_000
PICTURE = '{"title":"größer"}'.encode()


def claim(store, now_ms=10_000, **options):
    """Claim the next row."""
    return store.claim_next(now_ms, lease_ms=LEASE, **options)


def tell(store, row, now_ms=10_000, **values):
    """Confirm what was claimed; by default its picture has been added."""
    fields = {"revision": row.wanted, "message_id": 7, "photo": True, "next_edit_ms": now_ms + 3_000}
    return store.confirm(row.alert_id, now_ms=now_ms, **(fields | values))


@pytest.fixture
def bare(store):
    """Return a store with one message `a` in chat 42 that was told and lacks its picture."""
    store.commit(commit(message("a")))
    row = claim(store)
    assert tell(store, row, photo=False, picture=PICTURE, next_edit_ms=10_000)
    return store


def test_a_message_that_lacks_its_picture_waits_for_it(bare):
    """It is told, and goes again only with its picture, at once when that is drawn."""
    known = bare.alert("a")
    assert (known.state, known.told, known.photo, known.picture) == (State.PENDING, 0, False, PICTURE)
    assert lacking(bare) == [("a", "42")]
    assert bare.stats().waiting == 0
    assert claim(bare, 99_000) is None
    assert claim(bare, 99_000, drawn=["other"]) is None
    row = claim(bare, 10_000, drawn=["a"])
    assert (row.alert_id, row.picture, row.picture_tried) == ("a", PICTURE, False)
    assert lacking(bare) == [("a", "42")], "it lacks it until that is confirmed"


def test_an_added_picture_is_the_end_of_it(bare):
    """Then the message is a photo, edits keep their pace, and a second confirmation changes nothing."""
    row = claim(bare, drawn=["a"])
    assert tell(bare, row)
    assert not tell(bare, row)
    known = bare.alert("a")
    assert (known.state, known.photo, known.picture, known.attempts) == (State.SENT, True, None, 0)
    assert lacking(bare) == []
    bare.commit(commit(edits=[edit("a", 1)]))
    assert claim(bare, 12_999) is None
    assert claim(bare, 13_000).photo


def test_an_edit_goes_with_the_picture(bare):
    """One request tells the newest state and brings the picture."""
    bare.commit(commit(edits=[edit("a", 1), edit("a", 2)]))
    assert claim(bare, 99_000) is None
    row = claim(bare, drawn=["a"])
    assert (row.told, row.wanted, row.content) == (0, 2, b'"a revision 2"')
    tell(bare, row)
    assert bare.alert("a").state is State.SENT


def test_an_edit_behind_a_picture_that_only_followed(bare):
    """A picture that came as an answer changed no words: what is newer is told after it."""
    bare.commit(commit(edits=[edit("a", 1)]))
    row = claim(bare, drawn=["a"])
    assert tell(bare, row, revision=0, photo=False)
    again = claim(bare, 13_000)
    assert (again.wanted, again.told, again.photo, again.picture) == (1, 0, False, None)


def test_sends_go_before_pictures(bare):
    """No picture while a message waits for its chat, nor while that is shut for edits."""
    bare.commit(commit(message("b", rank_ms=99_999)))
    assert claim(bare, drawn=["a"]).alert_id == "b"
    assert claim(bare, drawn=["a"]) is None
    tell(bare, bare.alert("b"))
    assert claim(bare, drawn=["a"], shut_edits=["42"]) is None
    assert claim(bare, drawn=["a"]).alert_id == "a"


def test_a_picture_that_may_have_arrived_is_marked(bare):
    """After a crash, or an answer that never came, its next try knows; its words are no repeat."""
    claim(bare, drawn=["a"])
    bare.release_leases(FOREVER_MS)
    row = claim(bare, drawn=["a"])
    assert (row.picture_tried, row.maybe_sent) == (True, False)
    tell(bare, row)
    assert not bare.alert("a").picture_tried


def test_a_picture_that_waits_is_marked_only_if_it_may_have_arrived(bare):
    """A flood wait is no try that may have arrived; an unknown outcome is."""
    bare.postpone(claim(bare, drawn=["a"]), not_before_ms=20_000, why="flood wait")
    assert claim(bare, 19_999, drawn=["a"]) is None
    row = claim(bare, 20_000, drawn=["a"])
    assert not row.picture_tried
    bare.postpone(row, not_before_ms=20_000, why="no answer", maybe_sent=True)
    assert claim(bare, 20_000, drawn=["a"]).picture_tried


def test_a_picture_given_up_leaves_its_message(bare):
    """Refused or not to be drawn: the words stand, and their edits go on at their pace."""
    assert drop_picture(bare, "a", "x" * 999, next_edit_ms=15_000)
    assert not drop_picture(bare, "a", "again", next_edit_ms=15_000)
    known = bare.alert("a")
    assert (known.state, known.picture, known.why, known.message_id) == (State.SENT, None, "x" * 200, 7)
    bare.commit(commit(edits=[edit("a", 1)]))
    assert claim(bare, 14_999) is None
    assert claim(bare, 15_000).wanted == 1


def test_an_edit_outlives_its_refused_picture(bare):
    """What was claimed together and refused for the picture's sake is told without it."""
    bare.commit(commit(edits=[edit("a", 1)]))
    claim(bare, drawn=["a"])
    assert drop_picture(bare, "a", "refused", next_edit_ms=15_000)
    assert claim(bare, 15_000).wanted == 1


def test_old_pictures_are_given_up_together(bare):
    """Those of messages first told before a time, but for one that is on its way."""
    bare.commit(commit(message("b", target="2"), message("c", target="3")))
    for at_ms in (20_000, 30_000):
        tell(bare, claim(bare, at_ms), at_ms, photo=False, picture=PICTURE)
    assert lacking(bare) == [("a", "42"), ("b", "2"), ("c", "3")]
    claim(bare, 40_000, drawn=["a"])
    assert drop_old_pictures(bare, 25_000, next_edit_ms=40_000) == 1
    assert lacking(bare) == [("a", "42"), ("c", "3")]


@pytest.mark.parametrize("end", ["bury", "suspend", "migrate"])
def test_what_ends_edits_ends_the_picture(bare, end):
    """A message that cannot be edited any more waits for no picture."""
    if end == "bury":
        bare.bury("a", "message to edit not found")
    elif end == "suspend":
        bare.suspend_chat("42", "blocked")
    else:
        bare.migrate_chat("42", "-1007")
    assert lacking(bare) == []
    assert claim(bare, 99_000, drawn=["a"]) is None
    assert bare.alert("a").state is State.SENT


def test_two_requests_of_a_message_count_for_the_rate(bare):
    """After a restart the words and the picture of the last minute are both known."""
    claim(bare, 11_000, drawn=["a"])
    assert bare.tries_since(0) == [("42", 10_000), ("42", 11_000)]
    assert bare.tries_since(10_500) == [("42", 11_000)]


class TestCommitAndClaim:
    """One transaction for the decision and the lease of what goes at once."""

    def test_leases_what_goes_now(self, store):
        """The message comes back leased, and is not claimed again; the rest waits."""
        row = store.commit_and_claim(
            commit(message("late", rank_ms=9), message("a", rank_ms=1), verdicts=[verdict()], position=4),
            10_000, lease_ms=LEASE,
        )  # fmt: skip
        assert (row.alert_id, row.state, row.attempts) == ("a", State.LEASED, 1)
        assert store.load_memory() == (b"memory", 4)
        assert claim(store) is None, "one message of a chat at a time"
        store.release_leases(FOREVER_MS)
        assert claim(store).maybe_sent

    def test_never_an_edit(self, store):
        """Edits have no hurry, and their pace is the loop's."""
        store.commit(commit(message("a")))
        tell(store, claim(store))
        assert store.commit_and_claim(commit(edits=[edit("a", 1)]), 99_000, lease_ms=LEASE) is None
        assert claim(store, 99_000).wanted == 1

    def test_shut_chats_wait(self, store):
        """What may not go is committed all the same."""
        assert store.commit_and_claim(commit(message("a")), 10_000, lease_ms=LEASE, shut={"42"}) is None
        assert claim(store).alert_id == "a"

    def test_all_or_nothing(self, store):
        """A commit that fails leases nothing, not even an older message."""
        store.commit(commit(message("a")))
        with pytest.raises(UnicodeDecodeError):
            store.commit_and_claim(commit(message("b", content=b"\xff")), 10_000, lease_ms=LEASE)
        assert store.alert("a").state is State.PENDING


def test_a_rehearsal_leaves_nothing(store):
    """It may come before the first commit and among waiting messages."""
    store.rehearse()
    assert (store.load_memory(), store.recent_alerts(9), store.verdicts()) == ((None, 0), [], [])
    store.commit(commit(message("a"), position=3))
    store.rehearse()
    assert store.alert("a").state is State.PENDING
    assert (store.load_memory()[1], store.alert("rehearsal")) == (3, None)


def test_the_log_is_emptied_beside_a_writer(store):
    """While another connection writes, nothing waits and nothing is lost."""
    store.commit(commit(message("a")))
    with store.transaction() as connection:
        connection.execute(sa.text("UPDATE outbox SET why = 'written meanwhile'"))
        store.empty_log()
    assert store.alert("a").why == "written meanwhile"


def test_the_last_number_of_a_chat(store):
    """The terminal goes on with it after a restart."""
    assert store.last_message_id("42") == 0
    store.commit(commit(message("a"), message("b", target="2")))
    tell(store, claim(store), message_id=5)
    tell(store, claim(store), message_id=9)
    assert (store.last_message_id("42"), store.last_message_id("2")) == (5, 9)


def test_a_database_of_before_is_taken_over(url, monkeypatch):
    """Messages of a program without late pictures keep their state and wait for none."""
    monkeypatch.setattr(command, "upgrade", _only_to("0003", command.upgrade))
    engine = opening.open_engine(url)
    monkeypatch.undo()
    row = {
        "alert_id": "old", "target": "1", "chat": "1", "tier": 2, "content_type": "alert", "content": "{}",
        "reply_to": "", "state": "sent", "created_ms": 1, "rank_ms": 1, "wanted": 0, "told": 0, "message_id": 7,
        "photo": True, "attempts": 0, "not_before_ms": 0, "sent_ms": 1, "why": "",
    }  # fmt: skip
    with engine.begin() as connection:
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO outbox ({names}) VALUES ({marks})"), row)  # noqa: S608
    engine.dispose()
    store = open_store(url)
    known = store.alert("old")
    assert (known.state, known.photo, known.picture, known.picture_tried) == (State.SENT, True, None, False)
    assert lacking(store) == []
    store.close()


def _only_to(revision, upgrade):
    def upgrade_so_far(config: Config, _revision):
        upgrade(config, revision)

    return upgrade_so_far


def test_a_send_does_not_wait_for_a_picture_in_flight(bare):
    """The upload may be slow; another edit of the chat waits for it."""
    bare.commit(commit(message("b")))
    tell(bare, claim(bare), photo=False, picture=PICTURE)
    assert claim(bare, drawn=["a", "b"]).alert_id == "a"
    assert claim(bare, drawn=["a", "b"]) is None
    bare.commit(commit(message("c")))
    assert claim(bare).alert_id == "c"
