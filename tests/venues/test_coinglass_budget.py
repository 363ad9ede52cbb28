"""Two bots with one key against a counting server: the plan's minute is never exceeded."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from simulator.world import World
from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from teleglas.venues.coinglass.budget import SharedBudget
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.rest_client import Throttled

KEY = "simulated-startup"


class Time:
    """A clock that the tests' sleeps move, together with the simulated world."""

    def __init__(self, world):
        self.world = world

    def wall_ms(self):
        """Return the world's Unix ms."""
        return self.world.start_ms + self.world.now_ms

    async def sleep(self, seconds):
        """Let the world go on for so long."""
        until = self.wall_ms() + seconds * 1000
        while self.wall_ms() < until:
            await self.world.advance(100)


@pytest.fixture
async def world():
    """Return a world that stands still."""
    async with World(scenario="quiet", speed=0, start_ms=1_790_000_000_000) as running:
        yield running


@pytest.fixture
async def thread(tmp_path):
    """Return a database of its own."""
    running = StoreThread(open_store(f"sqlite:///{tmp_path}/a.db"))
    yield running
    await running.close()


def budget_of(thread, time):
    """Return the budget as one process has it."""
    return SharedBudget(thread, KEY, wall_ms=time.wall_ms, sleep=time.sleep)


def rest_of(http, world, budget):
    """Return one bot's client."""
    rest = CoinglassRest(http, world.urls["COINGLASS_REST_URL"])
    rest.use_key(KEY)
    rest.share(budget)
    return rest


async def test_two_bots_stay_within_the_plan(world, tmp_path):
    """200 requests of two processes at once: not one is refused, and most of each minute is used."""
    time = Time(world)
    threads = [StoreThread(open_store(f"sqlite:///{tmp_path}/a.db")) for _ in range(2)]
    async with httpx.AsyncClient() as http:
        bots = [rest_of(http, world, budget_of(thread, time)) for thread in threads]
        for bot in bots:
            await bot.supported_coins()  # tells the limit
        wishes = [bot.supported_coins() for _ in range(100) for bot in bots]
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        done = [answer for answer in answers if isinstance(answer, bytes)]
        assert {type(answer) for answer in answers} == {bytes, Throttled}
        assert len(done) + 2 == world.venues["coinglass"].rest.requests == 76
    for thread in threads:
        await thread.close()


async def test_a_poller_leaves_half_to_people(world, thread):
    """What polls without end paces itself by half of the key's minute, within the shared budget."""
    time = Time(world)
    async with httpx.AsyncClient() as http:
        poller = CoinglassRest(
            http, world.urls["COINGLASS_REST_URL"], clock=lambda: time.wall_ms() / 1000, sleep=time.sleep
        )
        poller.use_key(KEY)
        poller.share(budget_of(thread, time), half=True)
        began = time.wall_ms()
        for _ in range(30):
            await poller.supported_coins()
        assert time.wall_ms() - began > 30_000
        assert (await budget_of(thread, time).state()).used < 40


async def test_a_turn_is_waited_for_or_refused_at_once(world, thread):
    """A short wait is waited, a long one is an error with its length, and costs no request."""
    time = Time(world)
    budget = budget_of(thread, time)
    for _ in range(29):
        await budget.turn()
    with pytest.raises(Throttled) as caught:
        await budget.turn(patience_s=5)
    assert 50 < caught.value.wait_s < 65
    began = time.wall_ms()
    await budget.turn(patience_s=70)
    assert 50_000 < time.wall_ms() - began < 65_000


async def test_a_429_silences_both_bots(world, thread):
    """When the service refuses one bot, the other does not ask either until the quiet is over."""
    time = Time(world)
    async with httpx.AsyncClient() as http:
        stranger = CoinglassRest(http, world.urls["COINGLASS_REST_URL"])
        stranger.use_key(KEY)
        world.venues["coinglass"].faults.set("refuse_rest", 429)
        first, second = (rest_of(http, world, budget_of(thread, time)) for _ in range(2))
        with pytest.raises(Throttled):
            await first.supported_coins()
        asked = world.venues["coinglass"].rest.requests
        world.venues["coinglass"].faults.clear()
        with pytest.raises(Throttled):
            await second.supported_coins()
        assert world.venues["coinglass"].rest.requests == asked
        await time.sleep(31)
        assert b"BTC" in await second.supported_coins()


async def test_strangers_use_is_learned_from_the_headers(world, thread):
    """What other programs used up of the key's minute is not used again."""
    time = Time(world)
    async with httpx.AsyncClient() as http:
        for _ in range(70):
            await http.get(world.urls["COINGLASS_REST_URL"] + "/api/futures/supported-coins", headers={"CG-API-KEY": KEY})
        budget = budget_of(thread, time)
        await rest_of(http, world, budget).supported_coins()
        state = await budget.state()
        assert (state.per_minute, state.used) == (80, 71)


async def test_without_a_database_each_keeps_to_half(world, tmp_path):
    """While the database cannot be used the processes do not see each other."""
    store = open_store(f"sqlite:///{tmp_path}/a.db")
    thread = StoreThread(store)
    sa.event.listen(store.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA query_only=ON"))
    budget = budget_of(thread, Time(world))
    for _ in range(29 // 2):
        await budget.turn(patience_s=1)
    with pytest.raises(Throttled):
        await budget.turn(patience_s=1)
    assert thread.degraded
    assert (await budget.state()).used == 29 // 2
    await thread.close()
