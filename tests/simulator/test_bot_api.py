"""The simulated Bot API refuses what Telegram refuses, in its words, and remembers what it took."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import signal
import sys

import httpx
import pytest
from PIL import Image

from simulator.bot_api import BotApi, Chat, Fault
from simulator.bot_api.flood import FloodLimits

TOKEN = "123456:" + "A" * 35
OTHER = "654321:" + "B" * 35
PERSON, GROUP, FORUM, CHANNEL, OLD = 42, -1001, -1002, -1003, -77


def png(width=40, height=30):
    """Return a small picture."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


def chats():
    """Return one chat of each kind."""
    return [
        Chat(PERSON, "private"),
        Chat(GROUP, "supergroup"),
        Chat(FORUM, "supergroup", topics={5: True, 6: False}),
        Chat(CHANNEL, "channel", username="news"),
        Chat(OLD, "group"),
    ]


@pytest.fixture
async def api():
    """Serve a Bot API with two bots."""
    async with BotApi([TOKEN, OTHER], chats()) as server:
        yield server


@pytest.fixture
async def http(api):
    """Open a client for the first bot's methods."""
    async with httpx.AsyncClient(base_url=f"{api.base_url}/bot{TOKEN}/", timeout=5) as client:
        yield client


async def ok(http, method, **parameters):
    """Call a method that must be accepted."""
    answer = await http.post(method, json=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


async def refused(http, method, files=None, **parameters):
    """Call a method that must be refused; return code and description."""
    if files:
        answer = await http.post(method, data=parameters, files=files)
    else:
        answer = await http.post(method, json=parameters)
    body = answer.json()
    assert body["ok"] is False
    assert body["error_code"] == answer.status_code
    return answer.status_code, body["description"]


HTML = {"chat_id": PERSON, "parse_mode": "HTML"}
KEYS = {"chat_id": PERSON, "text": "x"}
EDIT = {"chat_id": PERSON, "message_id": 5}


def button(**fields):
    """Return a keyboard with one button."""
    return {"inline_keyboard": [[fields]]}


@pytest.mark.parametrize(
    ("method", "parameters", "words"),
    [
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": 99, "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": PERSON, "text": ""}, "message text is empty"),
        ("sendMessage", HTML | {"text": "<b> </b>"}, "message text is empty"),
        ("sendMessage", {"chat_id": PERSON, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": PERSON, "text": "\U0001f6a8" * 2049}, "message is too long"),
        ("sendMessage", {"chat_id": PERSON, "text": "x", "parse_mode": "Markdown"}, "unsupported parse_mode"),
        ("sendMessage", HTML | {"text": "<b>x</b>" * 101}, "ENTITIES_TOO_LONG"),
        ("sendMessage", KEYS | {"entities": [{}] * 101}, "ENTITIES_TOO_LONG"),
        ("sendMessage", HTML | {"text": "a < b"}, "can't parse entities: Unsupported start tag"),
        ("sendMessage", HTML | {"text": "a <"}, "can't parse entities: Unclosed start tag at byte offset 2"),
        ("sendMessage", HTML | {"text": "AT&T"}, 'can\'t parse entities: Unescaped "&" at byte offset 2'),
        ("sendMessage", HTML | {"text": "&#0;"}, "can't parse entities: Invalid character reference"),
        ("sendMessage", HTML | {"text": "<p>x</p>"}, 'Unsupported start tag "p" at byte offset 0'),
        ("sendMessage", HTML | {"text": "\u00e9<h1>x</h1>"}, 'Unsupported start tag "h1" at byte offset 2'),
        ("sendMessage", HTML | {"text": "<b>x"}, 'Can\'t find end tag corresponding to start tag "b"'),
        ("sendMessage", HTML | {"text": "x</b>"}, "Unexpected end tag at byte offset 1"),
        ("sendMessage", HTML | {"text": "<b>x</i>"}, 'expected "</b>", found "</i>"'),
        ("sendMessage", HTML | {"text": "<b>x</b"}, "Unclosed end tag at byte offset 4"),
        ("sendMessage", HTML | {"text": "<b"}, "Unclosed start tag at byte offset 0"),
        ("sendMessage", HTML | {"text": '<a href="x'}, "Unclosed start tag"),
        ("sendMessage", HTML | {"text": "<a "}, "Unclosed start tag"),
        ("sendMessage", HTML | {"text": '<a href="u"'}, "Unclosed start tag"),
        ("sendMessage", HTML | {"text": '<a ="u">x</a>'}, 'Empty attribute name in the tag "a"'),
        ("sendMessage", HTML | {"text": '<span class="red">x</span>'}, 'must have class "tg-spoiler"'),
        ("sendMessage", HTML | {"text": "<code><b>x</b></code>"}, 'can\'t be nested in "code"'),
        (
            "sendMessage",
            HTML | {"text": "<blockquote><blockquote>x</blockquote></blockquote>"},
            "can't be nested",
        ),
        ("sendMessage", {"chat_id": FORUM, "text": "x", "message_thread_id": 9}, "message thread not found"),
        ("sendMessage", {"chat_id": FORUM, "text": "x", "message_thread_id": 1}, "message thread not found"),
        ("sendMessage", {"chat_id": GROUP, "text": "x", "message_thread_id": 5}, "message thread not found"),
        ("sendMessage", {"chat_id": FORUM, "text": "x", "message_thread_id": 6}, "TOPIC_CLOSED"),
        ("sendMessage", {"chat_id": FORUM, "text": "x", "message_thread_id": "a"}, "must be an integer"),
        ("sendMessage", KEYS | {"reply_parameters": {"message_id": 7}}, "message to be replied not found"),
        ("sendMessage", KEYS | {"reply_to_message_id": 7}, "message to be replied not found"),
        ("sendMessage", KEYS | {"reply_parameters": "{"}, "can't parse reply_parameters JSON object"),
        ("sendMessage", KEYS | {"reply_parameters": {"message_id": "a"}}, "can't parse reply parameters"),
        ("sendMessage", KEYS | {"reply_markup": "[]"}, "object expected as reply_markup"),
        ("sendMessage", KEYS | {"reply_markup": {"inline_keyboard": [{}]}}, "Array of Arrays"),
        ("sendMessage", KEYS | {"reply_markup": button(text="", callback_data="a")}, "need a text"),
        ("sendMessage", KEYS | {"reply_markup": button(text="a")}, "Text buttons are unallowed"),
        (
            "sendMessage",
            KEYS | {"reply_markup": button(text="a", callback_data="\u00e9" * 33)},
            "BUTTON_DATA_INVALID",
        ),
        ("sendMessage", KEYS | {"reply_markup": button(text="a", callback_data="")}, "BUTTON_DATA_INVALID"),
        ("sendPhoto", {"chat_id": PERSON}, "there is no photo in the request"),
        ("sendPhoto", {"chat_id": PERSON, "photo": "nope"}, "wrong file identifier"),
        ("sendPhoto", {"chat_id": PERSON, "caption": "x" * 1025}, "message caption is too long"),
        ("editMessageText", {"chat_id": PERSON, "message_id": 5, "text": "x"}, "message to edit not found"),
        ("editMessageCaption", {"chat_id": PERSON, "message_id": 5}, "message to edit not found"),
        ("editMessageMedia", {"chat_id": PERSON, "message_id": 5}, "media isn't specified"),
        ("editMessageMedia", EDIT | {"media": "{"}, "can't parse media JSON object"),
        (
            "editMessageMedia",
            EDIT | {"media": {"type": "sticker", "media": "x"}},
            '"sticker" are unsupported',
        ),
        ("editMessageMedia", EDIT | {"media": {"type": "photo"}}, "can't parse InputMedia: media not found"),
        ("editMessageMedia", EDIT | {"media": {"type": "photo", "media": "attach://a"}}, "media not found"),
        (
            "editMessageMedia",
            EDIT | {"media": {"type": "photo", "caption": "x" * 1025}},
            "caption is too long",
        ),
        ("deleteMessage", {"chat_id": PERSON, "message_id": 5}, "message to delete not found"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, "query is too old"),
        ("getFile", {"file_id": "nope"}, "wrong file identifier"),
        ("getChat", {"chat_id": 99}, "chat not found"),
        ("getChatMember", {"chat_id": GROUP, "user_id": 1}, "member not found"),
        ("getUpdates", {"limit": 101}, "limit must be between 1 and 100"),
        ("setMyCommands", {}, "commands list is empty"),
        (
            "setMyCommands",
            {"commands": [{"command": "a", "description": "b"}] * 101},
            "BOT_COMMANDS_TOO_MUCH",
        ),
        ("setMyCommands", {"commands": [{"command": "A", "description": "b"}]}, "BOT_COMMAND_INVALID"),
        (
            "setMyCommands",
            {"commands": [{"command": "a", "description": ""}]},
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        ("setMyCommands", {"commands": [], "scope": {"type": "moon"}}, "BotCommandScope"),
    ],
)
async def test_wrong_request_is_refused_with_telegrams_words(api, http, method, parameters, words):
    """Each mistake that Telegram answers with 400 is answered so, and leaves no trace in the ledger."""
    code, description = await refused(http, method, **parameters)
    assert code == 400
    assert description.startswith("Bad Request: ")
    assert words in description
    assert api.ledger.entries == []


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", 400, "file must be non-empty"),
        (b"no picture", 400, "IMAGE_PROCESS_FAILED"),
        (png(10, 201), 400, "PHOTO_INVALID_DIMENSIONS"),
        (png(9_000, 1_001), 400, "PHOTO_INVALID_DIMENSIONS"),
        (b"\0" * (10 * 1024 * 1024 + 1), 413, "Request Entity Too Large"),
    ],
    ids=["empty", "garbage", "ratio", "sides", "size"],
)
async def test_impossible_photo_is_refused(http, content, code, words):
    """A picture that Telegram cannot show is refused by size, sides or content."""
    answer = await refused(http, "sendPhoto", files={"photo": ("a.png", content)}, chat_id=str(PERSON))
    assert answer[0] == code
    assert words in answer[1]


async def test_unknown_token_and_method_are_told_apart(api, http):
    """401 for a token that does not exist, 404 for what is no token and for what is no method."""
    async with httpx.AsyncClient(base_url=api.base_url) as client:
        codes = [
            (await client.get(path)).status_code
            for path in (
                "/bot111:abc/getMe",
                "/botnonsense/getMe",
                f"/bot{TOKEN}/getMoon",
                f"/bot{TOKEN}/GETME",
            )
        ]
    assert codes == [401, 404, 404, 200]
    answer = await http.post("getMe", content=b"{", headers={"content-type": "application/json"})
    assert answer.json()["description"] == "Bad Request: can't parse JSON request body"
    answer = await http.post("getMe", content=b"[]", headers={"content-type": "application/json"})
    assert answer.json()["description"] == "Bad Request: JSON object expected as request body"


async def test_accepted_text_is_shown_as_its_reader_sees_it(api, http):
    """The longest allowed text passes, formats become entities, and the ledger has the visible words."""
    long = await ok(http, "sendMessage", chat_id=PERSON, text="x" * 4096)
    html = '<pre><code class="language-py">\U0001f6a8</code></pre><a href="https://e.org/?a&amp;b">A</a> &lt;<tg-spoiler>s</tg-spoiler>'
    message = await ok(
        http, "sendMessage", chat_id="@news", text=html, parse_mode="HTML", disable_notification=True
    )
    assert long["text"] == "x" * 4096
    assert message["text"] == "\U0001f6a8A <s"
    assert message["entities"] == [
        {"type": "pre", "offset": 0, "length": 2, "language": "py"},
        {"type": "text_link", "offset": 2, "length": 1, "url": "https://e.org/?a&b"},
        {"type": "spoiler", "offset": 5, "length": 1},
    ]
    entry = api.ledger.entries[-1]
    assert (entry.chat, entry.text, entry.silent, entry.lost) == (CHANNEL, "\U0001f6a8A <s", True, False)


async def test_expandable_quote_and_custom_emoji_are_known(http):
    """The newer tags with attributes are read."""
    html = '<blockquote expandable>q</blockquote><tg-emoji emoji-id="5">e</tg-emoji><span class=tg-spoiler>s</span><b></b>'
    message = await ok(http, "sendMessage", chat_id=PERSON, text=html, parse_mode="HTML")
    kinds = [entity["type"] for entity in message["entities"]]
    assert kinds == ["expandable_blockquote", "custom_emoji", "spoiler"]


async def test_topics_and_replies(api, http):
    """An open topic takes messages; a reply must be within the chat and the topic."""
    first = await ok(http, "sendMessage", chat_id=FORUM, text="a", message_thread_id=5)
    answer = await ok(
        http,
        "sendMessage",
        chat_id=FORUM,
        text="b",
        message_thread_id=5,
        reply_parameters={"message_id": first["message_id"]},
    )
    assert answer["reply_to_message"]["message_id"] == first["message_id"]
    assert api.ledger.entries[-1].reply_to == first["message_id"]
    _, words = await refused(
        http, "sendMessage", chat_id=FORUM, text="c", reply_parameters={"message_id": first["message_id"]}
    )
    assert "message to be replied not found" in words
    lenient = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await ok(
        http, "sendMessage", chat_id=FORUM, text="d", reply_parameters=lenient
    )
    api.people.delete_topic(FORUM, 5)
    assert (await refused(http, "sendMessage", chat_id=FORUM, text="e", message_thread_id=5))[0] == 400
    api.world.chats[FORUM].topics[7] = True
    api.people.close_topic(FORUM, 7)
    assert (
        "TOPIC_CLOSED"
        in (await refused(http, "sendMessage", chat_id=FORUM, text="f", message_thread_id=7))[1]
    )


async def test_photo_is_kept_downloaded_and_sent_again_by_id(api, http, tmp_path):
    """An upload has an id that can be sent again and a file that can be fetched, with the right token only."""
    content = png()
    answer = await http.post(
        "sendPhoto", data={"chat_id": str(PERSON), "caption": "c"}, files={"photo": ("a", content)}
    )
    file_id = answer.json()["result"]["photo"][0]["file_id"]
    await ok(http, "sendPhoto", chat_id=PERSON, photo=file_id)
    assert [entry.photo for entry in api.ledger.entries] == [hashlib.sha256(content).hexdigest()] * 2
    path = (await ok(http, "getFile", file_id=file_id))["file_path"]
    async with httpx.AsyncClient(base_url=api.base_url) as client:
        assert (await client.get(f"/file/bot{TOKEN}/{path}")).content == content
        assert (await client.get(f"/file/bot111:abc/{path}")).status_code == 401
        assert (await client.get(f"/file/bot{TOKEN}/photos/none.png")).status_code == 404


async def test_edits_follow_the_kind_of_the_message(api, http):
    """Texts and captions are edited by their own methods, only when they change, only by their bot."""
    text = (await ok(http, "sendMessage", chat_id=PERSON, text="a"))["message_id"]
    answer = await http.post("sendPhoto", data={"chat_id": str(PERSON)}, files={"photo": ("a", png())})
    photo = answer.json()["result"]["message_id"]
    assert (await ok(http, "editMessageText", chat_id=PERSON, message_id=text, text="b"))["text"] == "b"
    assert (await ok(http, "editMessageCaption", chat_id=PERSON, message_id=photo, caption="d"))[
        "caption"
    ] == "d"
    said = [
        await refused(http, "editMessageText", chat_id=PERSON, message_id=text, text="b"),
        await refused(http, "editMessageCaption", chat_id=PERSON, message_id=photo, caption="d"),
        await refused(http, "editMessageText", chat_id=PERSON, message_id=photo, text="x"),
        await refused(http, "editMessageCaption", chat_id=PERSON, message_id=text, caption="x"),
        await refused(http, "editMessageMedia", chat_id=PERSON, message_id=photo, media={"type": "video"}),
    ]
    wanted = [
        "is not modified",
        "is not modified",
        "there is no text in",
        "there is no caption in",
        "InputMedia",
    ]
    assert all(word in words for word, (_, words) in zip(wanted, said, strict=True))
    async with httpx.AsyncClient(base_url=f"{api.base_url}/bot{OTHER}/") as other:
        assert (
            "can't be edited"
            in (await refused(other, "editMessageText", chat_id=PERSON, message_id=text, text="z"))[1]
        )
        assert (
            "can't be deleted" in (await refused(other, "deleteMessage", chat_id=PERSON, message_id=text))[1]
        )
    media = json.dumps(
        {"type": "photo", "media": "attach://new", "caption": "<i>n</i>", "parse_mode": "HTML"}
    )
    answer = await http.post(
        "editMessageMedia",
        data={"chat_id": str(PERSON), "message_id": str(text), "media": media},
        files={"new": ("b", png(50, 50))},
    )
    assert answer.json()["result"]["caption"] == "n"
    assert await ok(http, "deleteMessage", chat_id=PERSON, message_id=text) is True
    methods = [entry.method for entry in api.ledger.entries]
    assert methods == [
        "sendMessage",
        "sendPhoto",
        "editMessageText",
        "editMessageCaption",
        "editMessageMedia",
        "deleteMessage",
    ]


async def add_photo(http, message_id, *, name="new", chat=PERSON, **fields):
    """Answer of editMessageMedia with an upload."""
    media = json.dumps({"type": "photo", "media": f"attach://{name}"} | fields)
    data = {"chat_id": str(chat), "message_id": str(message_id), "media": media}
    return (await http.post("editMessageMedia", data=data, files={"new": ("b", png())})).json()


async def test_a_photo_is_added_to_a_text(api, http):
    """The text becomes a photo with a caption, and from then on is edited as one."""
    text = (await ok(http, "sendMessage", chat_id=PERSON, text="words"))["message_id"]
    added = (await add_photo(http, text, caption="<b>few</b> words", parse_mode="HTML"))["result"]
    assert (added["message_id"], added["caption"], added["photo"][0]["width"]) == (text, "few words", 40)
    assert "text" not in added
    entry = api.ledger.entries[-1]
    assert (entry.method, entry.text, bool(entry.photo)) == ("editMessageMedia", "few words", True)
    again = await add_photo(http, text, caption="<b>few</b> words", parse_mode="HTML")
    assert "is not modified" in again["description"]
    assert (await refused(http, "editMessageText", chat_id=PERSON, message_id=text, text="x"))[1].endswith(
        "there is no text in the message to edit"
    )
    assert (await ok(http, "editMessageCaption", chat_id=PERSON, message_id=text, caption="y"))[
        "caption"
    ] == "y"
    assert "message to edit not found" in (await add_photo(http, 99))["description"]
    assert "media not found" in (await add_photo(http, text, name="other"))["description"]


async def test_where_no_photo_is_added(api, http):
    """Chats without photos refuse it, and a server of before refuses it for texts only."""
    text = (await ok(http, "sendMessage", chat_id=GROUP, text="words"))["message_id"]
    api.world.chats[GROUP].can_send_photos = False
    assert "not enough rights to send photos" in (await add_photo(http, text, chat=GROUP))["description"]
    api.world.chats[GROUP].can_send_photos = True
    assert (await add_photo(http, text, chat=GROUP))["ok"]
    api.world.adds_media = False
    assert (await add_photo(http, text, chat=GROUP, caption="new"))["ok"]
    text = (await ok(http, "sendMessage", chat_id=GROUP, text="words"))["message_id"]
    refusal = await add_photo(http, text, chat=GROUP)
    assert refusal["description"] == "Bad Request: there is no media in the message to edit"


async def test_rights_blocks_and_migration(api, http):
    """Chats that turned the bot away answer 403 or 400 as Telegram does, until they let it in again."""
    api.people.block(PERSON)
    assert await refused(http, "sendMessage", chat_id=PERSON, text="x") == (
        403,
        "Forbidden: bot was blocked by the user",
    )
    assert (await ok(http, "getChatMember", chat_id=PERSON, user_id=123456))["status"] == "left"
    api.people.unblock(PERSON)
    await ok(http, "sendMessage", chat_id=PERSON, text="x")
    api.people.block(GROUP)
    assert (await refused(http, "sendMessage", chat_id=GROUP, text="x"))[
        1
    ] == "Forbidden: bot was kicked from the supergroup chat"
    api.world.chats[CHANNEL].can_post = False
    assert "need administrator rights" in (await refused(http, "sendMessage", chat_id=CHANNEL, text="x"))[1]
    api.world.chats[FORUM].can_send_photos = False
    assert (
        "send photos"
        in (await refused(http, "sendPhoto", files={"photo": ("a", png())}, chat_id=str(FORUM)))[1]
    )
    api.people.migrate(OLD, -100777)
    answer = await http.post("sendMessage", json={"chat_id": OLD, "text": "x"})
    assert answer.json()["parameters"] == {"migrate_to_chat_id": -100777}
    await ok(http, "sendMessage", chat_id=-100777, text="x")
    with pytest.raises(ValueError, match="only a group"):
        api.people.migrate(CHANNEL, -5)


async def test_people_type_and_press(api, http):
    """What people do arrives as updates; a press needs a button, and its query is answered once."""
    api.people.say(PERSON, "/start sub_BTC")
    sent = await ok(
        http, "sendMessage", chat_id=PERSON, text="x", reply_markup=button(text="Why", callback_data="why:1")
    )
    query = api.people.press(PERSON, sent["message_id"], "why:1")
    with pytest.raises(LookupError, match="no button"):
        api.people.press(PERSON, sent["message_id"], "other")
    updates = await ok(http, "getUpdates")
    assert updates[0]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert updates[1]["callback_query"]["data"] == "why:1"
    assert await ok(http, "answerCallbackQuery", callback_query_id=query) is True
    assert (await refused(http, "answerCallbackQuery", callback_query_id=query))[0] == 400
    assert await ok(http, "getUpdates", offset=updates[-1]["update_id"] + 1) == []


async def test_members_of_a_group(api, http):
    """Who has written is a member, who was promoted an administrator; what is said for a chat is nobody's own."""
    api.people.say(GROUP, "hello", user=7)
    assert (await ok(http, "getChatMember", chat_id=GROUP, user_id=7))["status"] == "member"
    api.people.promote(GROUP, 7)
    assert (await ok(http, "getChatMember", chat_id=GROUP, user_id=7))["status"] == "administrator"
    api.people.say(GROUP, "as the group", user=7, speaks_for=GROUP)
    api.people.say(FORUM, "/x", user=7, thread=5)
    _, spoken, there = [update["message"] for update in await ok(http, "getUpdates")]
    assert spoken["sender_chat"]["id"] == GROUP
    assert spoken["from"]["username"] == "GroupAnonymousBot"
    assert (there["message_thread_id"], there["is_topic_message"]) == (5, True)


async def test_updates_are_confirmed_filtered_and_dropped(api, http):
    """Offsets, allowed_updates and drop_pending_updates work as documented."""
    for number in range(3):
        api.people.say(PERSON, str(number))
    assert [u["message"]["text"] for u in await ok(http, "getUpdates", offset=-1)] == ["2"]
    await ok(http, "getUpdates", allowed_updates=["callback_query"])
    api.people.say(PERSON, "unheard")
    assert len(await ok(http, "getUpdates")) == 1
    assert await ok(http, "deleteWebhook", drop_pending_updates=True) is True
    assert await ok(http, "getUpdates") == []


async def test_second_reader_of_a_token_ends_the_first(api, http):
    """Two getUpdates on one token: the older is answered 409, the newer goes on and hears what is said."""
    first = asyncio.create_task(http.post("getUpdates", json={"timeout": 30}))
    await until(lambda: len(api.requests) == 1)
    second = asyncio.create_task(http.post("getUpdates", json={"timeout": 30}))
    answer = await asyncio.wait_for(first, 5)
    assert answer.status_code == 409
    assert "terminated by other getUpdates request" in answer.json()["description"]
    api.people.say(PERSON, "hello")
    assert (await asyncio.wait_for(second, 5)).json()["result"][0]["message"]["text"] == "hello"


async def until(done):
    """Let the event loop run until `done()`."""
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - the list of requests has no event
            await asyncio.sleep(0)


async def test_stopping_ends_a_long_poll(api, http):
    """A server that stops lets its readers go."""
    poll = asyncio.create_task(http.post("getUpdates", json={"timeout": 60}))
    await until(lambda: len(api.requests) == 1)
    await asyncio.wait_for(api.stop(), 5)
    assert (await poll).json()["result"] == []


async def test_commands_are_kept_by_scope_and_language(http):
    """Menus of different scopes and languages do not overwrite each other."""
    here = {"type": "chat", "chat_id": PERSON}
    await ok(
        http,
        "setMyCommands",
        commands=[{"command": "liq", "description": "d"}],
        scope=here,
        language_code="id",
    )
    assert await ok(http, "getMyCommands", scope=here, language_code="id") == [
        {"command": "liq", "description": "d"}
    ]
    assert await ok(http, "getMyCommands") == []


async def test_faults_meet_the_requests_they_are_planned_for(api, http):
    """A fault is met by its method and chat, as often as planned, in order; others pass."""
    api.fault(Fault.flood(7, method="sendMessage", chat="@news", times=2))
    api.fault(Fault.server_error(chat=PERSON))
    for chat in (CHANNEL, "@news"):
        answer = await http.post("sendMessage", json={"chat_id": chat, "text": "x"})
        assert (answer.status_code, answer.json()["parameters"]) == (429, {"retry_after": 7})
    assert (await http.post("sendMessage", json={"chat_id": PERSON, "text": "x"})).status_code == 500
    await ok(http, "sendMessage", chat_id=CHANNEL, text="x")
    await ok(http, "sendMessage", chat_id=PERSON, text="x")
    api.fault(Fault.unauthorized(after=1))
    await ok(http, "getMe")
    assert (await http.post("getMe")).status_code == 401
    api.fault(Fault.conflict())
    api.faults.clear()
    await ok(http, "getMe")


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("kind", ["reset", "stall"])
async def test_cut_connection_before_and_after_acceptance(api, http, kind, accepted):
    """The client of a cut connection cannot know; the ledger does, and marks an answer that was lost."""
    api.fault(Fault(kind, seconds=0.01, accepted=accepted))
    with pytest.raises(httpx.TransportError):
        await http.post("sendMessage", json={"chat_id": PERSON, "text": "x"})
    assert [entry.lost for entry in api.ledger.entries] == ([True] if accepted else [])


async def test_gateway_page_and_garbage_are_no_json(api, http):
    """A gateway answers in HTML, a broken answer is cut off though the message was taken."""
    api.fault(Fault.bad_gateway())
    answer = await http.post("sendMessage", json={"chat_id": PERSON, "text": "x"})
    assert (answer.status_code, answer.text[:6]) == (502, "<html>")
    api.fault(Fault.garbage())
    answer = await http.post("sendMessage", json={"chat_id": PERSON, "text": "x"})
    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()
    assert len(api.ledger.entries) == 1


def test_impossible_chats_and_faults_cannot_be_made():
    """A scenario that Telegram cannot have is a mistake of the test."""
    for wrong in (("room", 5), ("private", -5), ("channel", 5)):
        with pytest.raises(ValueError, match="chat"):
            Chat(wrong[1], wrong[0])
    with pytest.raises(ValueError, match="topics"):
        Chat(-5, "group", topics={2: True})
    with pytest.raises(ValueError, match="unknown kind of fault"):
        Fault("earthquake")


def test_flood_limits_by_kind_of_chat():
    """One a second to a person, 20 a minute to a group, 30 a second overall; edits do not count for a person."""
    limits = FloodLimits()

    def passes(chat, now, *, private, edit=False):
        try:
            limits.admit(1, chat, private=private, edit=edit, now=now)
        except Exception as error:  # noqa: BLE001 - the wait is what the test reads
            return error.parameters["retry_after"]
        return 0

    assert [passes(1, now, private=True) for now in (0.0, 0.5, 1.0)] == [0, 1, 0]
    assert passes(1, 1.1, private=True, edit=True) == 0
    assert [passes(-1, 10.0 + n, private=False, edit=n % 2 == 1) for n in range(20)] == [0] * 20
    assert passes(-1, 30.0, private=False) == 40
    assert passes(-1, 70.0, private=False) == 0
    assert [passes(chat, 100.0, private=True) for chat in range(100, 131)] == [0] * 30 + [1]


async def test_flood_limits_are_enforced_when_asked():
    """With flood=True the second message of a second is answered 429; getMe is not counted."""
    async with (
        BotApi([TOKEN], chats(), flood=True) as api,
        httpx.AsyncClient(base_url=f"{api.base_url}/bot{TOKEN}/") as http,
    ):
        await ok(http, "sendMessage", chat_id=PERSON, text="x")
        assert (await refused(http, "sendMessage", chat_id=PERSON, text="y"))[0] == 429
        await ok(http, "getMe")
        assert [entry.text for entry in api.ledger.entries] == ["x"]


async def test_own_process_keeps_the_ledger_and_takes_orders(tmp_path):
    """Run alone it prints its address, saves photos, writes each line at once, obeys /control, and ends on SIGTERM."""
    ledger, photos = tmp_path / "sub" / "ledger.jsonl", tmp_path / "photos"
    command = [
        "-m",
        "simulator.bot_api",
        "--token",
        TOKEN,
        "--chat",
        f"private:{PERSON}",
        "--chat",
        f"supergroup:{FORUM}:@forum:5,6",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        "--ledger",
        str(ledger),
        "--photos",
        str(photos),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        base = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        async with httpx.AsyncClient(base_url=base) as http:
            await http.post(
                f"/bot{TOKEN}/sendPhoto", data={"chat_id": "@forum"}, files={"photo": ("a", png())}
            )
            assert json.loads(ledger.read_text())["chat"] == FORUM
            assert len(list(photos.iterdir())) == 1
            await http.post(
                "/control/fault", json={"kind": "error", "code": 403, "description": "Forbidden: no"}
            )
            answer = await http.post(f"/bot{TOKEN}/sendMessage", json={"chat_id": PERSON, "text": "x"})
            assert answer.status_code == 403
            assert (await http.post("/control/say", json={"chat_id": PERSON, "text": "hi"})).json() == {
                "result": 1
            }
            assert (await http.post("/control/say", json={"nonsense": 1})).status_code == 400
            assert (await http.post("/control/dance", json={})).status_code == 404
            assert len((await http.get("/control/ledger")).json()["entries"]) == 1
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
