"""The real outbox against a plain model, for any sequence of things that happen to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from teleglas.storage.pictures import drop_picture
from teleglas.storage.records import StoredRow
from teleglas.storage.store import FOREVER_MS, Store, open_store
from teleglas.storage.tables import metadata
from tests.outbox.alerts import START_MS, decisions, decoded, edit, send
from ws_alert.messages import Tier
from ws_alert.outbox.outbox import commit_of
from ws_alert.outbox.priority import rank_ms

LEASE_MS = 60_000
EDIT_MS = 3_000


@dataclass
class Message:
    """A message in the model."""

    target: str
    rank_ms: int
    order: int
    wanted: int = 0
    told: int = -1
    state: str = "pending"
    due_ms: int = 0
    lease_until_ms: int = 0
    maybe_sent: bool = False
    lacks: bool = False
    tried: bool = False
    confirmed: list[int] = field(default_factory=list)


class Outbox(RuleBasedStateMachine):
    """Rules are what may happen; after each, the store must look like the model."""

    store: Store

    @initialize()
    def empty(self):
        """Start with empty tables."""
        with self.store.transaction() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        self.now = START_MS
        self.model: dict[str, Message] = {}
        self.claims: list[StoredRow] = []

    @rule(chat=st.sampled_from("12"), tier=st.sampled_from([Tier.INFO, Tier.WATCH, Tier.URGENT]))
    def enqueue(self, chat, tier):
        """Decide to send a new alert."""
        name = f"alert {len(self.model)}"
        self.model[name] = Message(chat, rank_ms(tier, self.now), len(self.model))
        self.store.commit(commit_of(decisions(send(name, target=chat, tier=tier, at_ms=self.now))))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), step=st.sampled_from([-1, 0, 1, 1, 2]))
    def edit(self, data, step):
        """Decide on an edit, or commit an older one again, as after a crash."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        message = self.model[name]
        revision = max(1, message.wanted + step)
        self.store.commit(commit_of(decisions(edit(name, revision, target=message.target))))
        if message.state != "buried" and revision > message.wanted:
            message.wanted = revision
            message.state = "pending" if message.state == "sent" else message.state

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def decide_again(self, data):
        """Commit a known alert once more."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        self.store.commit(commit_of(decisions(send(name, target=self.model[name].target))))

    @rule(drawn=st.booleans())
    def claim(self, drawn):
        """Claim: the model foresees which message, and with what content."""
        self._claim(drawn=drawn)

    def _claim(self, *, drawn):
        names = sorted(self.model) if drawn else ()
        row = self.store.claim_next(self.now, lease_ms=LEASE_MS, drawn=names)
        expected = self._next(drawn=drawn)
        assert (row and row.alert_id) == expected
        if row is None:
            return None
        message = self.model[row.alert_id]
        assert (row.told, row.wanted, row.maybe_sent) == (message.told, message.wanted, message.maybe_sent)
        assert decoded(row.content).revision == message.wanted
        assert (row.picture is not None, row.picture_tried) == (message.lacks, message.tried)
        message.state, message.lease_until_ms = "leased", self.now + LEASE_MS
        self.claims.append(row)
        return row

    @rule(drawn=st.booleans(), lacks=st.booleans())
    def deliver(self, drawn, lacks):
        """Claim and confirm, as on most days: the words first, then the picture that they lack."""
        row = self._claim(drawn=drawn)
        if row is not None:
            self._confirm(row, lacks=lacks and row.told < 0)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), lacks=st.booleans())
    def confirm(self, data, lacks):
        """Confirm a claim, be it current, late, or for the second time."""
        row = data.draw(st.sampled_from(self.claims))
        self._confirm(row, lacks=lacks and row.told < 0)

    def _confirm(self, row, *, lacks):
        message = self.model[row.alert_id]
        added = message.lacks and not lacks and row.wanted == message.told
        counts = (row.wanted > message.told or added) and message.state in {"leased", "pending"}
        assert counts == self.store.confirm(
            row.alert_id,
            revision=row.wanted,
            message_id=7,
            photo=False,
            now_ms=self.now,
            next_edit_ms=self.now + EDIT_MS,
            picture=b"{}" if lacks else None,
        )
        if counts:
            if not added:
                message.confirmed.append(row.wanted)
            message.told, message.rank_ms, message.due_ms = row.wanted, self.now, self.now + EDIT_MS
            message.lacks, message.tried = lacks, False
            message.state = "pending" if lacks or message.wanted > message.told else "sent"

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop_picture(self, data):
        """Give up a picture: drawn in vain, or refused."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        message = self.model[name]
        assert message.lacks == drop_picture(self.store, name, "refused", next_edit_ms=self.now + EDIT_MS)
        if message.lacks:
            message.lacks = message.tried = False
            message.state = "pending" if message.wanted > message.told else "sent"
            message.due_ms = self.now + EDIT_MS

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), unknown=st.booleans(), wait_ms=st.sampled_from([0, 1, 5_000]))
    def postpone(self, data, unknown, wait_ms):
        """Give a claim back; one that is no longer current changes nothing."""
        row = data.draw(st.sampled_from(self.claims))
        message = self.model[row.alert_id]
        newest = [claim for claim in self.claims if claim.alert_id == row.alert_id][-1]
        counts = message.state == "leased" and row is newest and message.told == row.told
        assert counts == self.store.postpone(
            row, not_before_ms=self.now + wait_ms, why="later", maybe_sent=unknown
        )
        if counts:
            message.state, message.due_ms = "pending", self.now + wait_ms
            message.maybe_sent |= unknown and message.told < 0
            message.tried |= unknown and message.lacks

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def bury(self, data):
        """Refuse a claimed message for good."""
        row = data.draw(st.sampled_from(self.claims))
        message = self.model[row.alert_id]
        if message.state == "leased" and message.told < 0:
            assert self.store.bury(row.alert_id, "refused") == [row.alert_id]
            message.state = "buried"

    @rule()
    def crash(self):
        """Kill the process and start it again: claims are forgotten, leases end."""
        self.store.release_leases(FOREVER_MS)
        self.claims.clear()
        self._free(FOREVER_MS)

    @rule(ms=st.sampled_from([1, EDIT_MS, EDIT_MS, LEASE_MS]))
    def tick(self, ms):
        """Let time pass; leases that ran out end."""
        self.now += ms
        self.store.release_leases(self.now)
        self._free(self.now)

    @rule(ms=st.integers(1, 3_600_000))
    def clock_is_set_back(self, ms):
        """Restart with a clock that was set back: no wait becomes longer than a minute."""
        self.crash()
        self.now -= ms
        self.store.shorten_waits(self.now + 60_000)
        for message in self.model.values():
            message.due_ms = min(message.due_ms, self.now + 60_000)

    @invariant()
    def looks_like_the_model(self):
        """Nothing is lost, nothing is told twice, no edit comes before its send."""
        rows = {row.alert_id: row for row in self.store.recent_alerts(1_000)}
        assert rows.keys() == self.model.keys()
        for name, message in self.model.items():
            row = rows[name]
            assert (row.state, row.wanted, row.told) == (message.state, message.wanted, message.told), name
            assert row.maybe_sent == message.maybe_sent
            assert (row.picture is not None) == message.lacks
            assert not message.lacks or message.state in {"pending", "leased"}, "nobody would add it"
            assert message.confirmed == sorted(set(message.confirmed))

    def teardown(self):
        """Left alone, the outbox empties: every message that was not refused is told, in its newest state."""
        if not hasattr(self, "model"):
            return
        self.crash()
        for _ in range(2 * len(self.model) + 2):
            self.now += 100_000
            while (row := self._left()) is not None:
                self.claims.append(row)
                assert self.store.confirm(
                    row.alert_id, revision=row.wanted, message_id=7, photo=False, now_ms=self.now,
                    next_edit_ms=self.now,
                )  # fmt: skip
        for name, message in self.model.items():
            row = self.store.alert(name)
            assert message.state == "buried" or row.told == row.wanted == message.wanted
            assert row.picture is None

    def _left(self):
        return self.store.claim_next(self.now, lease_ms=LEASE_MS, drawn=sorted(self.model))

    def _next(self, *, drawn):
        waiting = [(name, one) for name, one in self.model.items() if one.state == "pending"]
        flying = [one for one in self.model.values() if one.state == "leased"]
        busy, sending = {one.target for one in flying}, {one.target for one in flying if one.told < 0}
        sends = {one.target for _, one in waiting if one.told < 0}
        ready = [
            (one.told >= 0, one.rank_ms, one.order, name)
            for name, one in waiting
            if one.due_ms <= self.now
            and one.target not in sending
            and (one.told < 0 or (one.target not in sends | busy and (drawn or not one.lacks)))
        ]
        return min(ready)[-1] if ready else None

    def _free(self, ended_by_ms):
        for message in self.model.values():
            if message.state == "leased" and message.lease_until_ms <= ended_by_ms:
                message.state = "pending"
                message.maybe_sent |= message.told < 0
                message.tried |= message.lacks


@pytest.fixture(scope="module")
def memory():
    """Return one store in memory for all examples: migrating it anew each time would take the time."""
    store = open_store("sqlite://")
    yield store
    store.close()


def test_outbox_equals_the_model(memory):
    """Any sequence of decisions, claims, answers, crashes and clock steps leaves what the model says."""
    machine = type("Machine", (Outbox,), {"store": memory})
    case = machine.TestCase()
    case.settings = settings(
        max_examples=60,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[
            Phase.reuse,
            Phase.generate,
        ],  # shrinking such long stories takes minutes and tells little more
        report_multiple_bugs=False,
    )
    case.runTest()
