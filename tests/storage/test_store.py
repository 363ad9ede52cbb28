"""The contract of the store, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from teleglas.storage.records import ALL_CHATS, State
from teleglas.storage.store import FOREVER_MS, Store, open_store
from tests.storage.rows import commit, edit, message, verdict

LEASE = 60_000


def claim(store: Store, now_ms=10_000, **shut):
    """Claim the next row."""
    return store.claim_next(now_ms, lease_ms=LEASE, **shut)


def tell(store: Store, row, *, message_id=7, now_ms=10_000, photo=False):
    """Confirm what was claimed."""
    return store.confirm(
        row.alert_id,
        revision=row.wanted,
        message_id=message_id,
        photo=photo,
        now_ms=now_ms,
        next_edit_ms=now_ms + 3_000,
    )


class TestCommit:
    """Decisions become durable as a whole."""

    def test_memory_and_position_come_back(self, store):
        """The newest memory and journal position are what a restart finds; nothing at first."""
        assert store.load_memory() == (None, 0)
        store.commit(commit(memory=b"\x00first", position=5))
        store.commit(commit(memory=b"\x00second", position=9))
        assert store.load_memory() == (b"\x00second", 9)

    def test_survives_reopening(self, store, url):
        """What was committed is there for the next process."""
        store.commit(commit(message("a"), verdicts=[verdict()], position=3))
        store.close()
        again = open_store(url)
        assert again.load_memory() == (b"memory", 3)
        assert again.verdicts() == [verdict().body]
        assert again.alert("a").state is State.PENDING
        again.close()

    def test_the_same_alert_never_makes_a_second_row(self, store):
        """A batch that is decided again after a crash sends nothing twice."""
        store.commit(commit(message("a"), message("a"), position=1))
        row = claim(store)
        tell(store, row)
        store.commit(commit(message("a", content=b'"other"'), position=2))
        assert claim(store) is None
        assert [found.alert_id for found in store.recent_alerts(10)] == ["a"]
        assert store.load_memory()[1] == 2

    def test_a_failed_commit_leaves_nothing(self, store):
        """Verdicts, messages, memory and position are one transaction."""
        store.commit(commit(position=1))
        with pytest.raises(UnicodeDecodeError):
            store.commit(commit(message("a", content=b"\xff"), verdicts=[verdict()], position=2))
        assert store.load_memory()[1] == 1
        assert store.verdicts() == []
        assert store.stats().by_state == {}

    def test_verdicts_keep_their_order_and_bytes(self, store):
        """Decisions read back byte for byte, in the order they were made."""
        bodies = [f'{{"n":{n}}}'.encode() for n in range(5)]
        store.commit(commit(verdicts=[verdict(body=body) for body in bodies[:3]]))
        store.commit(commit(verdicts=[verdict(body=body, score=71.5, alert_id=None) for body in bodies[3:]]))
        assert store.verdicts() == bodies

    def test_prune_keeps_what_was_sent(self, store):
        """Retention forgets old decisions that told nobody anything, never an alert."""
        old, new = verdict(decided_ms=10, action="drop"), verdict(decided_ms=20, action="drop")
        store.commit(commit(verdicts=[old, verdict(decided_ms=10, body=b"{}"), new]))
        assert store.prune(20) == 1
        assert store.verdicts() == [b"{}", new.body]


class TestClaim:
    """Who is sent next."""

    def test_smaller_rank_first_then_the_older(self, store):
        """Rank decides; equal ranks go in the order of their commit."""
        store.commit(
            commit(
                message("late", target="1", rank_ms=500),
                message("first", target="2", rank_ms=100),
                message("twin", target="3", rank_ms=500),
            )
        )
        assert [claim(store).alert_id for _ in range(3)] == ["first", "late", "twin"]
        assert claim(store) is None

    def test_one_message_of_a_chat_at_a_time(self, store):
        """While a message of a chat is in flight its next one waits, topics included; others do not."""
        store.commit(
            commit(message("a", target="-5:1"), message("b", target="-5:2"), message("c", target="9"))
        )
        first = claim(store)
        assert (first.alert_id, first.chat, first.target) == ("a", "-5", "-5:1")
        assert claim(store).alert_id == "c"
        assert claim(store) is None
        tell(store, first)
        assert claim(store).alert_id == "b"

    def test_shut_chats_are_passed_over(self, store):
        """A chat whose gate is shut does not hold up the others."""
        store.commit(commit(message("a", target="1"), message("b", target="2")))
        assert claim(store, shut=["1"]).alert_id == "b"
        assert claim(store, shut=["1"]) is None
        assert claim(store, shut_edits=["1"]).alert_id == "a"

    def test_edits_wait_for_every_send_of_their_chat(self, store):
        """An edit goes out only when no send waits for its chat, even one that is not due yet."""
        store.commit(commit(message("a", target="1")))
        tell(store, claim(store))
        store.commit(commit(message("b", target="1"), edits=[edit("a", 1)]))
        row = claim(store, 20_000)
        assert row.alert_id == "b"
        store.postpone(row, not_before_ms=50_000, why="later")
        assert claim(store, 30_000) is None
        tell(store, claim(store, 50_000), now_ms=50_000)
        assert claim(store, 50_000).alert_id == "a"

    def test_sends_of_other_chats_go_before_edits(self, store):
        """Among chats too, every send comes before every edit."""
        store.commit(commit(message("a", target="1")))
        tell(store, claim(store))
        store.commit(commit(message("b", target="2", rank_ms=99_999), edits=[edit("a", 1)]))
        assert [claim(store, 20_000).alert_id for _ in range(2)] == ["b", "a"]

    def test_the_edit_told_longest_ago_is_next(self, store):
        """A message that changes all the time cannot starve the edits of the others."""
        store.commit(commit(message("a", target="1"), message("b", target="2")))
        tell(store, claim(store), now_ms=12_000)
        tell(store, claim(store), now_ms=11_000)
        store.commit(commit(edits=[edit("a", 1), edit("b", 1)]))
        assert claim(store, 20_000).alert_id == "b"

    def test_a_reply_knows_the_message_it_replies_to(self, store):
        """The parent's message id is there once the parent was sent, and only in the same chat."""
        store.commit(
            commit(
                message("a", target="1", rank_ms=1),
                message("b", target="1", rank_ms=2, reply_to="a"),
                message("c", target="2", rank_ms=3, reply_to="a"),
            )
        )
        tell(store, claim(store), message_id=77)
        assert claim(store).reply_to_message == 77
        assert claim(store).reply_to_message is None

    def test_next_due_is_the_earliest_wait_or_lease(self, store):
        """The dispatcher may sleep until then."""
        store.commit(commit(message("a", target="1"), message("b", target="2")))
        assert store.next_due_ms(10_000) is None
        first = claim(store, 10_000)
        assert store.next_due_ms(10_000) == 10_000 + LEASE
        store.postpone(first, not_before_ms=40_000, why="later")
        assert store.next_due_ms(10_000) == 40_000


class TestOutcomes:
    """What an answer changes."""

    def test_confirmed_once(self, store):
        """A second confirmation of the same revision changes nothing."""
        store.commit(commit(message("a")))
        row = claim(store)
        assert tell(store, row, message_id=7)
        assert not tell(store, row, message_id=8)
        told = store.alert("a")
        assert (told.state, told.told, told.message_id, told.sent_ms) == (State.SENT, 0, 7, 10_000)

    def test_edits_coalesce(self, store):
        """Of many edits only the newest is told, and older ones that come late are ignored."""
        store.commit(commit(message("a")))
        tell(store, claim(store), photo=True)
        store.commit(commit(edits=[edit("a", 1), edit("a", 3), edit("a", 2)]))
        row = claim(store, 13_000)
        assert (row.wanted, row.told, row.content, row.photo) == (3, 0, b'"a revision 3"', True)
        tell(store, row, message_id=None)
        assert claim(store, 99_000) is None
        assert store.alert("a").message_id == 7

    def test_an_edit_before_the_send_changes_what_is_sent(self, store):
        """The send tells the newest state; there is nothing left to edit."""
        store.commit(commit(message("a"), edits=[edit("a", 1)]))
        row = claim(store)
        assert (row.told, row.wanted, row.content) == (-1, 1, b'"a revision 1"')
        tell(store, row)
        assert claim(store, 99_000) is None

    def test_an_edit_during_the_send_is_told_afterwards(self, store):
        """What becomes wanted while a message is in flight is not lost, and waits its pace."""
        store.commit(commit(message("a")))
        row = claim(store)
        store.commit(commit(edits=[edit("a", 1)]))
        tell(store, row)
        assert claim(store, 12_999) is None
        assert claim(store, 13_000).wanted == 1

    def test_a_message_without_id_cannot_be_edited(self, store):
        """Edits of what the target gave no id for are dropped."""
        store.commit(commit(message("a")))
        tell(store, claim(store), message_id=None)
        store.commit(commit(edits=[edit("a", 1)]))
        assert claim(store, 99_000) is None

    def test_postponed_until_its_time(self, store):
        """A postponed row is not tried before its time, and counts its tries."""
        store.commit(commit(message("a")))
        row = claim(store)
        assert store.postpone(row, not_before_ms=20_000, why="flood wait")
        assert not store.postpone(row, not_before_ms=1, why="again")
        assert claim(store, 19_999) is None
        second = claim(store, 20_000)
        assert (row.attempts, second.attempts, second.maybe_sent, second.why) == (1, 2, False, "flood wait")
        assert not store.postpone(row, not_before_ms=1, why="of the first claim")

    def test_unknown_stays_marked(self, store):
        """After an unknown outcome each later try says that it may be a repeat."""
        store.commit(commit(message("a")))
        store.postpone(claim(store), not_before_ms=20_000, why="timeout", maybe_sent=True)
        row = claim(store, 20_000)
        assert row.maybe_sent
        store.postpone(row, not_before_ms=30_000, why="flood wait")
        assert claim(store, 30_000).maybe_sent

    def test_an_unknown_edit_is_no_possible_repeat(self, store):
        """An edit tried twice shows once, so it is not marked."""
        store.commit(commit(message("a")))
        tell(store, claim(store))
        store.commit(commit(edits=[edit("a", 1)]))
        store.postpone(claim(store, 13_000), not_before_ms=13_000, why="timeout", maybe_sent=True)
        assert not claim(store, 13_000).maybe_sent

    def test_leases_end(self, store):
        """What a dead process held is tried again, marked as a possible repeat."""
        store.commit(commit(message("a")))
        claim(store, 10_000)
        assert store.release_leases(10_000 + LEASE - 1) == 0
        assert claim(store, 10_000 + LEASE) is None
        assert store.release_leases(10_000 + LEASE) == 1
        assert claim(store, 10_000 + LEASE).maybe_sent

    def test_every_lease_ends_at_a_start(self, store):
        """At start no lease is honoured."""
        store.commit(commit(message("a")))
        claim(store)
        assert store.release_leases(FOREVER_MS) == 1

    def test_a_late_confirmation_counts(self, store):
        """A confirmation after the lease ended prevents the repeat."""
        store.commit(commit(message("a")))
        row = claim(store)
        store.release_leases(FOREVER_MS)
        assert tell(store, row)
        assert claim(store, 99_000) is None

    def test_buried_is_never_tried_again(self, store):
        """A refused message stays refused, whatever edits follow."""
        store.commit(commit(message("a")))
        claim(store)
        assert store.bury("a", "x" * 500) == ["a"]
        store.commit(commit(edits=[edit("a", 1)]))
        assert claim(store, 99_000) is None
        assert store.alert("a").state is State.BURIED
        assert store.alert("a").why == "x" * 200

    def test_a_refused_edit_leaves_the_message_sent(self, store):
        """A message deleted by its reader was delivered all the same."""
        store.commit(commit(message("a")))
        tell(store, claim(store))
        store.commit(commit(edits=[edit("a", 1)]))
        claim(store, 13_000)
        assert store.bury("a", "message to edit not found") == []
        store.commit(commit(edits=[edit("a", 2)]))
        assert claim(store, 99_000) is None
        assert store.alert("a").state is State.SENT

    def test_waits_are_shortened_after_a_clock_step(self, store):
        """A wait counted by a clock that was an hour ahead does not hold a message for an hour."""
        store.commit(commit(message("a")))
        store.postpone(claim(store, 3_600_000), not_before_ms=3_660_000, why="timeout")
        store.shorten_waits(60_000)
        assert claim(store, 59_999) is None
        assert claim(store, 60_000).alert_id == "a"


class TestChats:
    """What is known of a chat."""

    def test_suspended(self, store):
        """A suspended chat buries what waits and what comes; others go on; resuming lifts it."""
        store.commit(commit(message("a", target="-5:3"), message("b", target="-5"), message("c", target="9")))
        claim(store, shut=["9"])
        assert store.suspend_chat("-5", "bot was kicked") == ["a", "b"]
        store.commit(commit(message("d", target="-5")))
        assert store.alert("d").state is State.BURIED
        assert store.alert("d").why == "bot was kicked"
        assert store.suspended_chats() == {"-5": "bot was kicked"}
        assert claim(store).alert_id == "c"
        store.resume_chat("-5")
        store.commit(commit(message("e", target="-5")))
        assert claim(store).alert_id == "e"
        assert store.suspended_chats() == {}

    def test_migrated(self, store):
        """All that waits, and all that is decided later, goes to the new chat, with its topic."""
        store.commit(commit(message("sent", target="-5"), position=1))
        tell(store, claim(store))
        store.commit(commit(message("a", target="-5:3"), edits=[edit("sent", 1)]))
        store.postpone(claim(store), not_before_ms=99_000, why="wait")
        store.migrate_chat("-5", "-1005")
        store.commit(commit(message("b", target="-5", reply_to="sent", rank_ms=2_000)))
        first = claim(store)
        assert (first.alert_id, first.target, first.chat) == ("a", "-1005:3", "-1005")
        tell(store, first)
        second = claim(store)
        assert (second.alert_id, second.target, second.reply_to_message) == ("b", "-1005", None)
        tell(store, second)
        assert claim(store, 99_000) is None, "the old chat's message cannot be edited"
        assert store.alert("sent").state is State.SENT

    def test_migrated_twice(self, store):
        """A chain of moves ends at the last chat."""
        store.migrate_chat("-1", "-2")
        store.migrate_chat("-2", "-3")
        store.commit(commit(message("a", target="-1"), message("b", target="-2")))
        assert {store.alert(name).chat for name in "ab"} == {"-3"}

    def test_migrated_there_and_back(self, store):
        """Two moves that cancel out leave no circle."""
        store.migrate_chat("-1", "-2")
        store.migrate_chat("-2", "-1")
        store.commit(commit(message("a", target="-1"), message("b", target="-2")))
        assert {store.alert(name).chat for name in "ab"} == {"-1"}

    def test_holds_are_kept(self, store):
        """A flood wait is remembered, per chat and for all, until it ends."""
        store.hold_chat("7", 5_000)
        store.hold_chat(ALL_CHATS, 4_000)
        store.hold_chat("7", 6_000)
        assert store.holds(3_000) == {"7": 6_000, "*": 4_000}
        assert store.holds(4_000) == {"7": 6_000}

    def test_tries_are_kept(self, store):
        """The rate of the last minute is known after a restart."""
        store.commit(commit(message("a", target="1"), message("b", target="2")))
        claim(store, 10_000)
        claim(store, 11_000)
        assert store.tries_since(0) == [("1", 10_000), ("2", 11_000)]
        assert store.tries_since(10_001) == [("2", 11_000)]


class TestLate:
    """What waited too long."""

    def test_stale_alerts_with_their_targets_digests(self, store):
        """Old waiting alerts come back, and the waiting digests of the same targets, no others."""
        store.commit(
            commit(
                message("old", target="1", created_ms=10),
                message("new", target="1", created_ms=100),
                message("digest", target="1", created_ms=5, content_type="digest"),
                message("elsewhere", target="2", created_ms=5, content_type="digest"),
            )
        )
        assert {row.alert_id for row in store.stale(100)} == {"old", "digest"}
        assert store.stale(10) == []

    def test_a_digest_takes_the_place(self, store):
        """The lines' messages are not sent singly afterwards; one in flight is."""
        store.commit(commit(message("a", rank_ms=1), message("b"), message("c")))
        flying = claim(store)
        store.digest(message("d", content_type="digest"), ["a", "b", "c"])
        assert [store.alert(name).state for name in "abc"] == [State.LEASED, State.DIGESTED, State.DIGESTED]
        tell(store, flying)
        assert claim(store).alert_id == "d"
        store.commit(commit(edits=[edit("b", 1)]))
        assert claim(store, 99_000) is None


def test_stats(store):
    """The queue's depth, its oldest message, and rows by state."""
    assert store.stats().oldest_waiting_ms is None
    store.commit(
        commit(message("a", rank_ms=1), message("b", created_ms=77), message("c"), verdicts=[verdict()])
    )
    tell(store, claim(store))
    claim(store)
    stats = store.stats()
    assert (stats.waiting, stats.oldest_waiting_ms, stats.verdicts) == (2, 77, 1)
    assert stats.by_state == {"leased": 1, "pending": 1, "sent": 1}


def test_recent_alerts_newest_first(store):
    """The newest messages come first, whatever became of them."""
    store.commit(commit(*(message(str(n), created_ms=n, target=str(n)) for n in (3, 1, 2))))
    assert [row.alert_id for row in store.recent_alerts(2)] == ["3", "2"]
    assert store.alert("none") is None
