"""Webhooks through apprise, against a real HTTP receiver."""

from __future__ import annotations

import asyncio
import base64
import logging

import pytest
from aiohttp import web

from teleglas.errors import ConfigError
from ws_alert.delivery.channels import ChannelSwitch, way_of
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.targets import is_beside, mail_target, split_urls, url_target
from ws_alert.delivery.webhook_channel import WebhookChannel, judged
from ws_alert.messages import Outcome, OutcomeKind

CANARY = "canary0hook0token"
PNG = b"\x89PNG\r\n\x1a\n123"
SAID = Rendered(
    "<b>BTC &lt;storm&gt; $5.2M</b>\nBy venue\nAt 97,410.5", "<b>short</b>\nrest", PNG, silent=False
)


class Receiver:
    """Takes posts and answers by script, 200 after it."""

    def __init__(self):
        self.got: list[tuple[str, dict]] = []
        self.answers: list[int] = []
        self.hold: asyncio.Event | None = None
        self.arrived = asyncio.Event()

    async def __aenter__(self):
        """Listen."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_):
        """Stop."""
        await self._runner.cleanup()

    async def _take(self, request):
        body = (
            await request.json() if request.content_type == "application/json" else dict(await request.post())
        )
        self.got.append((request.path, body))
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def receiver():
    """Return a receiver that listens."""
    async with Receiver() as made:
        yield made


async def _post(url, message=SAID) -> Outcome:
    channel = WebhookChannel([url])
    try:
        return await channel.send(message, target=url_target(url), reply_to=None, silent=False)
    finally:
        await channel.close()


async def test_a_webhook_gets_the_words_and_the_chart(receiver):
    """Plain text: the news as title, the rest as message, the picture as attachment."""
    outcome = await _post(f"json://user:{CANARY}@127.0.0.1:{receiver.port}/hook/{CANARY}")
    assert (outcome.kind, outcome.message_id, outcome.photo) == (OutcomeKind.SENT, None, True)
    [(path, body)] = receiver.got
    assert path == f"/hook/{CANARY}"
    assert (body["title"], body["message"]) == ("BTC <storm> $5.2M", "By venue\nAt 97,410.5")
    assert base64.b64decode(body["attachments"][0]["base64"]) == PNG


async def test_another_service_gets_its_own_form(receiver):
    """The form that Mattermost takes shows that apprise speaks each service's language."""
    outcome = await _post(f"mmost://127.0.0.1:{receiver.port}/{CANARY}")
    assert outcome.kind is OutcomeKind.SENT
    [(path, body)] = receiver.got
    assert path.endswith(f"/hooks/{CANARY}")
    assert "BTC <storm> $5.2M" in body["text"]
    assert "At 97,410.5" in body["text"]


@pytest.mark.parametrize(
    ("status", "kind", "suspend"),
    [
        (404, OutcomeKind.UNDELIVERABLE, True), (410, OutcomeKind.UNDELIVERABLE, True),
        (405, OutcomeKind.UNDELIVERABLE, False), (429, OutcomeKind.RETRY_AT, False), (503, OutcomeKind.RETRY_AT, False),
    ],
)  # fmt: skip
async def test_answers_are_told_apart(receiver, status, kind, suspend):
    """Gone is gone, busy is busy."""
    receiver.answers += [status, status]
    outcome = await _post(f"json://127.0.0.1:{receiver.port}/x")
    assert (outcome.kind, outcome.suspend, outcome.why) == (kind, suspend, f"it answered {status}")


async def test_a_chart_that_is_refused_does_not_take_the_words_with_it(receiver):
    """413 for the picture: the words go alone, and it is said."""
    receiver.answers += [413]
    outcome = await _post(f"json://127.0.0.1:{receiver.port}/x")
    assert (outcome.kind, outcome.why) == (OutcomeKind.SENT, "the chart was left out: it answered 413")
    assert [len(body["attachments"]) for _, body in receiver.got] == [1, 0]


async def test_nobody_there_and_no_answer_differ(receiver):
    """A refused connection was not sent; a post without an answer may have been."""
    receiver.hold = asyncio.Event()
    outcome = await _post(f"json://127.0.0.1:{receiver.port}/x?rto=0.3")
    assert outcome.kind is OutcomeKind.UNKNOWN
    receiver.hold.set()
    async with Receiver() as other:
        port = other.port
    assert (await _post(f"json://127.0.0.1:{port}/x")).kind is OutcomeKind.RETRY_AT


async def test_a_post_that_hangs_keeps_one_thread_and_no_more(receiver):
    """While a post waits, the next is put off; another address goes on."""
    receiver.hold = asyncio.Event()
    slow, quick = f"json://127.0.0.1:{receiver.port}/slow", f"json://127.0.0.1:{receiver.port}/quick"
    channel = WebhookChannel([slow, quick])
    first = asyncio.create_task(channel.send(SAID, target=url_target(slow)))
    await asyncio.wait_for(receiver.arrived.wait(), 10)
    second = await channel.send(SAID, target=url_target(slow))
    assert (second.kind, second.why) == (OutcomeKind.RETRY_AT, "its last post still waits for an answer")
    receiver.hold.set()
    assert (await channel.send(SAID, target=url_target(quick))).kind is OutcomeKind.SENT
    assert (await first).kind is OutcomeKind.SENT
    assert (
        await channel.edit(SAID, target=url_target(slow), message_id=1, has_photo=False)
    ).kind is OutcomeKind.SENT
    assert (await channel.send(SAID, target="url:gone-000000")).kind is OutcomeKind.UNDELIVERABLE
    await channel.close()


async def test_what_is_too_long_for_the_service_becomes_the_short_form(receiver):
    """Discord takes 2,000 characters: the caption says the news whole, where a cut would not."""
    channel = WebhookChannel(["discord://123456789012345678/" + CANARY * 4])
    service = next(iter(channel._services.values()))
    assert len("x" * 3000) > service.body_maxlen
    from ws_alert.delivery.webhook_channel import _words  # noqa: PLC0415 - one function of it

    assert (
        _words(service, Rendered("<b>x</b>\n" + "y" * 3000, "<b>short</b>\nrest", None, silent=False))
        == "short\nrest"
    )
    await channel.close()


class Kept(logging.Handler):
    """Keeps what gets to the root logger, where ours all stand."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record):
        """Keep it."""
        if not record.name.startswith("aiohttp"):  # the receiver's own
            self.text += f"{record.name} {record.getMessage()}\n"


async def test_nothing_that_is_logged_holds_a_token(receiver, monkeypatch):
    """Apprise logs URLs at DEBUG; none of it gets to our handlers."""
    kept, root = Kept(), logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, kept])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    receiver.answers += [200, 404, 500]
    url = f"json://user:{CANARY}@127.0.0.1:{receiver.port}/hook/{CANARY}"
    whys = [(await _post(url)).why for _ in range(3)]
    with pytest.raises(ConfigError) as wrong:
        WebhookChannel([f"nosuchservice://{CANARY}"])
    assert "entry 1 (nosuchservice://)" in str(wrong.value)
    assert CANARY not in kept.text + repr(whys) + str(wrong.value) + url_target(url)


def test_what_apprise_says_is_understood():
    """The last code counts; without one only a failed connection is known to have sent nothing."""
    assert judged(["Failed: error=500.", "Failed: error=403."]).suspend
    assert judged(["Socket Exception: NewConnectionError(...)"]).kind is OutcomeKind.RETRY_AT
    assert judged(["Socket Exception: Read timed out."]).kind is OutcomeKind.UNKNOWN
    assert judged([]).kind is OutcomeKind.UNKNOWN


def test_targets_are_stable_names():
    """Order and case of addresses do not matter; nothing of a URL but its scheme is shown."""
    assert mail_target("A@Example.com") == mail_target("a@example.com")
    assert url_target(f"discord://1/{CANARY}").startswith("url:discord-")
    assert url_target("json://a") != url_target("json://b")
    assert [way_of(name) for name in ("mail:3f9a01", "url:x-1", "-100123:7", "terminal")] == [
        "mail",
        "url",
        "chat",
        "chat",
    ]
    assert not is_beside("-100123:7")


def test_lists_of_urls_are_split_at_urls():
    """A comma inside a URL is part of it."""
    assert split_urls(" json://a/b,c , slack://x/#d,#e\ndiscord://1 ") == [
        "json://a/b,c",
        "slack://x/#d,#e",
        "discord://1",
    ]
    assert split_urls("") == []


async def test_the_switch_sends_each_target_its_way():
    """Sends are reported with their way, edits go to the same channel and are not."""
    calls, heard = [], []

    class Way:
        def __init__(self, name):
            self.name = name

        async def send(self, _message, *, target, **_):
            calls.append((self.name, "send", target))
            return Outcome(OutcomeKind.SENT, message_id=1)

        async def edit(self, _message, *, target, **_):
            calls.append((self.name, "edit", target))
            return Outcome(OutcomeKind.SENT, message_id=1)

    switch = ChannelSwitch(
        Way("telegram"), {"mail": Way("smtp")}, heard=lambda way, what: heard.append((way, what.kind))
    )
    for target in ("-100:3", "mail:3f9a01"):
        await switch.send(SAID, target=target, reply_to=None, silent=False)
        await switch.edit(SAID, target=target, message_id=1, has_photo=False)
    assert calls == [
        ("telegram", "send", "-100:3"), ("telegram", "edit", "-100:3"),
        ("smtp", "send", "mail:3f9a01"), ("smtp", "edit", "mail:3f9a01"),
    ]  # fmt: skip
    assert heard == [("chat", OutcomeKind.SENT), ("mail", OutcomeKind.SENT)]
