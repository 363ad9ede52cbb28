"""What is typed to the alert bot over real sockets: who is answered, who may change what, and that help is true."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from simulator.bot_api import BotApi, Chat, Fault
from teleglas.storage.digests import digest_choices
from tests.daily.house import TOKEN, House, at, opened, record_day
from ws_alert.chat.commands import COMMANDS

PERSON, ADMIN, STRANGER = 42, 43, 44
GROUP, FORUM, CHANNEL, FOREIGN = -1001, -1002, -1003, -1004
NOW = at("2026-11-21 00:50")
TARGETS = (str(PERSON), str(GROUP), f"{FORUM}:17", f"{FORUM}:18", "@Our_News")


@pytest.fixture
async def api():
    """Serve a Bot API with people, a group, a forum and two channels."""
    chats = [
        Chat(PERSON, "private"), Chat(ADMIN, "private"), Chat(STRANGER, "private"), Chat(GROUP, "group"),
        Chat(FORUM, "supergroup", topics={17: True, 18: True, 19: True}), Chat(CHANNEL, "channel", username="our_news"),
        Chat(FOREIGN, "channel", username="other_news"),
    ]  # fmt: skip
    async with BotApi([TOKEN], chats) as running:
        yield running


@pytest.fixture
async def house(tmp_path, api):
    """Return a running house with yesterday on record."""
    path = tmp_path / "alert.db"
    record_day(path, at("2026-11-20 00:00"))
    async with opened(path, api, TARGETS, NOW, admin=ADMIN) as running:
        yield running


async def _choices(house: House) -> dict[str, str]:
    return {target: choice.at for target, choice in (await house.store.run(digest_choices)).items()}


async def test_choosing_showing_and_switching_off(house):
    """A time is remembered with its zone, the zone is kept for the next time, and off is off."""
    shown = await house.say(PERSON, "/digest")
    assert shown.text.startswith(
        "No daily digest comes here. /digest 08:00 Asia/Jakarta orders one.\nA preview:\n"
    )
    assert "Yesterday: at least $8.64B liquidated" in shown.text
    await house.say(PERSON, "/digest 8:00 jakarta")
    assert await _choices(house) == {str(PERSON): "08:00 Asia/Jakarta"}
    assert "09:15, time of Asia/Jakarta" in (await house.say(PERSON, "/digest 9:15")).text
    again = await house.say(PERSON, "/digest")
    assert again.text.startswith("The daily digest comes at 09:15, time of Asia/Jakarta, as chosen here.")
    assert "No daily digest comes here" in (await house.say(PERSON, "/digest OFF")).text
    assert await _choices(house) == {str(PERSON): ""}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/digest 25:00", "'25:00' is no time of day. Write it as 08:00."),
        ("/digest <b>&", "'<b>&' is no time of day."),
        ("/digest 08:00 Asia/Jakata", "'Asia/Jakata' is no time zone. Near are Asia/Jakarta"),
    ],
)
async def test_a_slip_is_explained_and_changes_nothing(house, typed, said):
    """What cannot be read is answered with how to write it."""
    answer = await house.say(PERSON, typed)
    assert answer.text.startswith(said)
    assert answer.text.endswith("For example: /digest 08:00 Asia/Jakarta")
    assert await _choices(house) == {}


async def test_help_tells_of_what_exists_and_nothing_else(house):
    """/start and /help name exactly the commands that there are; an unknown one is answered with them."""
    for typed in ("/start", "/help", "/start sub_BTC_storm"):
        answer = await house.say(PERSON, typed)
        assert answer.text.startswith("TELEGLAS sends its alerts to this chat.")
        assert set(re.findall(r"/(\w+)", answer.text.replace("Asia/Jakarta", ""))) == COMMANDS.keys() - {
            "start"
        }
    unknown = await house.say(PERSON, "/mute BTC")
    assert unknown.text.startswith("There is no command /mute.\n/digest")
    trouble = await house.say(ADMIN, "/help")
    assert trouble.text.startswith("This is the administrator's chat")


async def test_in_groups_administrators_decide(house):
    """A member is refused, an administrator is not, nor who writes as the group; a channel's voice is no administrator's."""
    house.api.people.promote(GROUP, ADMIN)
    refused = await house.say(GROUP, "/digest 08:00", user=STRANGER)
    assert refused.text == "Only administrators of this group can change its daily digest."
    assert refused.reply_to is not None
    foreign = await house.say(GROUP, "/digest 08:00", user=ADMIN, speaks_for=FOREIGN)
    assert foreign.text.startswith("Only administrators")
    assert await _choices(house) == {}
    await house.say(GROUP, "/digest 08:00 UTC", user=ADMIN)
    assert await _choices(house) == {str(GROUP): "08:00 UTC"}
    await house.say(GROUP, "/digest@Simulated1_Bot 09:00 UTC", user=STRANGER, speaks_for=GROUP)
    assert await _choices(house) == {str(GROUP): "09:00 UTC"}


async def test_a_member_may_look(house):
    """Asking changes nothing, so everybody in the group may."""
    shown = await house.say(GROUP, "/digest", user=STRANGER)
    assert shown.text.startswith("No daily digest comes here.")


async def test_where_telegram_does_not_tell_nothing_is_changed(house):
    """Telegram refuses to say who is an administrator: that is answered, and nobody is taken for one."""
    house.api.fault(Fault.bad_request("CHAT_ADMIN_REQUIRED", method="getChatMember"))
    answer = await house.say(GROUP, "/digest 08:00", user=ADMIN)
    assert answer.text.startswith("Sorry, Telegram did not tell whether you are an administrator")
    assert await _choices(house) == {}


async def test_topics_are_targets_of_their_own(house):
    """A command in a topic is about that topic; elsewhere in a forum with several it is asked which one is meant."""
    house.api.people.promote(FORUM, ADMIN)
    answer = await house.say(FORUM, "/digest 08:00 UTC", user=ADMIN, thread=17)
    assert answer.thread == 17
    assert await _choices(house) == {f"{FORUM}:17": "08:00 UTC"}
    general = await house.say(FORUM, "/digest 09:00", user=ADMIN)
    assert general.text == "This chat gets alerts in several topics. Type it in the topic that is meant."
    assert await _choices(house) == {f"{FORUM}:17": "08:00 UTC"}


async def test_a_channel_s_own_post_decides(house):
    """Only administrators can post in a channel; it is known by its name, in any case."""
    await house.say(CHANNEL, "/digest 08:00 UTC")
    assert await _choices(house) == {"@Our_News": "08:00 UTC"}


async def test_who_is_not_concerned_is_not_answered(house):
    """Strangers, foreign channels, other bots' commands, unknown ones in groups, and plain words get no answer."""
    say = house.api.people.say
    say(STRANGER, "/start")
    say(STRANGER, "/digest 08:00")
    say(FOREIGN, "/digest 08:00")
    say(GROUP, "/digest@other_bot 08:00", user=ADMIN)
    say(GROUP, "/mute", user=ADMIN)
    say(PERSON, "good morning")
    answer = await house.say(PERSON, "/help")
    assert house.api.ledger.entries == [answer]
    assert await _choices(house) == {}


async def test_who_hurries_is_not_answered_each_time(house):
    """Six at once are answered, the seventh is not: a picture is drawn for each."""
    for _ in range(6):
        await house.say(PERSON, "/help")
    house.api.people.say(PERSON, "/help")
    await house.say(GROUP, "/help", user=STRANGER)
    assert len(house.told(PERSON)) == 6


async def test_a_refused_token_ends_the_listening_only(tmp_path, api):
    """Telegram refuses the token while we listen: one line without the token, and the digests go on."""
    path = tmp_path / "alert.db"
    record_day(path, at("2026-11-20 00:00"))
    api.fault(Fault.unauthorized(method="getUpdates"))
    with capture_logs() as logs:
        async with opened(path, api, TARGETS, NOW) as house, asyncio.timeout(10):
            while not any(line["event"] == "commands_not_heard" for line in logs):  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)
            await house.digests.look(house.clock())
    (line,) = [line for line in logs if line["event"] == "commands_not_heard"]
    assert line["why"].startswith("TELEGRAM_ALERT_TOKEN: Telegram does not accept it")
    assert TOKEN not in str(logs)


async def test_a_choice_that_cannot_be_stored_is_not_promised(house):
    """While the database is away a choice would be forgotten: the chat is told, and nothing has changed afterwards."""

    def away():
        raise OperationalError("", None, Exception("away"))

    engine = house.store._stores.home.engine
    real, engine.connect = engine.connect, away
    answer = await house.say(PERSON, "/digest 08:00")
    assert answer.text == "Sorry, the database cannot be used now, nothing was changed."
    engine.connect, house.store._stores._try_home_at = real, 0.0
    assert await _choices(house) == {}
