"""A picture that is added to words already sent: every answer that Telegram can give, over real HTTP."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from simulator.bot_api import BotApi, Chat, Fault
from ws_alert.delivery.render import render
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.messages import OutcomeKind

TOKEN = "123456:TestToken"
PERSON, FORUM = 42, -1002
SENT, RETRY_AT, UNDELIVERABLE = OutcomeKind.SENT, OutcomeKind.RETRY_AT, OutcomeKind.UNDELIVERABLE


@pytest.fixture
async def api():
    """Serve a Bot API with a person and a forum."""
    async with BotApi(
        [TOKEN], [Chat(PERSON, "private"), Chat(FORUM, "supergroup", topics={5: True})]
    ) as server:
        yield server


@pytest.fixture
async def channel(api):
    """Open the channel under test."""
    async with TelegramChannel(TOKEN, base_url=api.base_url, read_s=0.3) as opened:
        yield opened


@pytest.fixture
def message(samples):
    """Return a storm to be told."""
    return render(samples.storm(reply_to="", step=0))


def png(side=40):
    """Return a small picture."""
    out = io.BytesIO()
    Image.new("RGB", (side, side), (30, 160, 60)).save(out, "PNG")
    return out.getvalue()


async def told(channel, message, target=str(PERSON)):
    """Send the words; return the message's number."""
    outcome = await channel.send(message.with_photo(None), target=target, reply_to=None, silent=False)
    assert (outcome.kind, outcome.photo) == (SENT, False)
    return outcome.message_id


async def add(channel, message, message_id, target=str(PERSON), photo=None, **options):
    """Add its picture."""
    rendered = message.with_photo(photo or png(), **options)
    return await channel.edit(rendered, target=target, message_id=message_id, has_photo=False)


async def test_the_words_become_the_caption(api, channel, message):
    """One message: first its whole text, then the picture with the short words below it."""
    number = await told(channel, message)
    outcome = await add(channel, message, number)
    assert (outcome.kind, outcome.message_id, outcome.photo, outcome.why) == (SENT, number, True, "")
    first, second = api.ledger.entries
    assert (first.method, first.source, first.photo) == ("sendMessage", message.html, "")
    assert (second.method, second.source, second.message_id) == ("editMessageMedia", message.caption, number)
    assert second.photo
    assert len(api.world.chats[PERSON].messages) == 1


async def test_later_edits_change_the_caption(api, channel, message):
    """As with every photo; the picture stays."""
    number = await told(channel, message)
    await add(channel, message, number)
    again = message.with_photo(None)
    outcome = await channel.edit(again, target=str(PERSON), message_id=number, has_photo=True)
    assert (outcome.kind, outcome.photo) == (SENT, True)
    assert api.world.chats[PERSON].messages[number].picture is not None


async def test_an_edit_finds_the_photo_that_no_record_knows(api, channel, message, samples):
    """Added just before the process died, and drawn no more: the words are edited as the caption that they are."""
    number = await told(channel, message)
    await add(channel, message, number)
    newer = render(samples.storm(told_usd=99_000_000_00, revision=1)).with_photo(None)
    outcome = await channel.edit(newer, target=str(PERSON), message_id=number, has_photo=False)
    assert (outcome.kind, outcome.photo) == (SENT, True)
    assert (api.ledger.entries[-1].method, api.ledger.entries[-1].source) == (
        "editMessageCaption",
        newer.caption,
    )


@pytest.mark.parametrize("target", [str(PERSON), f"{FORUM}:5"])
async def test_a_server_that_adds_none_gets_an_answer(api, channel, message, target):
    """It follows its words once, silently, in their topic, with their first line."""
    api.world.adds_media = False
    number = await told(channel, message, target)
    outcome = await add(channel, message, number, target)
    assert (outcome.kind, outcome.message_id, outcome.photo) == (SENT, number, False)
    assert "adds no picture to a text" in outcome.why
    words, answer = api.ledger.entries
    assert (answer.method, answer.reply_to, answer.silent, answer.thread) == (
        "sendPhoto", number, True, words.thread,
    )  # fmt: skip
    assert answer.text == words.text.partition("\n")[0]
    await add(channel, message, number, target, tried=True)
    assert "may repeat" in api.ledger.entries[-1].text


async def test_an_answer_that_may_have_arrived_is_unknown(api, channel, message):
    """Sending it twice would show twice, unlike the edit."""
    number = await told(channel, message)
    api.fault(Fault.reset(method="editMessageMedia", accepted=True))
    assert (await add(channel, message, number)).kind is RETRY_AT
    api.world.adds_media = False
    number = await told(channel, message)
    api.fault(Fault.reset(method="sendPhoto", accepted=True))
    assert (await add(channel, message, number)).kind is OutcomeKind.UNKNOWN


async def test_an_answer_to_deleted_words_is_not_sent(api, channel, message):
    """A picture without its message would be a second message."""
    number = await told(channel, message)
    api.people.delete(PERSON, number)
    assert (await add(channel, message, number)).kind is UNDELIVERABLE
    api.fault(Fault.bad_request("there is no media in the message to edit", method="editMessageMedia"))
    outcome = await add(channel, message, number)
    assert (outcome.kind, outcome.suspend) == (UNDELIVERABLE, False)
    assert [entry.method for entry in api.ledger.entries] == ["sendMessage"]


@pytest.mark.parametrize("photo", [b"no picture", None], ids=["unreadable", "not allowed"])
async def test_a_refused_picture_leaves_the_words(api, channel, message, photo):
    """The newest words are told without it, and the admin reads why."""
    number = await told(channel, message, str(FORUM))
    api.world.chats[FORUM].can_send_photos = photo is not None
    outcome = await add(channel, message, number, str(FORUM), photo)
    assert (outcome.kind, outcome.photo) == (SENT, False)
    assert "without its chart" in outcome.why
    assert api.world.chats[FORUM].messages[number].picture is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.flood(7), RETRY_AT),
        (Fault.server_error(), RETRY_AT),
        (Fault.forbidden(), UNDELIVERABLE),
        (Fault.bad_request("message can't be edited"), UNDELIVERABLE),
        (Fault.bad_request("message caption is too long"), UNDELIVERABLE),
    ],
    ids=["flood", "server", "blocked", "no edit", "too long"],
)
async def test_other_refusals(api, channel, message, fault, kind):
    """They are told apart as with every edit; no answer takes the picture's place."""
    number = await told(channel, message)
    api.fault(Fault(**vars(fault)))
    assert (await add(channel, message, number)).kind is kind
    assert [entry.method for entry in api.ledger.entries] == ["sendMessage"]
