"""What each answer of Telegram means for a message: another try at once, or an outcome.

Errors and texts: https://core.telegram.org/bots/api#making-requests, tdlib/telegram-bot-api, and what
python-telegram-bot makes of them (BadRequest and TimedOut are NetworkErrors, 404 is an InvalidToken).
No text that leaves here can hold the token: `TelegramClient` never gives it to the library.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from teleglas.telegram.text import plain
from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["Piece", "has_no_text", "is_too_long", "not_modified", "outcome_of", "remedy", "takes_no_media"]

_NETWORK_WAIT_MS = 2_000
_SERVER_WAIT_MS = 5_000
_CONFLICT_WAIT_MS = 30_000
_TOKEN_WAIT_MS = 600_000
_NOT_WRITTEN = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_BAD_MARKUP = ("can't parse entities", "entities_too_long", "too many entities", "entity_bounds_invalid")
_NO_REPLY = (
    "to be replied not found",
    "reply message not found",
    "replied message not found",
    "reply_message_id_invalid",
)
_NO_TOPIC = ("thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")
_NO_PHOTO = (
    "image_process_failed", "photo_", "wrong file identifier", "file must be non-empty", "file is too big",
    "too big for a photo", "send photos", "media_invalid",
)  # fmt: skip
_GONE = (
    "chat not found", "peer_id_invalid", "group chat was deactivated", "have no rights to send a message", "chat_write_forbidden",
    "not enough rights to send text messages", "need administrator rights", "channel_private", "user_deactivated",
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """One request to be made.

    text: HTML of a message; caption: HTML for below the photo. plain: send them without
    markup. notes: what had to be changed to get it through, for the admin.
    """

    text: str
    caption: str = ""
    photo: bytes | None = None
    topic: int | None = None
    reply_to: int | None = None
    silent: bool = False
    plain: bool = False
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The text or caption as it goes out, HTML unless `plain`."""
        html = self.text if self.photo is None else self.caption
        return plain(html) if self.plain else html


def remedy(piece: Piece, error: TelegramError) -> Piece | None:
    """Return what to send instead, at once, or None if nothing helps.

    Each remedy removes its own cause (markup, reply, topic, photo), so none is taken twice.
    """
    text = error.message.lower()
    if not isinstance(error, BadRequest):
        too_large = isinstance(error, NetworkError) and "entity too large" in text
        return _without_photo(piece, error) if too_large else None
    if not piece.plain and _any(_BAD_MARKUP, text):
        return replace(piece, plain=True, notes=_note(piece, "sent as plain text", error))
    if piece.reply_to is not None and _any(_NO_REPLY, text):
        return replace(piece, reply_to=None, notes=_note(piece, "sent without its reply", error))
    if piece.topic is not None and _any(_NO_TOPIC, text):
        told = f"topic {piece.topic} did not take it, sent to General"
        return replace(piece, topic=None, reply_to=None, notes=_note(piece, told, error))
    if _any(_NO_PHOTO, text):
        return _without_photo(piece, error)
    return None


def _without_photo(piece: Piece, error: TelegramError) -> Piece | None:
    if piece.photo is None:
        return None
    return replace(piece, photo=None, notes=_note(piece, "sent without its chart", error))


def _note(piece: Piece, what: str, error: TelegramError) -> tuple[str, ...]:
    return (*piece.notes, f"{what}: {error.message}")


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)


def is_too_long(error: TelegramError) -> bool:
    """Whether Telegram found a text or a caption too long."""
    return isinstance(error, BadRequest) and "too long" in error.message.lower()


def not_modified(error: TelegramError) -> bool:
    """Whether an edit found its work already done."""
    return isinstance(error, BadRequest) and "message is not modified" in error.message.lower()


def takes_no_media(error: TelegramError) -> bool:
    """Whether an old Bot API server adds no picture to a text."""
    return isinstance(error, BadRequest) and "no media in the message" in error.message.lower()


def has_no_text(error: TelegramError) -> bool:
    """Whether the message is a photo by now, so that it has a caption and no text."""
    return isinstance(error, BadRequest) and "no text in the message" in error.message.lower()


def outcome_of(error: TelegramError, *, repeatable: bool = False) -> Outcome:
    """Return the outcome of a try that nothing could save.

    repeatable: doing it twice does no harm (an edit), so "it may have arrived" is simply
    tried again.
    """
    outcome = _outcome(error)
    if repeatable and outcome.kind is OutcomeKind.UNKNOWN:
        return _retry(outcome.wait_ms or _NETWORK_WAIT_MS, outcome.why)
    return outcome


def _outcome(error: TelegramError) -> Outcome:  # noqa: PLR0911 - one line for each answer
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        return _retry(int(seconds * 1000), "Telegram's flood limit")
    if isinstance(error, Forbidden):
        return Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why=error.message)
    if isinstance(error, ChatMigrated):
        return Outcome(
            OutcomeKind.MIGRATED, migrated_to=str(error.new_chat_id), why="the group became a supergroup"
        )
    if isinstance(error, InvalidToken):
        why = "token rejected: Telegram does not know this bot token, or TELEGRAM_API_BASE_URL is wrong"
        return _retry(_TOKEN_WAIT_MS, why, scope="all")
    if isinstance(error, Conflict):
        return _retry(_CONFLICT_WAIT_MS, "another process uses this bot token", scope="all")
    if isinstance(error, BadRequest):
        gone = _any(_GONE, error.message.lower())
        return Outcome(OutcomeKind.UNDELIVERABLE, suspend=gone, why=error.message)
    return _network_outcome(error)


def _network_outcome(error: TelegramError) -> Outcome:
    """Judge a failure of the way by whether Telegram can have taken the message."""
    cause = error.__cause__
    name = type(cause or error).__name__
    if isinstance(cause, _NOT_WRITTEN):
        return _retry(_NETWORK_WAIT_MS, f"Telegram was not reached ({name})", scope="all")
    if isinstance(cause, httpx.HTTPError) or isinstance(error, TimedOut):
        why = f"no answer after the message was on its way ({name})"
        return Outcome(OutcomeKind.UNKNOWN, wait_ms=_NETWORK_WAIT_MS, why=why)
    answered = cause is None or isinstance(cause, TelegramError)
    if isinstance(error, NetworkError) and answered and "gateway timeout" not in error.message.lower():
        return _retry(_SERVER_WAIT_MS, "Telegram has an internal error")
    return Outcome(
        OutcomeKind.UNKNOWN, wait_ms=_NETWORK_WAIT_MS, why=f"an answer that could not be read ({name})"
    )


def _retry(wait_ms: int, why: str, scope: str = "chat") -> Outcome:
    return Outcome(OutcomeKind.RETRY_AT, wait_ms=wait_ms, scope=scope, why=why)
