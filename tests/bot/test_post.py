"""Cards on their way: what Telegram does not take goes another way, once, and never twice to the same person."""

from __future__ import annotations

import asyncio

import pytest
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.commands.samples import NOW_MS, samples
from bot.post import Place, Post
from bot.views.card import note
from bot.views.origin import Context
from simulator.bot_api.faults import Fault
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from teleglas.charts.pool import ChartPool
from teleglas.language import load_words
from teleglas.telegram.client import TelegramClient

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
PERSON, FORUM, QUIET = 5, -2001, -2002
CONTEXT = Context(load_words("bot")["en"], NOW_MS)
CARD = note("<b>BTC</b> is fine")


@pytest.fixture
async def api():
    """Return a Bot API with a person, a forum whose topic 7 is closed, and a group where pictures are forbidden."""
    chats = [
        Chat(PERSON, "private"),
        Chat(FORUM, "supergroup", topics={7: False, 8: True}),
        Chat(QUIET, "supergroup", can_send_photos=False),
    ]
    async with BotApi([TOKEN], chats) as running:
        yield running


@pytest.fixture
async def client(api):
    """Return a client of it."""
    made = TelegramClient(TOKEN, base_url=api.base_url, read_s=0.5)
    await made.bot.initialize()
    yield made
    await made.close()


@pytest.fixture
async def charts():
    """Return a drawing process that has drawn already."""
    pool = ChartPool(timeout_s=60)
    yield pool
    await pool.close()


async def with_picture(post: Post, api: BotApi) -> None:
    """Send the sample of /oi to the person until it comes as a picture: the drawing process has to start."""
    card = samples(CONTEXT)["oi"]
    async with asyncio.timeout(60):
        while not api.ledger.entries or not api.ledger.entries[-1].photo:
            await post.show(card, Place(PERSON), CONTEXT)
    api.ledger.entries.clear()


async def test_a_topic_that_is_closed_or_gone_is_answered_in_general(api, client):
    """The answer is not lost with the topic; an open topic keeps its answers."""
    post = Post(client.bot, None)
    for thread, shown in ((7, None), (99, None), (8, 8)):
        await post.show(CARD, Place(FORUM, thread=thread), CONTEXT)
        assert (api.ledger.entries[-1].text, api.ledger.entries[-1].thread) == ("BTC is fine", shown)


async def test_where_pictures_are_refused_the_words_come(api, client, charts):
    """A group without the right to send pictures, and an id that Telegram does not know any more."""
    post = Post(client.bot, charts)
    await with_picture(post, api)
    card = samples(CONTEXT)["oi"]
    await post.show(card, Place(QUIET), CONTEXT)
    assert (api.ledger.entries[-1].chat, api.ledger.entries[-1].photo) == (QUIET, "")
    await with_picture(post, api)
    api.fault(Fault.bad_request("wrong file identifier/HTTP URL specified", method="sendPhoto"))
    await post.show(card, Place(PERSON), CONTEXT)
    assert api.ledger.entries[-1].text.startswith("BTC: $")
    assert not api.ledger.entries[-1].photo
    await with_picture(post, api)  # the next one is drawn anew


async def test_a_message_that_cannot_be_edited_is_sent_anew(api, client):
    """Also where Telegram calls its id invalid."""
    post = Post(client.bot, None)
    sent = await client.bot.send_message(PERSON, "before")
    api.fault(Fault.bad_request("MESSAGE_ID_INVALID", method="editMessageText"))
    await post.show(CARD, Place(PERSON, edit=sent), CONTEXT)
    last = api.ledger.entries[-1]
    assert (last.method.lower(), last.text, last.message_id != sent.message_id) == (
        "sendmessage",
        "BTC is fine",
        True,
    )


async def test_a_gateway_s_page_is_tried_again_once(api, client):
    """A 502 was not carried out: the second try tells; after two the person asks again."""
    post = Post(client.bot, None)
    api.fault(Fault("page", "sendMessage", code=502))
    await post.show(CARD, Place(PERSON), CONTEXT)
    assert [entry.text for entry in api.ledger.entries] == ["BTC is fine"]
    api.fault(Fault("page", "sendMessage", code=502, times=2))
    with pytest.raises(NetworkError):
        await post.show(CARD, Place(PERSON), CONTEXT)


@pytest.mark.parametrize("kind", ["stall", "reset"])
async def test_what_may_have_arrived_is_not_sent_again(api, client, kind):
    """Telegram took the message and the answer was lost: there is one copy."""
    api.fault(Fault(kind, "sendMessage", accepted=True, seconds=5))
    with pytest.raises(TelegramError) as error:
        await Post(client.bot, None).show(CARD, Place(PERSON), CONTEXT)
    assert isinstance(error.value, TimedOut) is (kind == "stall")
    assert [entry.text for entry in api.ledger.entries] == ["BTC is fine"]
