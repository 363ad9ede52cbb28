"""The best of several who may know: the first in order, unless it is slow or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from bot.answers import Missing, MissingError, Reason

__all__ = ["first", "main_reason"]

_HEAD_START_S = 0.5
_UNKNOWN_COIN = frozenset({Reason.NOT_LISTED, Reason.NOT_PUBLISHED, Reason.EMPTY})
T = TypeVar("T")


async def first(
    asks: Sequence[Callable[[], Coroutine[Any, Any, T]]], *, head_start_s: float = _HEAD_START_S
) -> T:
    """Return the answer of the earliest in the order that has one.

    The next is asked when one failed or has not answered for `head_start_s` seconds; the
    others are then given up. Raises MissingError with the main reason if all fail.
    """
    waiting = list(asks)
    running: list[asyncio.Task[T]] = []
    try:
        while waiting or not all(task.done() for task in running):
            if waiting:
                running.append(asyncio.create_task(waiting.pop(0)()))
            await asyncio.wait(
                [task for task in running if not task.done()],
                timeout=head_start_s if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in running:
                if task.done() and _missing(task) is None:
                    return task.result()
        raise main_reason(missing for task in running if (missing := _missing(task)))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def main_reason(missing: Iterable[Missing]) -> MissingError:
    """Return the error that tells most: that one is out of order rather than that another lacks the coin."""
    told = list(missing)
    chosen = next((each for each in told if each.reason not in _UNKNOWN_COIN), told[0])
    return MissingError(chosen.reason, chosen.who, chosen.detail)


def _missing(task: asyncio.Task[Any]) -> Missing | None:
    """Return why a finished task has no answer, None if it has one; raises errors of our own."""
    error = task.exception()
    if error is None:
        return None
    if isinstance(error, MissingError):
        return error.missing
    raise error
