"""One question to several sources: the first that can answer does, within the command's time.

The second is asked as soon as the first refuses or hesitates, so that a slow source costs
less than a second; what it still answers is kept in its cache for the next person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
import structlog

from bot.answers import Block, Missing, MissingError, Reason
from teleglas.venues.answer import (
    KeyRefused,
    NeedsPlan,
    SourceBusy,
    SourceChanged,
    SourceDown,
    SourceError,
    UnknownSymbol,
)

__all__ = ["COMMAND_S", "Ask", "Deadline", "answer", "explain"]

T = TypeVar("T")

COMMAND_S = 1.5
"""Time for the sources; drawing and Telegram need the rest of the two seconds (SPEC 7)."""

_HEAD_START_S = 0.5

Ask = tuple[str, Callable[[], Awaitable[Block[T]]]]
"""Who is asked, and the question."""

log = structlog.get_logger(__name__)


class Deadline:
    """The end of a command's time, which begins now, in the loop's seconds."""

    def __init__(self, seconds: float = COMMAND_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._at = self._begun + seconds

    def passed(self) -> float:
        """Return the seconds since the command came."""
        return self._loop.time() - self._begun

    def left(self) -> float:
        """Return the seconds that are left, 0 if none are."""
        return max(0.0, self._at - self._loop.time())


async def answer(asks: Sequence[Ask[T]], deadline: Deadline) -> Block[T]:
    """Return the first good answer in the order of `asks`, else a stale one, else why none has one.

    What a key or a larger plan would give is told besides what the last source lacks.

    Never raises what a source raises.
    """
    waiting = list(asks)
    running: dict[asyncio.Task[Block[T]], str] = {}
    why = Missing(Reason.NO_ANSWER, waiting[0][0] if waiting else "")
    dearer = ""
    old: Block[T] | None = None
    try:
        while waiting or running:
            if waiting:
                who, question = waiting.pop(0)
                running[asyncio.ensure_future(question())] = who
            patience = min(deadline.left(), _HEAD_START_S) if waiting else deadline.left()
            await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                found = _read(task, running.pop(task))
                if isinstance(found, Missing):
                    dearer = dearer or (found.detail if found.reason is Reason.NEEDS_PLAN else "")
                    why = found
                elif not found.stale:
                    return found
                else:
                    old = old or found
            if deadline.left() <= 0:
                late = next(iter(running.values()), "")
                return old or Block(
                    missing=_besides(Missing(Reason.NO_ANSWER, late) if late else why, dearer)
                )
        return old or Block(missing=_besides(why, dearer))
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_look_away)


def _besides(why: Missing, plan: str) -> Missing:
    if not plan or why.reason is Reason.NEEDS_PLAN:
        return why
    return msgspec.structs.replace(why, plan=plan)


def _look_away(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _read(task: asyncio.Task[Block[T]], who: str) -> Block[T] | Missing:
    """Return what a source answered; an error of our own is logged and costs this block only."""
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, MissingError):
        return error.missing
    if isinstance(error, SourceError):
        return explain(error, who)
    if not isinstance(error, TimeoutError):
        log.error("question_failed", who=who, error=type(error).__name__, exc_info=error)
    return Missing(Reason.NO_ANSWER if isinstance(error, TimeoutError) else Reason.CHANGED, who)


def explain(error: SourceError, who: str) -> Missing:
    """Return what a source's error means for a reader. who: as people call the source."""
    if isinstance(error, NeedsPlan):
        return Missing(Reason.NEEDS_PLAN, who, error.plan)
    reasons: tuple[tuple[type[SourceError], Reason], ...] = (
        (KeyRefused, Reason.BAD_KEY),
        (UnknownSymbol, Reason.NOT_LISTED),
        (SourceBusy, Reason.BUSY),
        (SourceDown, Reason.NO_ANSWER),
        (SourceChanged, Reason.CHANGED),
    )
    return Missing(
        next((reason for kind, reason in reasons if isinstance(error, kind)), Reason.NO_ANSWER), who
    )
