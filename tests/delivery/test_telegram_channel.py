"""Every answer that Telegram can give, through the real library and real HTTP, becomes the right outcome.

Each test runs with everything logged at DEBUG and ends with a search for the token.
"""

from __future__ import annotations

import asyncio
import io
import logging
import socket

import pytest
from PIL import Image
from telegram.error import TelegramError

from simulator.bot_api import BotApi, Chat, Fault
from teleglas.telegram.client import TelegramClient
from teleglas.telegram.target import Target
from ws_alert.delivery.refusals import outcome_of
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.messages import OutcomeKind

SECRET = "Canary-token_that-must-never-be-seen"
TOKEN = f"123456:{SECRET}"
PERSON, FORUM, CHANNEL, GROUP = 42, -1002, -1003, -77
SENT, RETRY_AT, UNDELIVERABLE = OutcomeKind.SENT, OutcomeKind.RETRY_AT, OutcomeKind.UNDELIVERABLE
MIGRATED, UNKNOWN = OutcomeKind.MIGRATED, OutcomeKind.UNKNOWN


@pytest.fixture(autouse=True)
def written():
    """Collect every log record of every library with its traceback; afterwards the token must not be there."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    # The libraries' own levels too: what ran before may have silenced them.
    chatty = [root, *(logging.getLogger(name) for name in ("httpx", "httpcore", "telegram"))]
    before = [logger.level for logger in chatty]
    root.addHandler(handler)
    for logger in chatty:
        logger.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    for logger, level in zip(chatty, before, strict=True):
        logger.setLevel(level)
    assert SECRET not in stream.getvalue()


@pytest.fixture
async def api():
    """Serve a Bot API with a person, a forum, a channel and a group."""
    chats = [
        Chat(PERSON, "private", "Ann"),
        Chat(FORUM, "supergroup", "Desk", topics={5: True, 6: False}),
        Chat(CHANNEL, "channel", "News", username="news"),
        Chat(GROUP, "group", "Old"),
    ]
    async with BotApi([TOKEN], chats) as server:
        yield server


@pytest.fixture
async def channel(api):
    """Open the channel under test."""
    async with TelegramChannel(TOKEN, base_url=api.base_url) as opened:
        yield opened


def png(width=40, height=30):
    """Return a small picture."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (30, 160, 60)).save(out, "PNG")
    return out.getvalue()


def rendered(html="<b>BTC</b>: $1M", caption="<b>BTC</b>", photo=None, *, silent=False):
    """Return a message."""
    return Rendered(html=html, caption=caption, photo=photo, silent=silent)


async def send(channel, message=None, target=str(PERSON), reply_to=None, *, silent=False):
    """Send with the defaults of these tests."""
    return await channel.send(message or rendered(), target=target, reply_to=reply_to, silent=silent)


REFUSALS = [
    (Fault.flood(7), {"kind": RETRY_AT, "wait_ms": 7000, "scope": "chat"}),
    (
        Fault.forbidden(),
        {"kind": UNDELIVERABLE, "suspend": True, "why": "Forbidden: bot was blocked by the user"},
    ),
    (Fault.migrated(-100777), {"kind": MIGRATED, "migrated_to": "-100777"}),
    (Fault.bad_request("chat not found"), {"kind": UNDELIVERABLE, "suspend": True, "why": "Chat not found"}),
    (
        Fault.bad_request("need administrator rights in the channel chat"),
        {"kind": UNDELIVERABLE, "suspend": True},
    ),
    (Fault.bad_request("SOMETHING_NEW"), {"kind": UNDELIVERABLE, "suspend": False, "why": "Something_new"}),
    (Fault.conflict(), {"kind": RETRY_AT, "scope": "all", "why": "another process uses this bot token"}),
    (Fault.server_error(), {"kind": RETRY_AT, "why": "Telegram has an internal error"}),
    (Fault.bad_gateway(), {"kind": RETRY_AT, "why": "Telegram has an internal error"}),
]
AMBIGUOUS = [
    Fault.reset(),
    Fault.reset(accepted=True),
    Fault.stall(30.0),
    Fault.stall(30.0, accepted=True),
    Fault.garbage(),
    Fault.server_error(504, "Gateway Timeout"),
]


def copy(fault):
    """Return a fresh fault, since a fault counts down."""
    return Fault(**vars(fault))


def name(value):
    """Name a case by what is refused."""
    return f"{value.kind}-{value.code}-{value.accepted}" if isinstance(value, Fault) else ""


@pytest.mark.parametrize(("fault", "wanted"), REFUSALS, ids=name)
async def test_refusal_becomes_its_outcome(api, channel, fault, wanted):
    """Each refusal is told apart; one attempt, nothing delivered."""
    api.fault(copy(fault))
    outcome = await send(channel)
    assert {field: getattr(outcome, field) for field in wanted} == wanted
    assert len(api.requests) == 1
    assert api.ledger.entries == []
    assert (await send(channel)).kind is SENT


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=name)
async def test_unanswered_send_is_unknown(api, fault):
    """Once the request was on its way nobody can say whether it arrived; an edit is simply repeated."""
    async with TelegramChannel(TOKEN, base_url=api.base_url, read_s=0.3) as channel:
        first = await send(channel)
        api.fault(copy(fault))
        outcome = await send(channel)
        assert outcome.kind is UNKNOWN
        assert outcome.why
        api.fault(copy(fault))
        edited = await channel.edit(
            rendered("new"), target=str(PERSON), message_id=first.message_id, has_photo=False
        )
        assert edited.kind is RETRY_AT
        assert edited.wait_ms > 0


async def test_unreachable_server_is_tried_again(api):
    """Where no connection was made nothing can have been delivered."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with TelegramChannel(TOKEN, base_url=url) as channel:
            outcome = await send(channel)
    assert (outcome.kind, outcome.scope, outcome.why) == (
        RETRY_AT,
        "all",
        "Telegram was not reached (ConnectError)",
    )


async def test_full_pool_is_tried_again(api):
    """A request that found no free connection was not written."""
    client = TelegramClient(TOKEN, base_url=api.base_url, connections=1, pool_s=0.05)
    api.fault(Fault.stall(30.0))
    stalled = asyncio.create_task(client.bot.send_message(PERSON, "x"))
    async with asyncio.timeout(5):
        while not api.requests:  # noqa: ASYNC110 - the list of requests has no event
            await asyncio.sleep(0)
    with pytest.raises(TelegramError) as caught:
        await client.bot.send_message(PERSON, "y")
    assert outcome_of(caught.value).kind is RETRY_AT
    stalled.cancel()
    await asyncio.gather(stalled, return_exceptions=True)
    await client.close()


async def test_rejected_token_is_fatal_and_heals(api, channel):
    """401 waits long, is flagged for the runner, and the flag falls when Telegram accepts again."""
    api.fault(Fault.unauthorized())
    outcome = await send(channel)
    assert (outcome.kind, outcome.scope) == (RETRY_AT, "all")
    assert outcome.wait_ms >= 60_000
    assert "token rejected" in outcome.why
    assert channel.token_rejected
    await send(channel)
    assert not channel.token_rejected


async def test_nothing_of_ours_knows_the_token(api, channel, written):
    """The library logs its URLs and prints its bot, with the public half of the token only."""
    api.fault(Fault.unauthorized())
    with pytest.raises(TelegramError) as caught:
        await channel._bot.initialize()
    await send(channel)
    assert SECRET not in repr(channel._bot) + str(caught.value) + repr(caught.value.__cause__)
    assert "/bot123456:hidden/sendMessage" in written.getvalue()


async def test_unexpected_error_is_unknown_without_its_text(api, channel):
    """An answer that the library cannot read names the class of the error only."""
    api.fault(Fault("error", method="sendMessage", code=200, description="x"))
    outcome = await send(channel)
    assert (outcome.kind, outcome.why) == (UNKNOWN, "unexpected KeyError")


async def test_broken_markup_goes_out_as_plain_text_once(api, channel):
    """A parse error never costs an alert: the same words follow without markup, and the admin reads why."""
    outcome = await send(channel, rendered("<b>BTC & ETH</i> &lt; 3"))
    assert (outcome.kind, len(api.requests)) == (SENT, 2)
    assert "sent as plain text: Can't parse entities" in outcome.why
    assert api.ledger.entries[0].text == "BTC & ETH < 3"
    api.fault(Fault.bad_request("can't parse entities: no", times=2))
    assert (await send(channel)).kind is UNDELIVERABLE
    assert len(api.requests) == 4


async def test_too_many_entities_lose_their_format_not_their_words(api, channel):
    """The refusal of formats, by any of its texts, ends in plain text."""
    api.fault(Fault.bad_request("ENTITIES_TOO_LONG"))
    outcome = await send(channel)
    assert outcome.kind is SENT
    assert api.ledger.entries[0].source == "BTC: $1M"


async def test_reply_to_a_deleted_message_is_sent_without_it(api, channel):
    """A message to answer that is gone does not stop the answer."""
    first = await send(channel)
    assert (await send(channel, reply_to=first.message_id)).why == ""
    api.people.delete(PERSON, first.message_id)
    outcome = await send(channel, reply_to=first.message_id)
    assert outcome.kind is SENT
    assert "without its reply" in outcome.why
    assert [entry.reply_to for entry in api.ledger.entries] == [None, first.message_id, None]


@pytest.mark.parametrize("topic", [6, 9], ids=["closed", "gone"])
async def test_closed_or_missing_topic_falls_back_to_general(api, channel, topic):
    """An alert for a topic that does not take it arrives in General, and the admin is told."""
    outcome = await send(channel, target=f"{FORUM}:{topic}", reply_to=3)
    assert outcome.kind is SENT
    assert f"topic {topic} did not take it, sent to General" in outcome.why
    assert api.ledger.entries[0].thread is None


@pytest.mark.parametrize(
    ("target", "chat", "thread"),
    [(f"{FORUM}:5", FORUM, 5), (f"{FORUM}:1", FORUM, None), ("@news", CHANNEL, None)],
)
async def test_target_syntax(api, channel, target, chat, thread):
    """Ids, names and topics reach their place; General is written by leaving the topic out."""
    outcome = await send(channel, target=target)
    assert (outcome.kind, outcome.why) == (SENT, "")
    assert (api.ledger.entries[0].chat, api.ledger.entries[0].thread) == (chat, thread)


async def test_impossible_target_is_suspended(api, channel):
    """What cannot be a chat is not asked for."""
    for outcome in (
        await send(channel, target="news"),
        await channel.edit(rendered(), target="5:x", message_id=1, has_photo=False),
    ):
        assert (outcome.kind, outcome.suspend) == (UNDELIVERABLE, True)
    assert api.requests == []


async def test_silence_is_asked_for_by_message_or_caller(api, channel):
    """Either the message or the target's settings can silence it."""
    await send(channel)
    await send(channel, silent=True)
    await send(channel, rendered(silent=True))
    assert [entry.silent for entry in api.ledger.entries] == [False, True, True]


async def test_photo_carries_the_caption(api, channel):
    """With a chart one message goes out: picture and short text."""
    outcome = await send(channel, rendered(photo=png()))
    assert (outcome.kind, outcome.photo) == (SENT, True)
    assert [(entry.method, entry.text) for entry in api.ledger.entries] == [("sendPhoto", "BTC")]


async def test_long_caption_goes_before_the_photo(api, channel):
    """A caption beyond Telegram's limit becomes a text with the chart as its answer; edits go to the text."""
    outcome = await send(channel, rendered(html="whole", caption="x" * 1025, photo=png()))
    assert (outcome.kind, outcome.photo) == (SENT, False)
    text, photo = api.ledger.entries
    assert (text.text, photo.method, photo.reply_to, photo.silent) == (
        "whole",
        "sendPhoto",
        outcome.message_id,
        True,
    )
    api.fault(Fault.bad_request("message caption is too long", method="sendPhoto"))
    assert (await send(channel, rendered(photo=png()))).photo is False


async def test_flood_before_the_words_of_a_long_caption(api, channel):
    """Nothing is half sent when the text that leads the chart is refused."""
    api.fault(Fault.flood(3))
    assert (await send(channel, rendered(caption="x" * 1025, photo=png()))).kind is RETRY_AT
    assert (await send(channel, rendered(html=" ", caption="x" * 1025, photo=png()))).kind is UNDELIVERABLE
    assert api.ledger.entries == []


async def test_flood_of_a_photo_is_no_reason_to_send_text(api, channel):
    """A chart that only has to wait goes out later with its caption."""
    api.fault(Fault.flood(3))
    assert (await send(channel, rendered(photo=png()))).wait_ms == 3000
    assert len(api.requests) == 1


async def test_words_count_though_the_chart_fails_to_follow(api, channel):
    """The alert is delivered when its text is; a repeat for the chart's sake would be worse."""
    api.fault(Fault.flood(30, method="sendPhoto"))
    outcome = await send(channel, rendered(caption="x" * 1025, photo=png()))
    assert (outcome.kind, outcome.photo) == (SENT, False)
    assert "the chart did not follow: Telegram's flood limit" in outcome.why


@pytest.mark.parametrize(
    "photo", [b"no picture", b"\0" * (10 * 1024 * 1024 + 1)], ids=["unreadable", "too large"]
)
async def test_refused_chart_leaves_the_whole_text(api, channel, photo):
    """A picture that Telegram refuses does not cost the alert."""
    outcome = await send(channel, rendered(photo=photo))
    assert (outcome.kind, outcome.photo) == (SENT, False)
    assert "sent without its chart" in outcome.why
    assert api.ledger.entries[0].text == "BTC: $1M"


async def test_chat_without_photos_gets_the_text(api, channel):
    """Members of some groups may write but send no media."""
    api.world.chats[FORUM].can_send_photos = False
    assert (await send(channel, rendered(photo=png()), target=str(FORUM))).kind is SENT
    assert api.ledger.entries[0].method == "sendMessage"


async def test_long_text_is_split_and_edits_have_its_first_part(api, channel):
    """Beyond 4,096 units several messages go out; the first is the alert, the rest answer it silently."""
    outcome = await send(channel, rendered("\n".join(f"<i>row {n:04}</i>" for n in range(900))))
    assert outcome.kind is SENT
    first, *rest = api.ledger.entries
    assert first.message_id == outcome.message_id
    assert first.text.endswith(f"(1/{len(rest) + 1})")
    assert rest
    assert all(entry.reply_to == outcome.message_id and entry.silent for entry in rest)
    assert rest[-1].text.endswith("row 0899")


async def test_text_that_telegram_finds_too_long_is_cut_smaller(api, channel):
    """Where Telegram counts more than we do, the text is cut at half the limit; only once."""
    api.fault(Fault.bad_request("message is too long"))
    assert (await send(channel, rendered("word " * 600))).kind is SENT
    assert len(api.ledger.entries) == 2
    api.fault(Fault.bad_request("message is too long", times=2))
    assert (await send(channel)).kind is UNDELIVERABLE


async def test_part_refused_behind_another_is_unknown(api, channel):
    """When some parts are with the reader, sending all again must be marked as a possible repeat."""
    api.fault(Fault.flood(9, after=1))
    outcome = await send(channel, rendered("row\n" * 2000))
    assert (outcome.kind, outcome.wait_ms) == (UNKNOWN, 9000)
    assert outcome.why == "1 of 2 parts arrived, then: Telegram's flood limit"


async def test_empty_message_is_not_sent(api, channel):
    """Telegram refuses empty text, so it is not asked."""
    assert (await send(channel, rendered("<b> </b>"))).kind is UNDELIVERABLE
    assert api.requests == []


async def test_edit_changes_text_and_finds_its_work_done(api, channel):
    """An edit replaces the text; doing it twice is success."""
    sent = await send(channel)
    for _ in range(2):
        outcome = await channel.edit(
            rendered("<i>more</i>"), target=str(PERSON), message_id=sent.message_id, has_photo=False
        )
        assert (outcome.kind, outcome.message_id, outcome.photo) == (SENT, sent.message_id, False)
    assert [entry.text for entry in api.ledger.entries] == ["BTC: $1M", "more"]


async def test_edit_of_a_photo_changes_caption_and_on_demand_the_picture(api, channel):
    """The caption of a photo is edited; a new chart replaces the old one."""
    sent = await send(channel, rendered(photo=png()))
    where = {"target": str(PERSON), "message_id": sent.message_id, "has_photo": True}
    await channel.edit(rendered(caption="second"), **where)
    outcome = await channel.edit(rendered(caption="third", photo=png(60, 60)), **where)
    first, second, third = api.ledger.entries
    assert (outcome.kind, outcome.photo) == (SENT, True)
    assert (second.method, second.text, second.photo) == ("editMessageCaption", "second", first.photo)
    assert (third.method, third.text) == ("editMessageMedia", "third")
    assert third.photo != first.photo


async def test_edit_is_mended_like_a_send(api, channel):
    """Broken markup and refused charts do not stop an edit."""
    sent = await send(channel, rendered(photo=png()))
    where = {"target": str(PERSON), "message_id": sent.message_id, "has_photo": True}
    assert "as plain text" in (await channel.edit(rendered(caption="<b>a"), **where)).why
    assert "without its chart" in (await channel.edit(rendered(caption="b", photo=b"x"), **where)).why
    assert [entry.text for entry in api.ledger.entries] == ["BTC", "a", "b"]


async def test_edit_of_a_long_text_keeps_its_first_part(api, channel):
    """An edit has one message: the part that has the news."""
    sent = await send(channel)
    outcome = await channel.edit(
        rendered("row\n" * 2000), target=str(PERSON), message_id=sent.message_id, has_photo=False
    )
    assert outcome.kind is SENT
    assert api.ledger.entries[-1].text.endswith("(1/2)")


@pytest.mark.parametrize("why", ["message to edit not found", "message can't be edited"])
async def test_message_that_cannot_be_edited_is_given_up(api, channel, why):
    """A message that is gone ends its edits; its chat stays."""
    api.fault(Fault.bad_request(why))
    outcome = await channel.edit(rendered(), target=str(PERSON), message_id=77, has_photo=False)
    assert (outcome.kind, outcome.suspend, outcome.why) == (UNDELIVERABLE, False, why.capitalize())


@pytest.mark.parametrize(("fault", "wanted"), REFUSALS, ids=name)
async def test_refused_edit_becomes_its_outcome(api, channel, fault, wanted):
    """Edits tell refusals apart as sends do."""
    sent = await send(channel)
    api.fault(copy(fault))
    outcome = await channel.edit(
        rendered("x"), target=str(PERSON), message_id=sent.message_id, has_photo=False
    )
    assert {field: getattr(outcome, field) for field in wanted} == wanted


async def test_a_connection_is_kept_open(api, channel):
    """An alert after a quiet time finds one; that Telegram is away meanwhile ends nothing."""
    api.fault(Fault.server_error(method="getMe"))
    api.fault(Fault.unauthorized(method="getMe"))
    warm = asyncio.create_task(channel.keep_warm(every_s=0.001))
    async with asyncio.timeout(10):
        while len(api.requests) < 5:  # noqa: ASYNC110 - the list of requests has no event
            await asyncio.sleep(0)
    warm.cancel()
    await asyncio.gather(warm, return_exceptions=True)
    api.connections.clear()
    assert {method for method, _ in api.requests} == {"getMe"}
    await channel.check(())
    before = set(api.connections)
    assert (await send(channel)).kind is SENT
    assert len(before) == 1
    assert api.connections == before


async def test_check_names_the_bot_and_its_chats(api, channel):
    """A sound configuration has no problems, and a chat has one number however it is written."""
    found = await channel.check((str(PERSON), f"{FORUM}:5", "@news"))
    assert found.bot == "@simulated1_bot"
    assert found.problems == ()
    assert found.chats == (
        (str(PERSON), str(PERSON), "Ann"),
        (f"{FORUM}:5", f"{FORUM}:5", "Desk"),
        ("@news", str(CHANNEL), "News"),
    )
    assert api.ledger.entries == []


async def test_check_says_what_to_do(api, channel):
    """Each problem is one sentence with a remedy; nothing is sent."""
    api.people.migrate(GROUP, -100777)
    api.people.block(PERSON)
    api.world.chats[CHANNEL].can_post = False
    found = await channel.check(("nobody", "-100999", str(PERSON), str(GROUP), "@news", "-100777:4"))
    for words in (
        "'nobody' is no chat id",
        "-100999: Chat not found. Write to the bot",
        "42: the bot may not write here (Forbidden: bot was blocked by the user)",
        "-77: the group became a supergroup. Write -100777 instead",
        "@news: the bot may not post in this channel",
        "-100777:4: this chat has no topics",
    ):
        assert any(words in problem for problem in found.problems), words
    assert len(found.problems) == 6


async def test_check_of_a_left_group_and_a_failing_server(api, channel):
    """A bot that was removed, or a server in trouble, is a sentence and no exception."""
    api.fault(Fault.server_error(method="getChat"))
    api.fault(Fault("error", method="getChatMember", code=403, description="Forbidden: bot was kicked"))
    api.people.block(CHANNEL)
    found = await channel.check((str(GROUP), str(GROUP), "@news"))
    assert "Telegram has an internal error. Try again." in found.problems[0]
    assert "bot was kicked" in found.problems[1]
    assert found.problems[2] == "@news: the bot is not in this chat. Add it."


async def test_check_flags_a_rejected_token(api, channel):
    """The doctor and the start learn that the token is wrong, without seeing it."""
    api.fault(Fault.unauthorized())
    found = await channel.check((str(PERSON),))
    assert (found.bot, found.token_rejected, channel.token_rejected) == ("", True, True)
    assert "@BotFather" in found.problems[0]


async def test_proxy_of_the_environment_is_used(api, monkeypatch):
    """Where Telegram is reached through a proxy only, HTTPS_PROXY and NO_PROXY count as for other programs."""
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", api.base_url)
    async with TelegramChannel(TOKEN, base_url="http://telegram.invalid") as channel:
        assert (await send(channel)).kind is SENT
    monkeypatch.setenv("no_proxy", "telegram.invalid")
    async with TelegramChannel(TOKEN, base_url="http://telegram.invalid") as channel:
        assert (await send(channel)).kind is RETRY_AT


@pytest.mark.parametrize("text", ["", "news", "@n", "5:", "5:x", "-", "1.5", "@news:1:2"])
def test_what_is_no_target_is_refused(text):
    """A misspelt target is found when it is read."""
    with pytest.raises(ValueError, match="is no chat id"):
        Target.parse(text)


def test_targets_are_written_back_as_they_were():
    """A target survives reading and writing, except that General needs no number."""
    assert [str(Target.parse(text)) for text in ("-100123:5", "@news:7", " 42 ", "-5:1")] == [
        "-100123:5",
        "@news:7",
        "42",
        "-5",
    ]
    assert Target.parse("42").is_private
    assert not Target.parse("-42").is_private
    assert not Target.parse("@news").is_private
