"""E-mail through a real SMTP server: TLS, logins, every kind of answer, and none."""

from __future__ import annotations

import asyncio
import email
import email.policy

import pytest
from pydantic import SecretStr

from teleglas.errors import ConfigError
from tests.mail_server import LOST, SLOW, STALL, Certificate, MailServer
from ws_alert.delivery.mail_channel import MailChannel
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.smtp_session import Account
from ws_alert.messages import Outcome, OutcomeKind

USER, PASSWORD = "bot@example.com", "canary-smtp-password"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
TARGET, ADDRESS = "mail:3f9a01", "trader@example.com"
SAID = Rendered(
    html="<b>BTC: longs liquidated $5.2M in 30 s – 2.6x</b>\nBy venue: binance &lt;$5M&gt;\n.\n"
    "<blockquote expandable>Largest:\nat 97,410.5</blockquote>\n#BTC",
    caption="", photo=PNG, silent=False, alert_id="ab" * 32, prior_id="cd" * 32,
)  # fmt: skip


@pytest.fixture(scope="session")
def shown(tmp_path_factory):
    """Return a certificate for localhost."""
    return Certificate(tmp_path_factory.mktemp("certificate"))


class Naps:
    """Sleeps that take no time and are counted."""

    def __init__(self):
        self.taken = []

    async def sleep(self, seconds):
        """Note it."""
        self.taken.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def naps():
    """Return sleeps to count."""
    return Naps()


def _account(server, shown=None, *, password=PASSWORD, **changes) -> Account:
    values = {
        "host": "localhost", "port": server.port, "security": server.security, "sender": USER,
        "user": USER if server.user else None, "password": SecretStr(password) if server.user else None,
        "ca_file": shown.file if shown else None,
    }  # fmt: skip
    return Account(**(values | changes))


async def _send(account, naps, message=SAID, **limits) -> Outcome:
    channel = MailChannel(account, {TARGET: ADDRESS}, sleep=naps.sleep, **limits)
    try:
        return await channel.send(message, target=TARGET, reply_to=None, silent=False)
    finally:
        await channel.close()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_mail_arrives_whole_over_tls_with_a_login(shown, naps, security):
    """Text, HTML and the inline chart parse without a defect and say the same."""
    async with MailServer(shown, security=security, user=USER, password=PASSWORD) as server:
        outcome = await _send(_account(server, shown), naps)
    assert (outcome.kind, outcome.message_id, naps.taken) == (OutcomeKind.SENT, None, [])
    [(recipient, content)] = server.mails
    mail = email.message_from_bytes(content, policy=email.policy.default)
    parts = list(mail.walk())
    assert recipient == mail["To"] == ADDRESS
    assert [part.defects for part in parts] == [[]] * len(parts)
    assert mail["From"] == f"TELEGLAS <{USER}>"
    assert mail["Subject"] == "BTC: longs liquidated $5.2M in 30 s – 2.6x"
    assert mail["Message-ID"] == f"<{'ab' * 20}@example.com>"
    assert mail["In-Reply-To"] == mail["References"] == f"<{'cd' * 20}@example.com>"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert "By venue: binance <$5M>\n.\nLargest:" in text.get_content().replace("\r\n", "\n")
    assert '<img src="cid:chart"' in page.get_content()
    assert "binance &lt;$5M&gt;" in page.get_content()
    [picture] = [part for part in parts if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<chart>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PNG


async def test_without_a_chart_there_is_no_picture(naps):
    """A mail server on this machine needs no TLS; a message without chart shows none."""
    async with MailServer(security="none") as server:
        outcome = await _send(_account(server), naps, Rendered("<b>X</b>", "", None, silent=True))
    assert outcome.kind is OutcomeKind.SENT
    mail = email.message_from_bytes(server.mails[0][1], policy=email.policy.default)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert "img" not in mail.get_body(("html",)).get_content()
    assert mail["Message-ID"].endswith("@example.com>")


async def test_a_4xx_is_tried_three_times_five_seconds_apart(naps):
    """Then the outbox has it back, for a minute later; nothing was sent."""
    async with MailServer(security="none") as server:
        server.script["RCPT"] += ["450 greylisted", "250 OK", "451 wait"]
        server.script["DATA"] += ["452 full"]
        outcome = await _send(_account(server), naps)
        assert (outcome.kind, outcome.wait_ms, server.mails) == (OutcomeKind.RETRY_AT, 60_000, [])
        assert "wait (451)" in outcome.why
        assert naps.taken == [5.0, 5.0]
        server.script["DATA"].append("451 once more")
        outcome = await _send(_account(server), naps)
    assert (outcome.kind, len(server.mails)) == (OutcomeKind.SENT, 1)


@pytest.mark.parametrize(
    ("stage", "answer", "suspend"),
    [("RCPT", "550 5.1.1 no such user", True), ("DATA", "554 5.7.1 looks like spam", False)],
)
async def test_a_5xx_is_final(naps, stage, answer, suspend):
    """An address that is refused gets nothing more; a message that is refused is one message."""
    async with MailServer(security="none") as server:
        server.script[stage].append(answer)
        outcome = await _send(_account(server), naps)
    assert (outcome.kind, outcome.suspend) == (OutcomeKind.UNDELIVERABLE, suspend)
    assert answer[4:] in outcome.why
    assert (server.mails, naps.taken, server.connections) == ([], [], 1)


async def test_a_wrong_password_is_told_and_not_tried_again(shown, naps):
    """One login, no second: accounts are locked for less. Neither word of the login is told."""
    async with MailServer(shown, user=USER, password=PASSWORD) as server:
        outcome = await _send(_account(server, shown, password="canary-other-password"), naps)
    assert (outcome.kind, outcome.suspend) == (OutcomeKind.UNDELIVERABLE, True)
    assert outcome.why == "the SMTP server refuses SMTP_USER or SMTP_PASSWORD (535)"
    assert (server.mails, naps.taken, server.connections) == ([], [], 1)


async def test_a_login_that_fails_for_now_is_tried_again(shown, naps):
    """454 is the server's trouble, not the password's."""
    answer = "454 4.7.0 Temporary authentication failure"
    async with MailServer(shown, user=USER, password=PASSWORD, auth_answer=answer) as server:
        outcome = await _send(_account(server, shown), naps)
    assert (outcome.kind, outcome.wait_ms, naps.taken) == (OutcomeKind.RETRY_AT, 60_000, [5.0, 5.0])


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_unknown_certificate_gets_nothing(shown, naps, security):
    """Neither password nor message goes to a server that cannot prove its name; nothing is lost."""
    async with MailServer(shown, security=security, user=USER, password=PASSWORD) as server:
        outcome = await _send(_account(server), naps)
    assert (outcome.kind, outcome.wait_ms, server.mails) == (OutcomeKind.RETRY_AT, 600_000, [])
    assert "certificate is not trusted" in outcome.why


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_of_another_name_gets_nothing(tmp_path, naps, security):
    """That an authority vouches for it is not enough: it must be the server that SMTP_HOST names."""
    other = Certificate(tmp_path, names="DNS:mail.example.net")
    async with MailServer(other, security=security, user=USER, password=PASSWORD) as server:
        outcome = await _send(_account(server, other), naps)
    assert (outcome.kind, outcome.wait_ms, server.mails) == (OutcomeKind.RETRY_AT, 600_000, [])
    assert "certificate is not trusted (Hostname mismatch" in outcome.why


async def test_a_server_without_starttls_gets_nothing_in_the_clear(naps):
    """The message waits until the settings fit."""
    async with MailServer(security="none") as server:
        outcome = await _send(_account(server, security="starttls"), naps)
    assert (outcome.kind, outcome.wait_ms, server.mails) == (OutcomeKind.RETRY_AT, 600_000, [])
    assert "offers no STARTTLS" in outcome.why


async def test_a_server_that_hangs_before_the_message_is_left(naps):
    """Each attempt has its time; the message cannot have been taken, so its next try is no repeat."""
    async with MailServer(security="none") as server:
        server.script["RCPT"] += [STALL, STALL, STALL]
        outcome = await _send(_account(server), naps, patience_s=0.1)
    assert (outcome.kind, outcome.wait_ms) == (OutcomeKind.RETRY_AT, 60_000)
    assert "no answer within 0.1 s while naming the recipient" in outcome.why
    assert (server.mails, server.connections) == ([], 3)


@pytest.mark.parametrize("answer", [LOST, STALL])
async def test_a_lost_answer_is_an_unknown_outcome(naps, answer):
    """The server may have taken the message: it is not tried again here, where no label says so."""
    async with MailServer(security="none") as server:
        server.script["DATA"].append(answer)
        outcome = await _send(_account(server), naps, patience_s=0.3, whole_s=0.6)
    assert (outcome.kind, naps.taken, server.connections) == (OutcomeKind.UNKNOWN, [], 1)


async def test_a_slow_answer_to_the_message_is_waited_for(naps):
    """A server that scans the message longer than an attempt may take does not make a repeat."""
    async with MailServer(security="none") as server:
        server.script["DATA"].append(SLOW)
        sending = asyncio.create_task(_send(_account(server), naps, patience_s=0.2, whole_s=30))
        done, _ = await asyncio.wait({sending}, timeout=1)
        assert not done
        server.go.set()
        outcome = await sending
    assert (outcome.kind, len(server.mails), server.connections) == (OutcomeKind.SENT, 1, 1)


async def test_a_farewell_without_an_answer_makes_no_repeat(naps):
    """What the server has accepted is sent, whatever becomes of the connection afterwards."""
    async with MailServer(security="none") as server:
        server.script["QUIT"] += [STALL] * 3
        outcome = await _send(_account(server), naps, patience_s=0.4, whole_s=5)
    assert (outcome.kind, outcome.photo, naps.taken) == (OutcomeKind.SENT, True, [])
    assert (len(server.mails), server.connections) == (1, 1)


async def test_nobody_listening_is_retried(naps):
    """A mail server that restarts loses nothing: the next try finds it, and sends once."""
    async with MailServer(security="none") as server:
        account = _account(server)
    outcome = await _send(account, naps)
    assert (outcome.kind, naps.taken) == (OutcomeKind.RETRY_AT, [5.0, 5.0])
    async with MailServer(security="none", port=account.port) as server:
        assert (await _send(account, naps)).kind is OutcomeKind.SENT
    assert len(server.mails) == 1


async def test_a_cancelled_send_leaves_no_thread_that_sends_later(naps):
    """A dispatcher that gives up can mark the message as a repeat: nothing goes out behind its back."""
    async with MailServer(security="none") as server:
        server.script["RCPT"].append(SLOW)
        sending = asyncio.create_task(_send(_account(server), naps))
        await asyncio.wait_for(server.stalling.wait(), 10)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        server.go.set()
        await asyncio.wait_for(server.idle.wait(), 10)
    assert server.mails == []


async def test_a_check_sends_nothing(shown, naps):
    """Doctor and start log in and name sender and recipient, no more."""
    async with MailServer(shown, user=USER, password=PASSWORD) as server:
        good = MailChannel(_account(server, shown), {})
        assert await good.check(ADDRESS) == ""
        bad = MailChannel(_account(server, shown, password="wrong"), {})
        assert "refuses SMTP_USER" in await bad.check(ADDRESS)
        server.script["RCPT"].append("550 no such user")
        assert "no such user (550)" in await good.check(ADDRESS)
        await good.close()
        await bad.close()
    assert server.mails == []


async def test_what_cannot_be_done_is_said(tmp_path, naps):
    """An edit counts as told, an address that left the settings as refused, a bad CA file as a wrong setting."""
    async with MailServer(security="none") as server:
        channel = MailChannel(_account(server), {TARGET: ADDRESS})
        edited = await channel.edit(SAID, target=TARGET, message_id=5, has_photo=True)
        gone = await channel.send(SAID, target="mail:000000", reply_to=None, silent=False)
        await channel.close()
    assert (edited.kind, edited.message_id, edited.photo) == (OutcomeKind.SENT, 5, True)
    assert (gone.kind, gone.suspend) == (OutcomeKind.UNDELIVERABLE, False)
    with pytest.raises(ConfigError, match="SMTP_CA_FILE"):
        MailChannel(_account(server, security="tls", ca_file=tmp_path / "none.pem"), {})
