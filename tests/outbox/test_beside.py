"""E-mail and webhooks beside Telegram: what is broken delays nothing else, and nothing there is edited."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from teleglas.storage.records import State
from tests.outbox.alerts import edit, send
from ws_alert.messages import Outcome, OutcomeKind
from ws_alert.outbox.gate import BETWEEN_MS, Gate, chat_of

MAIL, HOOK = "mail:3f9a01", "url:discord-77c2d0"
SENT_FOR_GOOD = Outcome(OutcomeKind.SENT)


@pytest.fixture
def beside(start):
    """Return a way to start a dispatcher that knows of both targets."""
    return lambda: start(beside=(MAIL, HOOK))


async def test_a_mail_server_that_hangs_delays_no_one(beside):
    """While an e-mail waits for its answer, chats and webhooks go on."""
    async with beside() as delivery:
        delivery.phone.blocked["mail"] = asyncio.Event()
        await delivery.commit(send("m", target=MAIL), send("m2", target=MAIL))
        await delivery.idle()
        await delivery.commit(*(send(f"c{n}", target=str(n)) for n in range(30)), send("h", target=HOOK))
        await delivery.advance(2_000)
        assert len(delivery.phone.times(target=HOOK)) == 1
        assert [len(delivery.phone.times(target=str(n))) for n in range(30)] == [1] * 30
        assert len(delivery.phone.times(target=MAIL)) == 1
        delivery.phone.blocked["mail"].set()
        await delivery.advance(2_000)
        assert len(delivery.phone.times(target=MAIL)) == 2


async def test_telegram_that_hangs_delays_no_mail(beside):
    """All sixteen calls to Telegram hang: e-mail and webhook do not queue behind them."""
    async with beside() as delivery:
        for n in range(20):
            delivery.phone.blocked[str(n)] = asyncio.Event()
        await delivery.commit(*(send(f"c{n}", target=str(n)) for n in range(20)))
        await delivery.advance(5_000)
        assert len(delivery.dispatcher._flying) == 16
        await delivery.commit(send("m", target=MAIL), send("h", target=HOOK))
        async with asyncio.timeout(10):
            while len(delivery.phone.got) < 18:
                delivery.phone.arrived.clear()
                await delivery.phone.arrived.wait()
        assert {target for _, _, target, _ in delivery.phone.got[16:]} == {MAIL, HOOK}
        for event in delivery.phone.blocked.values():
            event.set()
        await delivery.advance(3_000)
        assert len(delivery.phone.got) == 22


async def test_a_wait_of_all_telegram_is_not_theirs(beside):
    """An invalid token stops every chat for minutes; e-mail goes out at once."""
    async with beside() as delivery:
        delivery.phone.answers["42"].append(
            Outcome(OutcomeKind.RETRY_AT, wait_ms=600_000, scope="all", why="token")
        )
        await delivery.commit(send("a"))
        await delivery.idle()
        await delivery.commit(send("b", target="43"), send("m", target=MAIL))
        await delivery.advance(100_000)
        assert len(delivery.phone.times(target=MAIL)) == 1
        assert delivery.phone.times(target="43") == []


async def test_one_a_second_each(beside):
    """A burst of e-mails is spread; it takes nothing from Telegram's pace."""
    async with beside() as delivery:
        await delivery.commit(*(send(f"m{n}", target=MAIL) for n in range(4)), *(send(f"c{n}", target=str(n)) for n in range(9)))  # fmt: skip
        await delivery.advance(10_000)
        times = delivery.phone.times(target=MAIL)
        assert [later - earlier for earlier, later in pairwise(times)] == [BETWEEN_MS] * 3
        assert max(max(delivery.phone.times(target=str(n))) for n in range(9)) <= 9 * 40 + 50


async def test_what_cannot_be_edited_is_told_once(beside):
    """Growth before the send is in it; growth during or after the send is not sent at all."""
    async with beside() as delivery:
        for _ in range(2):
            delivery.phone.answers["mail"].append(SENT_FOR_GOOD)
        await delivery.commit(send("early", target=MAIL), edit("early", 1, target=MAIL))
        await delivery.idle()
        await delivery.advance(5_000)
        assert "$3.50M" in delivery.phone.got[0][3]
        delivery.phone.blocked["mail"] = asyncio.Event()
        await delivery.commit(send("late", target=MAIL))
        await delivery.idle()
        await delivery.commit(edit("late", 1, target=MAIL))
        delivery.phone.blocked["mail"].set()
        await delivery.advance(5_000)
        await delivery.commit(edit("late", 2, target=MAIL))
        await delivery.advance(60_000)
        assert len(delivery.phone.got) == 2
        assert (await delivery.alert("late")).state is State.SENT


async def test_a_mail_that_waits_is_told_to_the_admin_once(beside):
    """A certificate that is not trusted must not be found out by missing alerts."""
    async with beside() as delivery:
        for _ in range(2):
            delivery.phone.answers["mail"].append(
                Outcome(OutcomeKind.RETRY_AT, wait_ms=60_000, why="no trust")
            )
        await delivery.commit(send("m", target=MAIL))
        await delivery.advance(200_000)
        assert delivery.told_admin == [f"deliveries to {MAIL} wait: no trust"]
        assert len(delivery.phone.times(target=MAIL)) == 3


async def test_a_refused_address_is_suspended_alone(beside):
    """The other address goes on, the admin is told, and the refusal clears the cooldown."""
    async with beside() as delivery:
        delivery.phone.answers["mail"].append(
            Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why="no such user")
        )
        await delivery.commit(send("m", target=MAIL), send("h", target=HOOK))
        await delivery.advance(3_000)
        await delivery.commit(send("m2", target=MAIL))
        await delivery.advance(3_000)
        assert len(delivery.phone.times(target=MAIL)) == 1
        assert len(delivery.phone.times(target=HOOK)) == 1
        assert delivery.told_admin == [f"chat {MAIL} gets nothing more: no such user"]
        assert delivery.refused == ["m"]


def test_each_target_is_its_own_chat():
    """The part after the colon is not a topic, and the pace is kept over a restart."""
    assert (chat_of(MAIL), chat_of("-100:7")) == (MAIL, "-100")
    gate = Gate()
    gate.restore([(MAIL, 900), ("42", 1_000)], {}, 1_000)
    assert gate.ready_at(MAIL, is_edit=False, now_ms=1_000) == max(900 + BETWEEN_MS, gate.any_ready_at(1_000))
    gate.sent(HOOK, 5_000)
    assert gate.any_ready_at(5_000) == 5_000
