"""What decisions, answers and age make of a message."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.storage.records import NewEdit
from tests.outbox.alerts import START_MS, alert, decisions, edit, row, send, verdict
from ws_alert.messages import Action, Digest, DigestLine, Kind, Outcome, OutcomeKind, Tier, Verdict
from ws_alert.outbox.outbox import (
    UNKNOWN_WAIT_MS,
    Bare,
    GiveUp,
    Move,
    Told,
    Wait,
    commit_of,
    content_of,
    late_digests,
    step_after,
)
from ws_alert.outbox.priority import rank_ms

NOW = START_MS + 1_000
PRIVATE = row(alert("a"))
GROUP = row(alert("a", target="-7:2"))
BARE = row(alert("a", target="-7"), told=0, wanted=2, message_id=5, picture=b"{}")
SENT_PHOTO = row(alert("a"), told=0, wanted=3, message_id=5, photo=True)


@pytest.mark.parametrize(
    ("tried", "outcome", "step"),
    [
        (PRIVATE, Outcome(OutcomeKind.SENT, message_id=5, photo=True), Told(0, 5, True, NOW + 3_000)),
        (GROUP, Outcome(OutcomeKind.SENT, message_id=5), Told(0, 5, False, NOW + 15_000)),
        (GROUP, Outcome(OutcomeKind.SENT, message_id=5, why="topic gone"),
         Told(0, 5, False, NOW + 15_000, "topic gone")),
        (SENT_PHOTO, Outcome(OutcomeKind.SENT, message_id=5), Told(3, 5, True, NOW + 3_000)),
        (GROUP, Outcome(OutcomeKind.RETRY_AT, wait_ms=7_000, why="flood"),
         Wait(NOW + 7_000, "flood", "-7", NOW + 7_000)),
        (GROUP, Outcome(OutcomeKind.RETRY_AT, wait_ms=7_000, scope="all"),
         Wait(NOW + 7_000, "", "*", NOW + 7_000)),
        (PRIVATE, Outcome(OutcomeKind.RETRY_AT), Wait(NOW + 1_000, "", "42", NOW + 1_000)),
        (PRIVATE, Outcome(OutcomeKind.UNKNOWN, why="timeout"),
         Wait(NOW + UNKNOWN_WAIT_MS, "timeout", "42", maybe_sent=True)),
        (PRIVATE, Outcome(OutcomeKind.UNKNOWN, wait_ms=90_000),
         Wait(NOW + 90_000, "", "42", NOW + 90_000, maybe_sent=True)),
        (SENT_PHOTO, Outcome(OutcomeKind.UNKNOWN), Wait(NOW + 3_000, "", "42", maybe_sent=False)),
        (GROUP, Outcome(OutcomeKind.MIGRATED, migrated_to="-1007"), Move("-1007")),
        (GROUP, Outcome(OutcomeKind.MIGRATED, migrated_to="-7"), GiveUp("refused", False)),
        (GROUP, Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why="kicked"), GiveUp("kicked", True)),
        (BARE, Outcome(OutcomeKind.SENT, message_id=5, photo=True), Told(2, 5, True, NOW + 15_000)),
        (BARE, Outcome(OutcomeKind.SENT, message_id=5), Told(0, 5, False, NOW + 15_000)),
        (BARE, Outcome(OutcomeKind.UNKNOWN), Wait(NOW + 15_000, "", "-7", maybe_sent=True)),
        (BARE, Outcome(OutcomeKind.UNDELIVERABLE, why="odd"), Bare("odd", NOW + 15_000)),
        (BARE, Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why="kicked"), GiveUp("kicked", True)),
    ],
)  # fmt: skip
def test_step_after(tried, outcome, step):
    """Each answer has one consequence."""
    assert step_after(tried, outcome, NOW) == step


def test_words_that_lack_their_picture_are_edited_as_soon_as_it_is_drawn():
    """Only what was sent without it, to a target that can be edited, waits for a picture."""
    told = Outcome(OutcomeKind.SENT, message_id=5)
    assert step_after(GROUP, told, NOW, b"{}") == Told(0, 5, False, NOW, picture=b"{}")
    for tried, outcome in (
        (GROUP, Outcome(OutcomeKind.SENT, message_id=5, photo=True)),
        (GROUP, Outcome(OutcomeKind.SENT)),
        (SENT_PHOTO, told),
    ):
        step = step_after(tried, outcome, NOW, b"{}")
        assert isinstance(step, Told)
        assert step.picture is None
        assert step.next_edit_ms > NOW


def test_sends_and_edits_are_committed_with_their_verdicts():
    """A commit holds every decision, and the messages and edits of those that tell something."""
    dropped = msgspec.structs.replace(verdict(alert("x"), Action.DROP), alert=None, reason="cooldown")
    first = send("a", target="-7:2", tier=Tier.WATCH, reply_to="parent")
    made = commit_of(decisions(first, dropped, edit("a", 1), position=9))
    assert (made.position, made.memory) == (9, b"m")
    assert [(one.action, one.reason, one.alert_id) for one in made.verdicts] == [
        ("send", "first", "a"), ("drop", "cooldown", None), ("edit", "first", "a"),
    ]  # fmt: skip
    (message,) = made.messages
    assert (message.target, message.chat, message.reply_to) == ("-7:2", "-7", "parent")
    assert message.rank_ms == rank_ms(Tier.WATCH, START_MS)
    assert made.edits == (NewEdit("a", 1, msgspec.json.encode(edit("a", 1).alert)),)


def test_a_verdict_reads_back_without_its_alert():
    """The stored decision is the decision; the alert is in the outbox."""
    decided = send("a")
    (stored,) = commit_of(decisions(decided)).verdicts
    assert msgspec.json.decode(stored.body, type=Verdict) == msgspec.structs.replace(decided, alert=None)


def test_a_budget_digest_is_a_message():
    """What the hourly budget held back goes out as one message of its own."""
    line = DigestLine(Kind.WHALE_TRADE, "BTC", "buy", 5, 100)
    digest = Digest("d", "-7", "budget", 5, 5, (line,))
    held = msgspec.structs.replace(verdict(alert("x"), Action.DROP), alert=None, digest=digest)
    made = commit_of(decisions(held))
    (message,) = made.messages
    assert (message.alert_id, message.content_type, message.created_ms) == ("d", "digest", START_MS)
    assert made.verdicts[0].alert_id == "d"
    assert content_of(row(digest)) == digest


def test_late_alerts_become_one_digest_per_target():
    """Old alerts merge with a late digest that still waits; a budget digest stays by itself."""
    late = Digest(
        "l", "1", "late", 3, 3, (DigestLine(Kind.WHALE_TRADE, "ETH", "buy", 3, 100),), simulated=True
    )
    budget = Digest("b", "1", "budget", 1, 1, late.lines)
    rows = [
        row(alert("c", target="1", at_ms=20, tier=Tier.URGENT)),
        row(late),
        row(alert("a", target="1", at_ms=10)),
        row(budget),
        row(alert("z", target="2", at_ms=30)),
    ]
    (one, names), (two, _) = late_digests(rows, NOW)
    digest = msgspec.json.decode(one.content, type=Digest)
    assert sorted(names) == ["a", "c", "l"]
    assert [line.event_ms for line in digest.lines] == [3, 10, 20]
    assert (digest.why, digest.from_ms, digest.to_ms, digest.simulated) == ("late", 3, 20, True)
    assert (one.tier, one.rank_ms) == (Tier.URGENT, rank_ms(Tier.URGENT, NOW))
    assert (two.target, two.tier) == ("2", Tier.INFO)
    assert one.alert_id == digest.digest_id != two.alert_id


def test_a_digest_is_named_by_what_it_tells():
    """Made twice from the same rows, in any order, a digest has the same id."""
    rows = [row(alert(name, target="1")) for name in "ab"]
    ((one, _),) = late_digests(rows, NOW)
    ((two, _),) = late_digests(reversed(rows), NOW + 5)
    assert one.alert_id == two.alert_id
