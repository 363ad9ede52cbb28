"""Reading updates: refused tokens, second readers, outages and updates that cannot be read."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

import pytest

from simulator.bot_api.faults import Fault
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from teleglas.errors import ConfigError
from teleglas.telegram.client import TelegramClient
from teleglas.telegram.hearing import CONFLICT, hear, introduce

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
HEARD = ("message", "edited_message", "channel_post")


@dataclass
class _Health:
    heard_ms: int | None = None
    turned_ms: int = 0
    note: str = ""


class _Listener:
    """Runs `hear` and keeps what it hands over; `said` is the note at each wait."""

    def __init__(self, api: BotApi, token: str = TOKEN) -> None:
        self.health = _Health()
        self.updates: asyncio.Queue = asyncio.Queue()
        self.said: list[str] = []
        self.waited: list[float] = []
        self.client = TelegramClient(token, base_url=api.base_url)

    async def _wait(self, seconds: float) -> None:
        self.said.append(self.health.note)
        self.waited.append(seconds)

    async def run(self, wall_ms=lambda: 77) -> None:
        await self.client.bot.initialize()
        await hear(
            self.client.bot, self.updates.put, self.health, wall_ms, allowed=HEARD, setting="THE_TOKEN",
            poll_s=1, sleep=self._wait,
        )  # fmt: skip


@pytest.fixture
async def api():
    """Return a Bot API with one person."""
    async with BotApi([TOKEN], [Chat(5, "private")]) as running:
        yield running


@pytest.fixture
async def listener(api):
    """Return a listener that runs."""
    made = _Listener(api)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await made.client.close()


async def _end(listener: _Listener, task: asyncio.Task) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await listener.client.close()


async def _next(listener: _Listener):
    return await asyncio.wait_for(listener.updates.get(), 10)


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        (
            Fault(
                "error",
                "getUpdates",
                times=2,
                code=409,
                description="Conflict: terminated by other getUpdates",
            ),
            CONFLICT,
        ),
        (Fault("page", "getUpdates", times=2, code=502), "Telegram does not answer (NetworkError)"),
        (Fault("reset", "getUpdates", times=2), "Telegram does not answer (NetworkError)"),
        (Fault.flood(1, method="getUpdates"), "Telegram does not answer (RetryAfter)"),
    ],
)
async def test_trouble_is_noted_and_passes(api, fault, note):
    """While Telegram does not let us read, the health says why; nothing that is typed meanwhile is lost."""
    api.fault(fault)
    listener = _Listener(api)
    task = asyncio.create_task(listener.run())
    api.people.say(5, "/start")
    assert (await _next(listener)).message.text == "/start"
    assert set(listener.said) == {note}
    assert (listener.health.note, listener.health.heard_ms) == ("", 77)
    await _end(listener, task)


async def test_a_revoked_token_ends_it(api):
    """A token that Telegram refuses while we run is a wrong setting, not something to try for ever."""
    listener = _Listener(api)
    api.fault(Fault("error", "getUpdates", code=401, description="Unauthorized"))
    with pytest.raises(ConfigError, match=r"^THE_TOKEN: Telegram does not accept it") as refusal:
        await asyncio.wait_for(listener.run(), 10)
    assert TOKEN not in str(refusal.value)
    await listener.client.close()


async def test_an_update_that_cannot_be_read_is_skipped(api, listener):
    """One broken update neither stops the reading nor comes again."""
    bot = next(iter(api.world.bots.values()))
    bot.updates.put("message", {"message_id": "not a message"})
    api.people.say(5, "/after")
    assert (await _next(listener)).message.text == "/after"
    api.people.say(5, "/again")
    assert (await _next(listener)).message.text == "/again"


async def test_each_update_comes_once(api, listener):
    """What was handed over is confirmed, in order."""
    for number in range(120):
        api.people.say(5, f"/n{number}")
    heard = [(await _next(listener)).message.text for _ in range(120)]
    assert heard == [f"/n{number}" for number in range(120)]
    assert listener.updates.empty()


async def test_a_flood_wait_is_kept(api):
    """Telegram says how long it wants to be left alone; after other trouble we wait longer each time."""
    api.fault(Fault.flood(17, method="getUpdates"))
    api.fault(Fault("page", "getUpdates", times=2, code=502))
    api.people.say(5, "/start")
    made = _Listener(api)
    task = asyncio.create_task(made.run())
    await _next(made)
    assert made.waited == [17, 1.5, 2.25]
    await _end(made, task)


async def _heard_an_hour_ago(api, now_ms: int):
    """Return a listener whose last answer is an hour old, its task, and its clock, which the test sets."""
    clock = [now_ms - 3_600_000]
    made = _Listener(api)
    task = asyncio.create_task(made.run(lambda: clock[0]))
    async with asyncio.timeout(10):
        while made.health.heard_ms is None:  # noqa: ASYNC110 - the listener keeps no event for it
            await asyncio.sleep(0.01)
    return made, task, clock


async def test_what_was_typed_during_an_outage_is_dropped(api):
    """Telegram was out of reach for an hour: the commands of then are not answered now, though they fill several answers."""
    now = round(time.time())
    made, task, clock = await _heard_an_hour_ago(api, now * 1000)
    (bot,) = api.world.bots.values()
    home = {"id": 5, "type": "private"}
    for number in range(230):
        old = {"message_id": number + 1, "date": now - 1800, "chat": home, "text": f"/old{number}"}
        bot.updates.put("message", old)
    corrected = {"message_id": 9, "date": now - 7000, "edit_date": now, "chat": home, "text": "/corrected"}
    bot.updates.put("edited_message", corrected)
    api.people.say(5, "/new")
    clock[0] = now * 1000
    heard = [(await _next(made)).effective_message.text for _ in range(2)]
    assert heard == ["/corrected", "/new"]
    await _end(made, task)


async def test_a_wrong_clock_makes_us_deaf_for_no_longer_than_the_backlog(api):
    """Ours is a day ahead of Telegram's: what comes after the outage is heard."""
    ahead = round(time.time() * 1000) + 86_400_000
    made, task, clock = await _heard_an_hour_ago(api, ahead)
    api.people.say(5, "/lost")
    clock[0] = ahead
    async with asyncio.timeout(10):
        while made.health.heard_ms != ahead:  # noqa: ASYNC110 - the listener keeps no event for it
            await asyncio.sleep(0.01)
    api.people.say(5, "/heard")
    assert (await _next(made)).message.text == "/heard"
    await _end(made, task)


async def test_what_was_typed_before_the_start_is_dropped(api):
    """A bot introduces itself as soon as Telegram answers; what waited meanwhile is not answered."""
    api.people.say(5, "/old")
    api.fault(Fault("page", "getMe", times=2, code=502))
    made, waits = _Listener(api), []

    async def wait(seconds: float) -> bool:
        waits.append((seconds, made.health.note))
        return False

    name = await introduce(made.client.bot, made.health, setting="THE_TOKEN", wait=wait)
    assert (name, waits) == ("simulated1_bot", [(5.0, "Telegram does not answer (NetworkError)")] * 2)
    task = asyncio.create_task(made.run())
    api.people.say(5, "/new")
    assert (await _next(made)).message.text == "/new"
    await _end(made, task)


async def test_who_stops_meanwhile_is_not_kept_waiting(api):
    """The end is asked for while Telegram is out of reach; a refused token is named at once."""
    api.fault(Fault("page", "getMe", times=9, code=502))
    made = _Listener(api)

    async def enough(_: float) -> bool:
        return True

    assert await introduce(made.client.bot, made.health, setting="THE_TOKEN", wait=enough) is None
    await made.client.close()
    stranger = TelegramClient("654321:" + "B" * 35, base_url=api.base_url)
    with pytest.raises(ConfigError, match=r"^THE_TOKEN: Telegram does not accept it"):
        await introduce(stranger.bot, _Health(), setting="THE_TOKEN", wait=enough)
    await stranger.close()
