"""Which coins are known while the sources are still telling theirs."""

from __future__ import annotations

import asyncio

import pytest

from bot.answers import Block, MissingError, Reason
from bot.commands.desk import CoinLists


class _Source:
    """Lists coins as soon as it is let; none at all: it fails."""

    def __init__(self, *coins: str, at_once: bool = True) -> None:
        self._coins = coins
        self.free = asyncio.Event()
        if at_once:
            self.free.set()

    async def coins(self) -> Block[tuple[str, ...]]:
        await self.free.wait()
        if not self._coins:
            raise MissingError(Reason.NO_ANSWER, "Nobody")
        return Block(self._coins, None, "x")


async def _none() -> frozenset[str]:
    return frozenset()


@pytest.fixture
async def opened():
    """Make lists of coins that are closed at the end."""
    made: list[CoinLists] = []

    def make(*sources: _Source) -> CoinLists:
        made.append(CoinLists(sources, _none))
        return made[-1]

    yield make
    for lists in made:
        await lists.close()


async def test_the_first_list_is_enough_for_a_coin_of_it(opened):
    """A slow source holds nobody who asks for a coin that another one lists."""
    slow = _Source("SOL", at_once=False)
    lists = opened(slow, _Source("BTC", "ETH"))
    assert list(await lists.known()) == ["BTC", "ETH"]
    slow.free.set()
    assert set(await lists.every()) == {"BTC", "ETH", "SOL"}


async def test_only_every_list_makes_a_coin_unknown(opened):
    """Who asks for what the first list lacks waits for the others."""
    slow = _Source("SOL", at_once=False)
    lists = opened(_Source("BTC"), slow)
    waiting = asyncio.create_task(lists.every())
    await lists.known()
    assert not waiting.done()
    slow.free.set()
    assert "SOL" in await waiting


async def test_failed_lists_are_not_waited_for(opened):
    """When all have failed there are no coins, and nobody waits for them any more."""
    lists = opened(_Source(), _Source())
    assert not await lists.every()
    assert not await lists.known()
