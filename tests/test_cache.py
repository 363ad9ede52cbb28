"""The cache: fresh for as long as the reader says, one question at a time, bounded."""

from __future__ import annotations

import asyncio

import pytest

from teleglas.cache import TtlCache


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class _Source:
    """Answers with how often it was asked, once it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self) -> int:
        self.asked += 1
        await self.open.wait()
        return self.asked


async def test_an_answer_is_fresh_for_as_long_as_the_reader_says():
    """Two readers may want different ages of the same answer."""
    clock, source = _Clock(), _Source()
    cache = TtlCache(clock=clock)
    assert (await cache.get("a", 5, source)).value == 1
    clock.now += 4.9
    assert (await cache.get("a", 5, source)).value == 1
    assert (await cache.get("a", 3, source)).value == 2
    clock.now += 5
    assert (await cache.get("a", 5, source)).value == 3
    assert cache.age_s(cache.peek("a")) == 0


async def test_equal_questions_are_asked_once():
    """A hundred people who ask at once cost one request."""
    source = _Source()
    source.open.clear()
    cache = TtlCache()
    asking = [asyncio.ensure_future(cache.get("a", 5, source)) for _ in range(100)]
    await asyncio.sleep(0)
    source.open.set()
    assert {kept.value for kept in await asyncio.gather(*asking)} == {1}


async def test_a_question_outlives_those_who_gave_up():
    """Whoever asks next finds the answer."""
    source = _Source()
    source.open.clear()
    cache = TtlCache()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await cache.get("a", 5, source)
    source.open.set()
    assert (await cache.get("a", 5, source)).value == 1


async def test_failures_reach_everyone_and_are_not_kept():
    """The older answer stays, and the next question is asked again."""
    clock, source = _Clock(), _Source()
    cache = TtlCache(clock=clock)
    await cache.get("a", 5, source)
    clock.now += 10

    async def fail() -> int:
        raise ValueError("no")

    both = await asyncio.gather(cache.get("a", 5, fail), cache.get("a", 5, fail), return_exceptions=True)
    assert [type(error) for error in both] == [ValueError, ValueError]
    assert cache.peek("a").value == 1
    assert (await cache.get("a", 5, source)).value == 2


async def test_the_least_recently_used_goes_first():
    """Room is bounded however many coins people ask for."""
    cache, source = TtlCache(room=2), _Source()
    for key in ("a", "b", "a", "c"):
        await cache.get(key, 60, source)
    assert (len(cache), cache.peek("b")) == (2, None)


async def test_closing_gives_up_what_is_under_way():
    """No task is left behind at shutdown."""
    source = _Source()
    source.open.clear()
    cache = TtlCache()
    asking = asyncio.ensure_future(cache.get("a", 5, source))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
