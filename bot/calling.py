"""One call to Telegram: what it refuses in passing is tried once more, what it cannot parse goes plain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import structlog
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ParseMode
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut

from bot.views.card import Card, keyboard
from teleglas.telegram.text import plain

__all__ = [
    "CANNOT_EDIT",
    "LONGEST_WAIT_S",
    "NO_MEDIA",
    "NO_TEXT",
    "UNCHANGED",
    "flood_s",
    "markup_of",
    "says",
    "told",
]

T = TypeVar("T")

CANNOT_EDIT = ("message to edit not found", "can't be edited", "message_id_invalid")
UNCHANGED = ("not modified",)
NO_MEDIA = ("no media in the message",)
"""An older Bot API server, which adds no picture to a text."""
NO_TEXT = ("no text in the message",)
"""The message is a picture by now."""

LONGEST_WAIT_S = 8.0
_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


async def told(
    html: str, call: Callable[[str, str | None], Awaitable[T]], *, longest_wait_s: float = LONGEST_WAIT_S
) -> T:
    """Call with HTML and its parse mode, a second time after a flood wait of at most `longest_wait_s` or a refusal in passing.

    Raises what Telegram says then.
    """
    try:
        try:
            return await call(html, ParseMode.HTML)
        except (RetryAfter, NetworkError) as error:
            seconds = _pause_s(error, longest_wait_s)
            if seconds is None:
                raise
            await asyncio.sleep(seconds)
            return await call(html, ParseMode.HTML)
    except BadRequest as error:
        if "parse entities" not in error.message:
            raise
        log.warning("card_not_parsed", why=error.message)
        return await call(plain(html), None)


def says(error: BadRequest, phrases: tuple[str, ...]) -> bool:
    """Return whether a refusal has one of these phrases, in lower case."""
    said = error.message.lower()
    return any(phrase in said for phrase in phrases)


def flood_s(error: RetryAfter) -> float:
    """Return how many seconds Telegram wants nothing."""
    wait = error.retry_after
    return float(wait) if isinstance(wait, int) else wait.total_seconds()


def markup_of(card: Card, *, whole: bool = True) -> InlineKeyboardMarkup | None:
    """Return the card's buttons; whole: all of it is shown, so that none for the details is needed."""
    rows = [
        [InlineKeyboardButton(each.text, callback_data=each.data) for each in row]
        for row in keyboard(card, whole=whole)
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def _pause_s(error: RetryAfter | NetworkError, longest_s: float) -> float | None:
    """Return how long to wait before a second try, None if there should be none.

    What was lost on its way, or not answered in time, may have arrived: a second copy would be
    worse than none, the person asks again.
    """
    if isinstance(error, RetryAfter):
        seconds = flood_s(error)
        return seconds if seconds <= longest_s else None
    if isinstance(error, BadRequest | TimedOut):
        return None
    cause = error.__cause__
    lost = isinstance(cause, httpx.TransportError) and not isinstance(cause, httpx.ConnectError)
    return None if lost else _AGAIN_S
