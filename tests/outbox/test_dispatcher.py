"""The delivery loop, from committed decisions to the reader's phone, in a test's own time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import msgspec
import sqlalchemy as sa

from teleglas.storage.records import State
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from tests.outbox.alerts import START_MS, decisions, edit, send
from tests.outbox.conftest import Delivery
from ws_alert.messages import Outcome, OutcomeKind, Tier
from ws_alert.outbox import dispatcher as dispatcher_module
from ws_alert.outbox.outbox import STALE_MS, UNKNOWN_WAIT_MS, commit_of

FLOOD = Outcome(OutcomeKind.RETRY_AT, wait_ms=30_000, why="Telegram's flood limit")
LABEL = "may repeat"


async def test_a_committed_alert_arrives_and_is_confirmed(delivery):
    """From commit to confirmation, with the target's message id."""
    await delivery.commit(send("a"))
    await delivery.idle()
    assert delivery.phone.times() == [0]
    stored = await delivery.alert("a")
    assert (stored.state, stored.message_id) == (State.SENT, 1)
    counts = delivery.dispatcher.deliveries()
    assert (counts.sent, counts.in_flight, counts.last_success_ms, counts.delays_ms) == (1, 0, START_MS, (0,))


async def test_urgent_first(delivery):
    """Of what waits for one chat the most urgent goes first, then the older."""
    delivery.phone.answers["42"].append(Outcome(OutcomeKind.RETRY_AT, wait_ms=1_000))
    await delivery.commit(send("x"))
    await delivery.idle()
    tiers = {"i": Tier.INFO, "w": Tier.WATCH, "u": Tier.URGENT, "v": Tier.URGENT}
    await delivery.commit(*(send(name, tier=tier, asset=name) for name, tier in tiers.items()))
    await delivery.advance(10_000)
    assert [html[3] for *_, html in delivery.phone.got[1:]] == ["u", "v", "w", "B", "i"]


async def test_a_private_chat_gets_one_a_second(delivery):
    """Bursts are spread, and nothing is lost."""
    await delivery.commit(*(send(f"a{n}") for n in range(5)))
    await delivery.advance(10_000)
    times = delivery.phone.times()
    assert len(times) == 5
    assert all(1_000 <= later - earlier <= 1_100 for earlier, later in pairwise(times))


async def test_a_group_gets_twenty_a_minute(delivery):
    """The twenty-first message of a minute waits for the next one."""
    await delivery.commit(*(send(f"a{n}", target="-7") for n in range(25)))
    await delivery.advance(100_000)
    times = delivery.phone.times()
    assert len(times) == 25
    assert all(b - a > 60_000 for a, b in zip(times, times[20:], strict=False))


async def test_a_flood_wait_holds_its_chat_only(delivery):
    """Nothing goes to a chat before its flood wait ends; the others go on; one request per wait."""
    delivery.phone.answers["1"].extend([FLOOD, FLOOD])
    await delivery.commit(send("a", target="1"), send("b", target="1"), send("c", target="2"))
    await delivery.advance(59_999)
    assert delivery.phone.times(target="1") == [0, 30_000]
    assert len(delivery.phone.times(target="2")) == 1
    await delivery.advance(3_000)
    assert delivery.phone.times(target="1") == [0, 30_000, 60_000, 61_050]
    assert not any(LABEL in html for *_, html in delivery.phone.got)


async def test_a_wait_for_all_holds_everything(delivery):
    """A wait that concerns the bot stops every chat, and the admin hears of it once."""
    wait = Outcome(OutcomeKind.RETRY_AT, wait_ms=5_000, scope="all", why="token rejected")
    delivery.phone.answers["1"].extend([wait, wait])
    await delivery.commit(send("a", target="1"))
    await delivery.idle()
    await delivery.commit(send("b", target="2"))
    await delivery.advance(4_999)
    assert len(delivery.phone.got) == 1
    await delivery.advance(10_000)
    assert {to for _, _, to, _ in delivery.phone.got} == {"1", "2"}
    assert delivery.told_admin == ["all deliveries wait: token rejected"]


async def test_a_flood_wait_survives_a_restart(delivery, start):
    """A restarted process leaves the chat alone until the wait ends."""
    delivery.phone.answers["1"].append(FLOOD)
    await delivery.commit(send("a", target="1"))
    await delivery.idle()
    delivery.dispatcher.stop()
    await delivery.running
    async with start() as again:
        await again.advance(29_999)
        assert again.phone.got == []
        await again.advance(1)
        assert again.phone.times() == [30_000]


async def test_an_unknown_outcome_is_retried_with_a_label(delivery):
    """What may have been sent is sent again after a minute, and says that it may be a repeat."""
    delivery.phone.answers["42"].extend([Outcome(OutcomeKind.UNKNOWN, why="timeout"), OSError("reset")])
    await delivery.commit(send("a"))
    await delivery.advance(2 * UNKNOWN_WAIT_MS)
    assert delivery.phone.times() == [0, UNKNOWN_WAIT_MS, 2 * UNKNOWN_WAIT_MS]
    assert [LABEL in html for *_, html in delivery.phone.got] == [False, True, True]
    assert delivery.dispatcher.deliveries().unknown == 2
    await delivery.commit(edit("a", 1))
    await delivery.advance(3_000)
    assert LABEL in delivery.phone.got[-1][3], "an edit does not take the label away"


async def test_a_hanging_call_has_an_unknown_outcome(delivery, monkeypatch):
    """A call without end is cut off well before its lease ends."""
    assert dispatcher_module.CALL_LIMIT_S * 1000 < dispatcher_module.LEASE_MS
    monkeypatch.setattr(dispatcher_module, "CALL_LIMIT_S", 0.01)
    delivery.phone.blocked["42"] = asyncio.Event()
    await delivery.commit(send("a"))
    await delivery.phone.arrived.wait()
    delivery.phone.blocked.clear()
    await delivery.idle()
    stored = await delivery.alert("a")
    assert (stored.state, stored.maybe_sent) == (State.PENDING, True)


async def test_a_hanging_chat_delays_no_other(delivery):
    """While one target does not answer, the others get their alerts."""
    delivery.phone.blocked["1"] = asyncio.Event()
    await delivery.commit(send("a", target="1"), send("b", target="1"))
    await delivery.commit(*(send(f"c{n}", target=str(n)) for n in range(2, 8)))
    await delivery.advance(1_000)
    assert {to for _, _, to, _ in delivery.phone.got} == {str(n) for n in range(1, 8)}
    assert delivery.phone.times(target="1") == [0]
    delivery.phone.blocked["1"].set()
    await delivery.advance(2_000)
    assert len(delivery.phone.times(target="1")) == 2


async def test_edits_coalesce_and_keep_their_pace(delivery):
    """Of ten edits in a second one is made, three seconds after the send, then the next after three more."""
    await delivery.commit(send("a"))
    for revision in range(1, 11):
        await delivery.commit(edit("a", revision))
        await delivery.advance(100)
    await delivery.advance(3_000)
    await delivery.commit(edit("a", 11))
    await delivery.advance(20_000)
    assert delivery.phone.times("edit") == [3_000, 6_000]
    assert delivery.phone.details[1] == {"message_id": 1, "has_photo": False, "photo": None}
    assert (await delivery.alert("a")).told == 11


async def test_no_edit_while_a_send_waits(delivery):
    """An edit waits until the sends of its chat are out."""
    await delivery.commit(send("a", target="-7"))
    await delivery.advance(20_000)
    await delivery.commit(edit("a", 1, target="-7"), *(send(f"b{n}", target="-7") for n in range(3)))
    await delivery.advance(10_000)
    assert [what for _, what, _, _ in delivery.phone.got] == ["send"] * 4 + ["edit"]


async def test_growth_replies_to_its_message(delivery):
    """The second message of an episode replies to the first."""
    await delivery.commit(send("a"))
    await delivery.advance(2_000)
    await delivery.commit(send("b", reply_to="a", tier=Tier.WATCH))
    await delivery.idle()
    assert [(one["reply_to"], one["silent"]) for one in delivery.phone.details] == [(None, True), (1, False)]


async def test_a_refused_target_is_suspended(delivery):
    """One try, the admin told once, the policy told of each alert, the others unaffected."""
    gone = Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why="bot was blocked by the user")
    delivery.phone.answers["1"].append(gone)
    await delivery.commit(send("a", target="1"), send("b", target="1"), send("c", target="2"))
    await delivery.advance(5_000)
    await delivery.commit(send("d", target="1"))
    await delivery.advance(5_000)
    assert len(delivery.phone.times(target="1")) == 1
    assert len(delivery.phone.times(target="2")) == 1
    assert delivery.told_admin == ["chat 1 gets nothing more: bot was blocked by the user"]
    assert delivery.refused == ["a", "b"]
    assert delivery.dispatcher.deliveries().refused == 2


async def test_a_refused_message_leaves_its_target(delivery):
    """A message that Telegram will never take is given up alone."""
    delivery.phone.answers["1"].append(Outcome(OutcomeKind.UNDELIVERABLE, why="message is too long"))
    await delivery.commit(send("a", target="1"), send("b", target="1"))
    await delivery.advance(5_000)
    assert delivery.refused == ["a"]
    assert (await delivery.alert("b")).state is State.SENT


async def test_a_migrated_group_is_followed(delivery):
    """The message is sent to the new chat at once, and later ones go there directly."""
    moved = Outcome(OutcomeKind.MIGRATED, migrated_to="-1007")
    delivery.phone.answers["-7"].append(moved)
    await delivery.commit(send("a", target="-7"))
    await delivery.advance(100)
    await delivery.commit(send("b", target="-7"))
    await delivery.advance(2_000)
    assert [to for _, _, to, _ in delivery.phone.got] == ["-7", "-1007", "-1007"]
    assert delivery.told_admin == ["chat -7 has become -1007: put the new id into the settings"]


async def test_late_alerts_become_one_digest(delivery):
    """After ten minutes of flood, one digest per chat stands for what could not be told; fresh alerts are told."""
    delivery.phone.answers["1"].append(Outcome(OutcomeKind.RETRY_AT, wait_ms=STALE_MS + 60_000))
    await delivery.commit(*(send(f"old{n}", target="1") for n in range(30)))
    await delivery.advance(STALE_MS)
    await delivery.commit(*(send(f"new{n}", target="1", at_ms=delivery.time.now_ms) for n in range(2)))
    await delivery.advance(80_000)
    words = [html for *_, html in delivery.phone.got[1:]]
    assert len(words) == 3
    assert [word for word in words if "30 alerts in one message" in word]
    assert min(delivery.phone.times()[1:]) >= STALE_MS + 60_000
    assert delivery.dispatcher.deliveries().digested == 30


async def test_what_a_dead_process_held_says_that_it_may_repeat(store, start):
    """A lease found at start means that the message may have been sent."""
    await store.run(Store.commit, commit_of(decisions(send("a"), send("b", target="2"))))
    await store.run(Store.claim_next, START_MS - 500, lease_ms=60_000)
    async with start() as again:
        await again.advance(2_000)
        labels = {to: LABEL in html for _, _, to, html in again.phone.got}
    assert labels == {"42": True, "2": False}
    assert again.phone.times(target="42") == [550], "the dead process's try counts for the rate"


async def test_a_defect_in_one_delivery_is_told_and_the_message_comes_again(store, start, capsys):
    """What broke is in the log, and the message waits for its lease instead of being lost."""
    broken = ["before_confirm"]

    def breaks(point):
        if point in broken:
            broken.clear()
            raise RuntimeError("a defect")

    async with start(checkpoint=breaks) as made:
        await made.commit(send("a"))
        await made.advance(75_000)
        labels = [LABEL in html for _, _, _, html in made.phone.got]
    assert labels == [False, True]
    assert "broken by a defect" in capsys.readouterr().out


async def test_the_checkpoints_of_the_kill_test(store, start):
    """The lease is committed before the request, the request made before the confirmation."""
    seen = []

    def note(point):
        rows = store._stores.home.recent_alerts(1)
        seen.append((point, rows[0].state.value, len(made.phone.got)))

    async with start(checkpoint=note) as made:
        await made.commit(send("a"))
        await made.idle()
    assert seen == [("before_http", "leased", 0), ("before_confirm", "leased", 1), ("settled", "sent", 1)]


async def test_a_commit_claims_what_goes_at_once(delivery):
    """One transaction decides and leases; what the rates hold back is the loop's, and none goes twice."""
    await delivery.idle()
    await delivery.commit(send("a"), send("b"), send("c", target="2"))
    assert [(await delivery.alert(name)).state for name in "abc"] == [
        State.LEASED, State.PENDING, State.PENDING,
    ]  # fmt: skip
    await delivery.advance(3_000)
    assert [(at, to) for at, _, to, _ in delivery.phone.got] == [(0, "42"), (40, "2"), (1_050, "42")]


async def test_a_commit_claims_nothing_before_the_recovery(store, start):
    """Until the limits of the dead process are known, and once it stops, a commit only commits."""
    made = start()
    async with made:
        await made.commit(send("a"))
        assert (await made.alert("a")).state is State.PENDING
        await made.idle()
        made.dispatcher.stop()
        await made.commit(send("b", target="2"))
        assert (await made.alert("b")).state is State.PENDING
    assert len(made.phone.got) == 1


async def test_what_a_commit_claims_while_it_stops_waits_for_the_next_start(delivery):
    """It was not sent, so it must not be told as a possible repeat."""
    await delivery.idle()
    committing = asyncio.create_task(delivery.commit(send("a")))
    await asyncio.sleep(0)
    delivery.dispatcher.stop()
    await committing
    await asyncio.wait_for(delivery.running, 5)
    stored = await delivery.alert("a")
    assert (stored.state, stored.maybe_sent, delivery.phone.got) == (State.PENDING, False, [])


async def test_stopping_finishes_what_is_in_flight(delivery):
    """A send under way is confirmed before the loop ends; nothing new is begun."""
    delivery.phone.blocked["1"] = asyncio.Event()
    await delivery.commit(send("a", target="1"))
    await delivery.phone.arrived.wait()
    delivery.dispatcher.stop()
    await delivery.commit(send("b", target="2"))
    delivery.phone.blocked["1"].set()
    await asyncio.wait_for(delivery.running, 5)
    assert (await delivery.alert("a")).state is State.SENT
    assert (await delivery.alert("b")).state is State.PENDING


async def test_stopping_does_not_wait_for_ever(delivery, monkeypatch):
    """A call that hangs is cut off; its message may have been sent, which the next start says."""
    monkeypatch.setattr(dispatcher_module, "_FINISH_S", 0.01)
    delivery.phone.blocked["1"] = asyncio.Event()
    await delivery.commit(send("a", target="1"))
    await delivery.phone.arrived.wait()
    delivery.dispatcher.stop()
    await asyncio.wait_for(delivery.running, 5)
    assert (await delivery.alert("a")).state is State.LEASED


async def test_a_database_that_fails_stops_no_alert(tmp_path):
    """With a full disk alerts still go out; the admin hears of it, and of its end, and nothing is told twice."""
    home, seconds = open_store(f"sqlite:///{tmp_path}/a.db"), iter(range(0, 1_000_000, 10))
    thread = StoreThread(home, clock=lambda: next(seconds))
    async with Delivery(thread) as made:
        await made.commit(send("a", target="1"))
        await made.idle()
        sa.event.listen(home.engine, "checkout", _make_read_only)
        await made.commit(send("b", target="2"))
        await made.idle()
        assert "readonly" in made.dispatcher.deliveries().degraded
        sa.event.remove(home.engine, "checkout", _make_read_only)
        home.engine.dispose()
        await made.advance(20_000)
        assert made.dispatcher.deliveries().degraded is None
        await made.commit(send("c", target="3"))
        await made.idle()
        assert [to for _, _, to, _ in made.phone.got] == ["1", "2", "3"]
        assert {row.state for row in home.recent_alerts(9)} == {State.SENT}
        assert [text.partition(",")[0].partition(";")[0] for text in made.told_admin] == [
            "alerts go out from memory",
            "the database works again",
        ]
    await thread.close()


def _make_read_only(connection, _record, _proxy):
    connection.execute("PRAGMA query_only=ON")


async def test_a_message_that_cannot_be_written_stops_no_other(delivery):
    """Content that cannot be read back is given up, and the admin hears of it."""
    broken = commit_of(decisions(send("a", target="1"), send("b", target="1")))
    odd = [one if one.alert_id == "b" else _with_content(one, b'{"no":"alert"}') for one in broken.messages]
    await delivery.store.run(Store.commit, _with_messages(broken, odd))
    delivery.dispatcher.wake()
    await delivery.advance(3_000)
    assert delivery.refused == ["a"]
    assert delivery.told_admin == ["a message to 1 was refused: it cannot be written (ValidationError)"]
    assert (await delivery.alert("b")).state is State.SENT


async def test_notes_of_a_send_reach_the_admin_once(delivery):
    """That a topic is gone is said once, though every message meets it."""
    noted = Outcome(OutcomeKind.SENT, message_id=5, why="the topic is gone")
    delivery.phone.answers["-7"].extend([noted, noted])
    await delivery.commit(send("a", target="-7:3"), send("b", target="-7:3"))
    await delivery.advance(3_000)
    assert delivery.told_admin == ["a message to -7:3 was sent, but: the topic is gone"]


async def test_an_admin_who_cannot_be_told_stops_nothing(store, start):
    """The admin's own chat may be the one that is gone."""
    made = start()

    async def fail(text):
        raise OSError(text)

    made._tell = fail
    async with made:
        made.phone.answers["1"].append(Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why="blocked"))
        await made.commit(send("a", target="1"), send("b", target="2"))
        await made.advance(1_000)
        assert (await made.alert("b")).state is State.SENT


def _with_content(message, content):
    return msgspec.structs.replace(message, content=content)


def _with_messages(commit, messages):
    return msgspec.structs.replace(commit, messages=tuple(messages))
