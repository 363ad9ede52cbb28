"""Pictures that come to words already sent, over real HTTP: they hold up no answer and overwrite none."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image
from structlog.testing import capture_logs
from telegram import Message

from bot.commands.samples import NOW_MS, samples
from bot.post import Place, Post
from bot.views.origin import Context
from simulator.bot_api.faults import Fault
from simulator.bot_api.sending import view
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from teleglas.charts.pool import ChartPool
from teleglas.language import load_words
from teleglas.telegram.client import TelegramClient

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
PERSON, OTHER, QUIET = 5, 6, -2002
CONTEXT = Context(load_words("bot")["en"], NOW_MS)
CARDS = samples(CONTEXT)
MEDIA = "editMessageMedia"


class Easel(ChartPool):
    """Draws a small picture of its own colour each time, when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.let = asyncio.Semaphore(0)
        self.started = asyncio.Semaphore(0)

    async def draw(self, picture, *, within_s=None):  # noqa: ARG002 - as the pool
        """Return a PNG once `let` is released."""
        self.begun += 1
        colour = self.begun
        self.started.release()
        await self.let.acquire()
        out = io.BytesIO()
        Image.new("RGB", (40, 40), (colour, 160, 60)).save(out, "PNG")
        return out.getvalue()


@pytest.fixture
async def api():
    """Return a Bot API with two persons and a group where pictures are forbidden."""
    chats = [
        Chat(PERSON, "private"),
        Chat(OTHER, "private"),
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
def easel():
    """Return the drawer."""
    return Easel()


@pytest.fixture
async def post(client, easel):
    """Return the post under test."""
    made = Post(client.bot, easel)
    yield made
    await made.close()


async def say(post, name, chat=PERSON, **where):
    """Show a card whose picture is not drawn yet."""
    await post.show(CARDS[name], Place(chat, **where), CONTEXT, draw_s=0)


async def added(api, times=1):
    """Return the entries of pictures that were added, when there are so many."""

    def found():
        return [entry for entry in api.ledger.entries if entry.method == MEDIA]

    await api.ledger.until(lambda _: len(found()) >= times)
    return found()


def tried(api, method=MEDIA):
    """Return how often the bot asked for this."""
    return sum(asked.lower() == method.lower() for asked, _ in api.requests)


def as_pressed(api):
    """Return the last message as a press of its button tells it."""
    entry = api.ledger.entries[-1]
    chat = api.world.chats[entry.chat]
    return Message.de_json(view(chat, chat.messages[entry.message_id]))


async def test_words_wait_for_no_drawing(api, post, easel):
    """The card comes as text at once; its picture comes to the same message, with the same words and buttons."""
    await say(post, "oi")
    (words,) = api.ledger.entries
    assert (words.method, words.photo) == ("sendMessage", "")
    before = api.world.chats[PERSON].messages[words.message_id].markup
    easel.let.release()
    (picture,) = await added(api)
    assert (picture.message_id, picture.text, bool(picture.photo)) == (words.message_id, words.text, True)
    assert api.world.chats[PERSON].messages[words.message_id].markup == before


async def test_one_drawing_serves_all_who_asked_the_same(api, post, easel):
    """The second person's picture is Telegram's own copy of the first."""
    await say(post, "oi")
    await say(post, "oi", OTHER)
    easel.let.release()
    one, other = await added(api, 2)
    assert (one.photo, {one.chat, other.chat}) == (other.photo, {PERSON, OTHER})
    assert easel.begun == 1


async def test_an_older_picture_does_not_overwrite_what_was_pressed_since(api, post, easel):
    """Another length of time was asked meanwhile: its own picture comes, the first one never."""
    await say(post, "oi")
    await easel.started.acquire()
    await say(post, "funding", edit=as_pressed(api))
    assert api.ledger.entries[-1].method == "editMessageText"
    easel.let.release()
    easel.let.release()
    (picture,) = await added(api)
    assert picture.text == api.ledger.entries[-2].text
    assert "funding" in picture.text
    assert tried(api) == 1


async def test_a_picture_that_came_since_the_press_is_replaced(api, post, easel):
    """The press tells of a text, but the message is a picture by now: it stays one, and with the new words."""
    await say(post, "oi")
    pressed = as_pressed(api)
    easel.let.release()
    await added(api)
    easel.let.release()
    await post.show(CARDS["funding"], Place(PERSON, edit=pressed), CONTEXT)
    first, second = await added(api, 2)
    assert first.photo != second.photo
    assert "funding" in second.text


async def test_words_change_before_the_picture_does(api, post, easel):
    """A picture whose new one is not drawn in time gets the new words now and the new picture afterwards."""
    easel.let.release()
    await post.show(CARDS["oi"], Place(PERSON), CONTEXT)
    sent = as_pressed(api)
    assert sent.photo
    await say(post, "funding", edit=sent)
    assert api.ledger.entries[-1].method == "editMessageCaption"
    easel.let.release()
    (picture,) = await added(api)
    assert picture.photo != api.ledger.entries[0].photo


async def test_a_text_that_was_asked_for_stays_one(api, post, easel):
    """Also when it is refreshed."""
    await post.show(CARDS["oi"], Place(PERSON), CONTEXT, as_text=True)
    await say(post, "oi", edit=as_pressed(api))
    assert not post.late.owes((PERSON, api.ledger.entries[0].message_id))
    assert easel.begun == 0


async def test_of_two_presses_the_later_has_the_last_word(api, post):
    """Even if the earlier one's answer took longer."""
    await post.show(CARDS["status"], Place(PERSON), CONTEXT)
    pressed = as_pressed(api)
    earlier, later = Place(PERSON, edit=pressed), Place(PERSON, edit=pressed)
    await post.show(CARDS["rsi"], later, CONTEXT)
    before = len(api.ledger.entries)
    await post.show(CARDS["sentiment"], earlier, CONTEXT)
    assert len(api.ledger.entries) == before


async def test_a_message_deleted_meanwhile_is_no_error(api, client, post, easel):
    """Nor is a chat that was left, or one without the right to pictures; the next picture comes."""
    await say(post, "oi")
    await client.bot.delete_message(PERSON, api.ledger.entries[0].message_id)
    await say(post, "funding", QUIET)
    await say(post, "heat", OTHER)
    with capture_logs() as logs:
        for _ in range(3):
            easel.let.release()
        (picture,) = await added(api)
    assert picture.chat == OTHER
    assert [line["event"] for line in logs if line["log_level"] in {"error", "warning"}] == [
        "picture_refused"
    ]


async def test_an_older_server_gets_the_picture_as_an_answer(api, post, easel):
    """It adds no picture to a text: one follows without a sound, and a refresh does not send it again."""
    api.world.adds_media = False
    await say(post, "oi")
    words = api.ledger.entries[0]
    pressed = as_pressed(api)
    easel.let.release()
    await api.ledger.until(lambda found: found[-1].method == "sendPhoto")
    picture = api.ledger.entries[-1]
    assert (picture.reply_to, picture.silent) == (words.message_id, True)
    assert picture.text == words.text.split("\n")[0]
    await say(post, "oi", edit=pressed)
    assert not post.late.owes((PERSON, words.message_id))


async def test_a_flood_wait_is_honoured(api, post, easel):
    """The picture comes when Telegram takes it again, and is not asked for before."""
    api.fault(Fault.flood(1, method=MEDIA))
    await say(post, "oi")
    easel.let.release()
    (picture,) = await added(api)
    assert (bool(picture.photo), tried(api)) == (True, 2)


async def test_one_chats_flood_wait_keeps_no_other_chat_waiting(api, post, easel):
    """The picture of who asked later comes, while the flooded chat is left alone."""
    api.fault(Fault.flood(60, method=MEDIA, chat=PERSON))
    await say(post, "oi")
    await say(post, "oi", OTHER)
    easel.let.release()
    (picture,) = await added(api)
    assert (picture.chat, tried(api)) == (OTHER, 2)


async def test_what_was_lost_on_its_way_is_added_once_more(api, post, easel):
    """Unlike a message, an edit may be repeated."""
    api.fault(Fault.reset(method=MEDIA))
    await say(post, "oi")
    easel.let.release()
    assert (await added(api))[0].photo


async def test_answers_go_first(api, client, post, easel):
    """While somebody waits for words, the pictures wait."""
    with post.late.answering():
        await say(post, "oi")
        easel.let.release()
        for _ in range(5):
            await client.bot.get_me()
        assert (easel.begun, tried(api)) == (0, 0)
    assert (await added(api))[0].photo
