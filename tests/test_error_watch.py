"""Errors are heard wherever they are logged, counted, and mailed once per cause and hour."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from itertools import pairwise

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from teleglas import logs
from teleglas.errors import TeleglasError
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from tests.mail_server import MailServer
from ws_alert.causes import HOUR_MS, Causes
from ws_alert.config import Settings
from ws_alert.delivery.mail_channel import MailChannel
from ws_alert.delivery.smtp_session import Account
from ws_alert.error_watch import AdminMail, ErrorWatch, errors_heard
from ws_alert.health import HealthMonitor

NOW = 1_800_000_000_000
CANARY = "canary-smtp-password"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, HOUR_MS // 2)), max_size=80))
def test_a_cause_is_told_at_most_once_an_hour(arrivals):
    """For any sequence: between two e-mails of a cause lies an hour, and no time is lost count of."""
    causes, now = Causes({}), NOW
    told: dict[str, list[int]] = {}
    mentioned: dict[str, int] = {}
    came: Counter[str] = Counter()
    for cause, gap in arrivals:
        now += gap
        came[cause] += 1
        more = causes.due(cause, now)
        if more is not None:
            told.setdefault(cause, []).append(now)
            mentioned[cause] = mentioned.get(cause, 0) + more + 1
            assert mentioned[cause] == came[cause], "all that came so far, this one included"
    for times in told.values():
        assert all(later - earlier >= HOUR_MS for earlier, later in pairwise(times))


def test_the_hour_is_exact():
    """A cause is told again at the hour, not before."""
    causes = Causes({})
    assert [causes.due("a", NOW + at) for at in (0, 1, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1)] == [
        0,
        None,
        None,
        2,
        None,
    ]


def test_a_flood_of_causes_does_not_fill_the_memory():
    """Beyond a thousand causes in an hour the newest are left out; an hour later there is room."""
    causes = Causes({})
    assert sum(causes.due(f"c{n}", NOW) is not None for n in range(3_000)) == 1_000
    assert causes.due("another", NOW + HOUR_MS) == 0
    assert len(causes._until) == 1


@pytest.fixture
async def store():
    """Return a store in memory."""
    thread = StoreThread(open_store("sqlite://"))
    yield thread
    await thread.close()


@pytest.fixture
def logging_as_we_do():
    """Log as the program does, and restore what was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure(level="INFO", form="json")
    yield structlog.get_logger("ours")
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


async def test_errors_of_every_thread_and_library_are_heard(logging_as_we_do):
    """A cause has no figures in it, a text has no secret; a warning is no error."""
    heard = []
    with ErrorWatch(lambda cause, text: heard.append((cause, text)), [CANARY]):
        logging_as_we_do.error("journal broken", why=f"disk 17 {CANARY}")
        logging_as_we_do.warning("not this")
        await asyncio.to_thread(logging.getLogger("lib").error, "poll %s failed", 5)
        try:
            int("in 3 ms")
        except ValueError:
            logging_as_we_do.exception("defect 9")
        await asyncio.sleep(0)
    logging_as_we_do.error("after the end")
    await asyncio.sleep(0)
    assert heard == [
        ("ours journal broken", "ours: journal broken - why: disk 17 ***"),
        ("lib poll %s failed", "lib: poll 5 failed"),
        (
            "ours defect # ValueError",
            "ours: defect 9 - ValueError: invalid literal for int() with base 10: 'in 3 ms'",
        ),
    ]


async def _running(server, store, work, *, clock=lambda: NOW):
    monitor = HealthMonitor(NOW)
    settings = Settings(
        _env_file=None, admin_email_to="admin@example.com", smtp_host="127.0.0.1", smtp_port=server.port,
        smtp_security="none", smtp_from="bot@example.com", smtp_user="bot", smtp_password=SecretStr(CANARY),
    )  # fmt: skip
    account = Account("127.0.0.1", server.port, "none", "bot@example.com")
    mail = MailChannel(account, {})
    try:
        async with errors_heard(settings, mail, store, monitor, clock):
            await work()
    finally:
        await mail.close()
    return monitor


async def test_the_admin_is_mailed_once_per_cause_over_restarts(logging_as_we_do, store):
    """A loop of one error is one e-mail; a restart remembers it; an hour later it says how often it was left out."""
    now = [NOW]

    async def loop():
        for n in range(50):
            logging_as_we_do.error("cannot be stored", why=f"try {n} {CANARY}")
        logging_as_we_do.error("another thing")
        await server.until(len(server.mails) + 1)

    async def again():
        logging_as_we_do.error("cannot be stored", why="still")

    async with MailServer(security="none") as server:
        monitor = await _running(server, store, loop, clock=lambda: now[0])
        assert monitor.get_health_status(NOW).errors_last_hour == 51
        assert len(server.mails) == 2
        now[0] += HOUR_MS - 1
        await _running(server, store, again, clock=lambda: now[0])
        assert len(server.mails) == 2
        now[0] += 2
        await _running(server, store, again, clock=lambda: now[0])
    texts = [content.decode() for _, content in server.mails]
    assert len(texts) == 3
    assert "cannot be stored" in texts[0]
    assert CANARY not in "".join(texts)
    assert {recipient for recipient, _ in server.mails} == {"admin@example.com"}


async def test_what_ends_the_program_is_mailed_before_it_ends(logging_as_we_do, store):
    """A crash loop is one e-mail, since the cause is remembered."""
    del logging_as_we_do

    async def crash():
        raise RuntimeError("the engine is broken")

    async def refused():
        raise TeleglasError("TELEGRAM_ALERT_TOKEN: not known")

    async with MailServer(security="none") as server:
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await _running(server, store, crash)
        with pytest.raises(TeleglasError):
            await _running(server, store, refused)
    assert [("engine is broken" in text, "not known" in text) for text in (c.decode() for _, c in server.mails)] == [
        (True, False), (False, True),
    ]  # fmt: skip


async def test_a_mail_server_that_is_gone_makes_no_loop(logging_as_we_do, store, monkeypatch):
    """What cannot be mailed is logged as a warning, which is not an error again."""
    monkeypatch.setattr("ws_alert.error_watch._LAST_MAIL_S", 0.05)
    async with MailServer(security="none") as server:
        pass

    async def one():
        logging_as_we_do.error("lost")

    monitor = await _running(server, store, one)
    assert monitor.get_health_status(NOW).errors_last_hour == 1
    assert len(await store.run(Store.holds, NOW)) == 1


async def test_what_found_no_room_is_told_later(store):
    """More causes at once than can wait: the one left out does not count as told."""
    async with MailServer(security="none") as server:
        account = Account("localhost", server.port, "none", "bot@example.com")
        mail = MailChannel(account, {})
        admin = AdminMail(mail, ("admin@example.com",), store, Causes({}), lambda: NOW)
        for n in range(101):
            admin.heard(f"cause {n}", f"error {n}")
        work = asyncio.create_task(admin.run())
        await admin.drained(30)
        admin.heard("cause 100", "the one left out")
        await admin.drained(30)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await mail.close()
    assert len(server.mails) == 101
    assert b"the one left out" in server.mails[-1][1]
