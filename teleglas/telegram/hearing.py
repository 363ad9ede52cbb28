"""Reading updates: one long poll after another, for ever, and honest about how it goes.

Not the library's updater: there a refused token ends the task while it says that it runs,
and one update that it cannot read blocks all that follow (reference: telegram 2).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import structlog
from telegram import Bot, Update
from telegram.error import Conflict, EndPointNotFound, InvalidToken, NetworkError, RetryAfter, TelegramError

from teleglas.errors import ConfigError

__all__ = ["CONFLICT", "Hearing", "hear", "introduce", "refused_token"]

CONFLICT: Final = "another program reads this token's updates (409)"

_POLL_S = 25
_INTRODUCED_AGAIN_S = 5.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_LONGEST_REST_S = 90.0
_MOST_ROWS = 100
"""Of one answer (https://core.telegram.org/bots/api#getupdates)."""

_OUTAGE_MS = 90_000
_OLD_S = 60

log = structlog.get_logger(__name__)


class Hearing(Protocol):
    """How it goes. heard_ms: when Telegram last answered a poll; note: what is wrong, empty if nothing.

    turned_ms: when the reading last went round, with success or without.
    """

    heard_ms: int | None
    turned_ms: int
    note: str


async def introduce(
    bot: Bot, health: Hearing, *, setting: str, wait: Callable[[float], Awaitable[bool]]
) -> str | None:
    """Return this bot's name, as soon as Telegram tells it; what was typed while we were away is dropped.

    wait: waits so many seconds and says whether to give up; then None is returned. Raises
    ConfigError for `setting` when Telegram refuses the token.
    """
    while True:
        try:
            await bot.initialize()
            await bot.delete_webhook(drop_pending_updates=True)
        except (InvalidToken, EndPointNotFound):
            raise refused_token(setting) from None
        except TelegramError as error:
            _tell(health, f"Telegram does not answer ({type(error).__name__})")
            if await wait(_INTRODUCED_AGAIN_S):
                return None
        else:
            _tell(health, "")
            return bot.username


async def hear(
    bot: Bot,
    take: Callable[[Update], Awaitable[None]],
    health: Hearing,
    wall_ms: Callable[[], int],
    *,
    allowed: Sequence[str],
    setting: str,
    poll_s: int = _POLL_S,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Hand over updates of the allowed kinds until cancelled.

    Raises ConfigError for `setting` when Telegram refuses the token.

    What people typed while Telegram was out of reach for long is not handed over: whoever
    still wants to know has asked again.
    """
    offset, wait_s = 0, _FIRST_WAIT_S
    since_s = 0
    while True:
        health.turned_ms = wall_ms()
        try:
            rows = await _poll(bot, offset, poll_s, allowed)
        except (InvalidToken, EndPointNotFound):
            raise refused_token(setting) from None
        except (Conflict, RetryAfter, NetworkError, TelegramError) as error:
            note = (
                CONFLICT
                if isinstance(error, Conflict)
                else f"Telegram does not answer ({type(error).__name__})"
            )
            _tell(health, note)
            await sleep(max(wait_s, _asked_to_wait_s(error)))
            wait_s = min(_LONGEST_WAIT_S, wait_s * 1.5)
            continue
        now_ms = wall_ms()
        if health.heard_ms is not None and now_ms - health.heard_ms > _OUTAGE_MS:
            since_s = now_ms // 1000 - _OLD_S
        health.heard_ms, wait_s = now_ms, _FIRST_WAIT_S
        _tell(health, "")
        for row in rows:
            offset = max(offset, int(row["update_id"]) + 1)
            update = None if _typed_s(row) < since_s else _read(row, bot)
            if update is not None:
                await take(update)
        if len(rows) < _MOST_ROWS:
            since_s = 0  # the backlog is read


def refused_token(setting: str) -> ConfigError:
    """Return the error of a token that Telegram does not know."""
    return ConfigError(setting, "Telegram does not accept it (401)", "Copy it whole from @BotFather; a revoked one never works again")  # fmt: skip


async def _poll(bot: Bot, offset: int, poll_s: int, allowed: Sequence[str]) -> list[dict[str, Any]]:
    asked = {"offset": offset, "timeout": poll_s, "allowed_updates": list(allowed)}
    # The raw rows, so that one that cannot be read is skipped and confirmed instead of coming for ever.
    rows = await bot._post("getUpdates", asked, read_timeout=poll_s + 10)  # noqa: SLF001 - see above
    return (
        [row for row in rows if isinstance(row, dict) and isinstance(row.get("update_id"), int)]
        if isinstance(rows, list)
        else []
    )


def _asked_to_wait_s(error: TelegramError) -> float:
    """Return how long Telegram wants us to wait; cut, since whoever watches us wants a sign of life."""
    if not isinstance(error, RetryAfter):
        return 0.0
    wait = error.retry_after
    return min(_LONGEST_REST_S, float(wait) if isinstance(wait, int) else wait.total_seconds())


def _typed_s(row: dict[str, Any]) -> float:
    """Return when a message was written (Unix seconds by Telegram's clock); endless for what does not tell."""
    for kind in ("message", "edited_message", "channel_post"):
        message = row.get(kind)
        if isinstance(message, dict):
            written = message.get("edit_date", message.get("date"))
            return written if isinstance(written, int) else math.inf
    return math.inf


def _read(row: dict[str, Any], bot: Bot) -> Update | None:
    try:
        return Update.de_json(row, bot)
    except Exception as error:  # noqa: BLE001 - whatever the library cannot read must not stop the reading
        log.warning("update_unreadable", update=row["update_id"], error=type(error).__name__)
        return None


def _tell(health: Hearing, note: str) -> None:
    if note != health.note:
        log.warning("polling", state=note) if note else log.info("polling", state="heard again")
        health.note = note
