"""The daily digest over real sockets: ordered in a chat, told once at its time, whatever dies in between."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from simulator.bot_api import BotApi, Chat, Fault
from teleglas.daily_time import DailyTime, parse
from teleglas.storage.store import Store, StoreUnavailable
from tests.daily.house import HOUR_MS, TOKEN, at, opened, record_day
from ws_alert.daily.scheduler import DailyDigests
from ws_alert.outbox.outbox import UNKNOWN_WAIT_MS

PERSON, OTHER, GROUP = 42, 43, -1001
JAKARTA_DAY = at("2026-11-19 17:00")
EIGHT = at("2026-11-21 01:00")
"""08:00 in Jakarta, where the day before lasted from JAKARTA_DAY for 24 hours."""

MORNING = parse("08:00 Asia/Jakarta")


@pytest.fixture
async def api(tmp_path):
    """Serve a Bot API with two people and a group."""
    chats = [Chat(PERSON, "private"), Chat(OTHER, "private"), Chat(GROUP, "group")]
    async with BotApi([TOKEN], chats, photos=tmp_path / "photos") as running:
        yield running


@pytest.fixture
def path(tmp_path):
    """Return a database in which the day before is recorded."""
    file = tmp_path / "alert.db"
    record_day(file, JAKARTA_DAY)
    return file


async def test_a_person_orders_it_and_gets_it_once_with_a_picture(path, api):
    """`/digest 08:00` in a chat; when it is eight there, one message with the day's picture comes, and only one."""
    async with opened(path, api, (str(PERSON),), EIGHT - 600_000, charts=True) as house:
        answer = await house.say(PERSON, "/digest 08:00 Asia/Jakarta")
        assert "comes here at 08:00, time of Asia/Jakarta" in answer.text
        assert "It is 2026-11-21 07:50 there now; the first comes 2026-11-21 08:00." in answer.text
        await house.look(EIGHT - 1)
        assert len(house.told(PERSON)) == 1
        for _ in range(3):
            await house.look(EIGHT)
            await house.quiet()
        (digest,) = house.messages(PERSON)[1:]
        assert digest.text.startswith(
            "Yesterday: at least $8.64B liquidated, 1 storm, BTC longs at least $90.0M\n"
        )
        assert "Fri 20 Nov 2026 in Asia/Jakarta (UTC 11-19 17:00 to 11-20 17:00)" in digest.text
        assert "Longs at least $5.76B (67 %), shorts at least $2.88B · longs/shorts 2.00" in digest.text
        assert "In storm: 1 of 2 coins with liquidations (50.0 %)" in digest.text
        assert "Largest single: $2.15M BTC long on Bybit at 96,480, 01:00" in digest.text
        assert "our own tape of Binance, Bybit, OKX, coverage 100 %" in digest.text
        assert digest.picture is not None
        with Image.open(io.BytesIO(digest.picture.content)) as image:
            assert image.size == (1080, 1080)


async def test_every_day_has_its_own(path, api):
    """The next morning tells the next day, and the one of before is not told again."""
    record_day(path, JAKARTA_DAY + 24 * HOUR_MS, usd=10**8)
    async with opened(path, api, (str(PERSON),), EIGHT, default=MORNING) as house:
        for day in (0, 0, 1, 1):
            await house.look(EIGHT + day * 24 * HOUR_MS)
            await house.quiet()
        first, second = (message.text.split("\n") for message in house.messages(PERSON))
    assert first[1].startswith("Fri 20 Nov 2026")
    assert second[1].startswith("Sat 21 Nov 2026")
    assert second[0].startswith("Yesterday: at least $864M")


async def test_a_death_between_commit_and_send_loses_and_repeats_nothing(path, api):
    """Committed, not sent, dead: the next life sends it, without making it anew."""
    async with opened(path, api, (str(PERSON),), EIGHT, default=MORNING, delivers=False) as house:
        await house.look()
        assert house.told(PERSON) == []
    async with opened(path, api, (str(PERSON),), EIGHT + 60_000, default=MORNING) as house:
        await house.look()
        await house.quiet()
        await house.look()
        (told,) = house.told(PERSON)
    assert "may repeat" not in told.text


async def test_a_repeat_that_cannot_be_avoided_says_so(path, api):
    """Telegram took it and its answer got lost: a minute later it comes once more, labelled."""
    api.fault(Fault.reset(method="sendMessage", accepted=True))
    async with opened(path, api, (str(PERSON),), EIGHT, default=MORNING) as house:
        await house.look()
        await api.ledger.until(lambda entries: len(entries) == 1, timeout=10)
    async with opened(path, api, (str(PERSON),), EIGHT + UNKNOWN_WAIT_MS + 1_000, default=MORNING) as house:
        await house.look()
        await api.ledger.until(lambda entries: len(entries) == 2, timeout=10)
        await house.look(EIGHT + 3 * HOUR_MS)
        await house.quiet()
        first, second = house.told(PERSON)
    assert "may repeat" not in first.text
    assert "(may repeat: the last attempt was not confirmed)" in second.text


async def test_after_a_downtime_it_comes_late_or_not_at_all(path, api):
    """Down at eight: up to twelve hours later it is told and says how late; later it is left out, with a line."""
    async with opened(path, api, (str(PERSON), str(OTHER)), EIGHT, default=MORNING) as house:
        await house.digests.choose(str(OTHER), parse("07:00 Asia/Jakarta"), EIGHT - 24 * HOUR_MS)
        with capture_logs() as logs:
            await house.look(EIGHT + 12 * HOUR_MS)
            await house.look(EIGHT + 12 * HOUR_MS + 1_000)
        await house.quiet()
        (late,) = house.told(PERSON)
        assert "due 08:00, 12 h late" in late.text
        assert house.told(OTHER) == []
    left_out = [line for line in logs if line["event"] == "digest_left_out"]
    assert [(line["target"], line["why"]) for line in left_out] == [(str(OTHER), "it is too late")]


async def test_a_day_without_a_record_says_what_is_missing(tmp_path, api):
    """The process did not run in the morning: the digest says from when until when; of a whole day it has no zeros."""
    path = tmp_path / "alert.db"
    record_day(path, JAKARTA_DAY + 9 * HOUR_MS, hours=15)
    record_day(path, JAKARTA_DAY - 24 * HOUR_MS, hours=1)
    async with opened(path, api, (str(PERSON),), EIGHT, default=MORNING, charts=True) as house:
        await house.look()
        await house.quiet()
        await house.look(EIGHT + 24 * HOUR_MS)
        await house.quiet()
        part, nothing = house.messages(PERSON)
    assert (
        "Nothing was recorded from 00:00 to 09:00: the alert process did not run, or could not write"
        in part.text
    )
    assert "Only 62 % of the day was seen; the sums are of that" in part.text
    assert nothing.text.startswith("Yesterday: nothing is known, because nothing was recorded")
    assert "Nothing was recorded from 00:00 to 24:00" in nothing.text
    assert "$" not in nothing.text
    assert nothing.picture is None


async def test_the_settings_are_the_default_and_a_chat_may_choose_otherwise(path, api):
    """DIGEST_AT is for every target; who chose off gets none, who chose another time gets it then."""
    targets = (str(PERSON), str(OTHER), str(GROUP))
    async with opened(path, api, targets, EIGHT - HOUR_MS, default=MORNING) as house:
        await house.say(OTHER, "/digest off")
        api.people.promote(GROUP, OTHER)
        await house.say(GROUP, "/digest 09.30", user=OTHER)
        await house.look(EIGHT)
        await house.quiet()
        assert [len(house.told(chat)) for chat in (PERSON, OTHER, GROUP)] == [1, 1, 1]
        await house.look(EIGHT + 90 * 60_000)
        await house.quiet()
        assert [len(house.told(chat)) for chat in (PERSON, OTHER, GROUP)] == [1, 1, 2]


async def test_what_was_due_before_it_was_ordered_is_not_told(path, api):
    """Ordered at nine for eight, it begins tomorrow; moved to ten on the same day, it comes at ten."""
    async with opened(path, api, (str(PERSON),), EIGHT + HOUR_MS) as house:
        answer = await house.say(PERSON, "/digest 08:00 Asia/Jakarta")
        assert "the first comes 2026-11-22 08:00" in answer.text
        await house.look(EIGHT + HOUR_MS + 60_000)
        await house.quiet()
        assert len(house.told(PERSON)) == 1
        await house.say(PERSON, "/digest 10:00")
        await house.look(EIGHT + 2 * HOUR_MS)
        await house.quiet()
        assert len(house.told(PERSON)) == 3
        await house.say(PERSON, "/digest 11:00")
        await house.look(EIGHT + 3 * HOUR_MS)
        await house.quiet()
        assert len(house.told(PERSON)) == 4


async def test_a_first_start_posts_nothing(tmp_path, api):
    """A process that has never recorded anything before eight does not begin its life with a digest of nothing."""
    path = tmp_path / "alert.db"
    record_day(path, EIGHT + HOUR_MS, hours=1)
    async with opened(path, api, (str(PERSON),), EIGHT + 2 * HOUR_MS, default=MORNING) as house:
        with capture_logs() as logs:
            await house.look()
    assert api.ledger.entries == []
    assert [line["why"] for line in logs] == ["nothing had been recorded by then"]


async def test_while_the_database_is_away_none_is_made_of_half_of_it(path, api):
    """Memory stands in for a database that cannot be used: no digest is made of it; it comes when the database does."""
    async with opened(path, api, (str(PERSON),), EIGHT, default=MORNING) as house:
        broken = house.store._stores.home.engine
        real = broken.connect
        broken.connect = _unusable
        with pytest.raises(StoreUnavailable, match="away"):
            await house.look()
        broken.connect = real
        house.store._stores._try_home_at = 0.0
        await house.look()
        await house.quiet()
        (told,) = house.told(PERSON)
    assert told.text.startswith("Yesterday: at least $8.64B")


async def test_trouble_is_told_once(path, api):
    """A database that stays away is one line in the log, not one every five seconds; the digest comes afterwards."""
    looks: list[float] = []

    async def sleep(seconds: float) -> None:
        looks.append(seconds)
        await asyncio.sleep(0.01)

    async with opened(path, api, (str(PERSON),), EIGHT, default=MORNING) as house:
        broken = house.store._stores.home.engine
        real, broken.connect = broken.connect, _unusable
        digests = DailyDigests(
            house.store, {str(PERSON): MORNING}, clock=house.clock, wake=house.dispatcher.wake, sleep=sleep
        )
        with capture_logs() as logs:
            running = asyncio.create_task(digests.run())
            async with asyncio.timeout(10):
                while len(looks) < 4:  # noqa: ASYNC110 - the task has no event
                    await asyncio.sleep(0.01)
                broken.connect, house.store._stores._try_home_at = real, 0.0
                while not house.told(PERSON):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert [line["event"] for line in logs].count("digests_not_made") == 1


def _unusable() -> None:
    raise OperationalError("", None, Exception("away"))


async def test_a_group_that_moved_keeps_its_digest(path, api):
    """A group becomes a supergroup: its digest follows, and it may still be changed there."""
    moved = -1_009_999
    async with opened(path, api, (str(GROUP),), EIGHT - HOUR_MS, default=MORNING) as house:
        api.people.migrate(GROUP, moved)
        await house.store.run(Store.migrate_chat, str(GROUP), str(moved))
        await house.look(EIGHT)
        await house.quiet()
        assert len(house.told(moved)) == 1
        api.people.promote(moved, OTHER)
        answer = await house.say(moved, "/digest off", user=OTHER)
        assert "No daily digest" in answer.text
        await house.look(EIGHT + 24 * HOUR_MS)
        await house.quiet()
        assert len(house.told(moved)) == 2


async def test_what_is_simulated_says_so(path, api):
    """A digest of a simulated market can never be taken for the market."""
    async with opened(path, api, (str(PERSON),), EIGHT, default=DailyTime(0, 0), simulated=True) as house:
        await house.look()
        await house.quiet()
        (told,) = house.told(PERSON)
    assert told.text.startswith("SIMULATED yesterday: ")
    assert told.silent
