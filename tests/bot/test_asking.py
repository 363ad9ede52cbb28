"""One question to several sources: order, hesitation, failures and the deadline."""

from __future__ import annotations

import asyncio

from bot.answers import Block, Missing, MissingError, Reason, known
from bot.asking import Deadline, answer
from bot.views.origin import Context, why
from teleglas.language import load_words
from teleglas.venues.answer import KeyRefused, NeedsPlan, SourceBusy, SourceChanged, SourceDown, UnknownSymbol


def _says(value, *, stale: bool = False):
    async def ask() -> Block[int]:
        return Block(value, None, "x", stale=stale)

    return ask


def _fails(error: Exception):
    async def ask() -> Block[int]:
        raise error

    return ask


async def _hangs() -> Block[int]:
    await asyncio.Event().wait()
    raise AssertionError


async def test_the_first_good_answer_counts():
    """The second source is not needed where the first one answers."""
    found = await answer([("a", _says(1)), ("b", _says(2))], Deadline(5))
    assert found.value == 1


async def test_zero_is_an_answer():
    """Nothing is taken for missing because it is zero."""
    assert (await answer([("a", _says(0)), ("b", _says(2))], Deadline(5))).value == 0


async def test_a_refusal_asks_the_next():
    """Whatever the first source refuses, the second is asked."""
    for error in (
        NeedsPlan("CoinGlass", "x", "Startup"),
        SourceDown("CoinGlass", "x"),
        MissingError(Reason.EMPTY, "a"),
        KeyError("ours"),
    ):
        assert (await answer([("a", _fails(error)), ("b", _says(2))], Deadline(5))).value == 2


async def test_a_hesitating_source_is_overtaken():
    """A source that does not answer costs less than a second."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await answer([("a", _hangs), ("b", _says(2))], Deadline(5))).value == 2
    assert loop.time() - begun < 1.0


async def test_the_deadline_ends_it():
    """When nobody answers in time, the one that was waited for is named."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    found = await answer([("a", _hangs), ("b", _hangs)], Deadline(0.8))
    assert found.missing == Missing(Reason.NO_ANSWER, "a")
    assert loop.time() - begun < 1.2


async def test_an_old_answer_is_better_than_none():
    """A stale answer stands where no fresh one comes, and only there."""
    assert (await answer([("a", _says(1, stale=True)), ("b", _says(2))], Deadline(5))).value == 2
    assert (
        await answer([("a", _says(1, stale=True)), ("b", _fails(SourceDown("b", "")))], Deadline(5))
    ).value == 1
    assert (await answer([("a", _says(1, stale=True)), ("b", _hangs)], Deadline(0.3))).value == 1


async def test_a_larger_plan_is_named_besides():
    """Where the tape has nothing either, the plan that would tell is named, in words before the tape's reason."""
    refused, empty = _fails(NeedsPlan("CoinGlass", "x", "Professional")), _fails(MissingError(Reason.NOT_RECORDED, "own tape"))
    for last in (empty, _hangs):
        found = await answer([("CoinGlass", refused), ("own tape", last)], Deadline(0.3))
        assert found.missing is not None
        assert found.missing.plan == "Professional"
    both = await answer([("CoinGlass", refused), ("own tape", empty)], Deadline(5))
    context = Context(load_words("bot")["en"], 0)
    assert why(both.missing, context) == "needs the Professional plan of CoinGlass, the alert bot has recorded nothing yet"
    alone = await answer([("CoinGlass", refused)], Deadline(5))
    assert why(alone.missing, context) == "needs the Professional plan of CoinGlass"


async def test_why_there_is_no_answer():
    """Each kind of failure has its reason; the last source's is told."""
    cases = {
        NeedsPlan("CoinGlass", "x", "Startup"): Missing(Reason.NEEDS_PLAN, "a", "Startup"),
        KeyRefused("CoinGlass", "x"): Missing(Reason.BAD_KEY, "a"),
        UnknownSymbol("CoinGlass", "x"): Missing(Reason.NOT_LISTED, "a"),
        SourceBusy("CoinGlass", 3.0): Missing(Reason.BUSY, "a"),
        SourceChanged("CoinGlass", "x"): Missing(Reason.CHANGED, "a"),
        MissingError(Reason.NOT_RECORDED, "tape"): Missing(Reason.NOT_RECORDED, "tape"),
        KeyError("ours"): Missing(Reason.CHANGED, "a"),
    }
    for error, wanted in cases.items():
        assert (await answer([("a", _fails(error))], Deadline(5))).missing == wanted


async def test_a_block_with_a_value_has_no_reason():
    """`known` and `missing` cannot be mixed up by their makers."""
    assert known(1, "x", 5).missing is None
