"""Sends alerts to Telegram, edits them, and says whether it could.

One try each: when to try again is decided by the outbox, how often by its gate. What can
be mended at once (broken markup, a reply to a deleted message, a closed topic, a chart that
is refused) is mended here, and the outcome says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import replace
from types import TracebackType
from typing import Self

import telegram
from telegram import InputMediaPhoto, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import InvalidToken, TelegramError

from teleglas.telegram.client import TelegramClient
from teleglas.telegram.target import Target
from teleglas.telegram.text import CAPTION_LIMIT, TEXT_LIMIT, plain, split, utf16_length
from ws_alert.delivery.refusals import (
    Piece,
    has_no_text,
    is_too_long,
    not_modified,
    outcome_of,
    remedy,
    takes_no_media,
)
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.telegram_check import Check, check
from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["TelegramChannel"]

_WARM_S = 20.0
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class TelegramChannel:
    """Delivers by one bot.

    base_url: the Bot API without `/bot`. read_s: patience for an answer. token_rejected: Telegram does
    not know the token (any more); nothing goes out until a person changes it.
    """

    def __init__(
        self, token: str, *, base_url: str = "https://api.telegram.org", read_s: float = 25.0
    ) -> None:
        self._client = TelegramClient(token, base_url=base_url, read_s=read_s)
        self._bot = self._client.bot
        self.token_rejected = False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def keep_warm(self, every_s: float = _WARM_S) -> None:
        """Ask who the bot is now and then, so that an alert finds a connection open. Run it as a task.

        Opening one takes several trips to Telegram and back, which an alert would wait for.
        """
        while True:
            await asyncio.sleep(every_s)
            with contextlib.suppress(TelegramError):
                await self._bot.get_me()

    async def check(self, targets: tuple[str, ...]) -> Check:
        """Ask who the bot is and whether it may write to each target; nothing is sent."""
        found = await check(self._bot, targets)
        self.token_rejected = found.token_rejected
        return found

    async def send(self, message: Rendered, *, target: str, reply_to: int | None, silent: bool) -> Outcome:
        """Send `message` to `target` (`-100123`, `@name`, each with optional `:topic`).

        With a photo its caption is the text; where the caption is too long for Telegram the
        whole text goes first and the photo answers it, because the words are the alert.
        """
        try:
            where = Target.parse(target)
        except ValueError as error:
            return Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why=str(error))
        piece = Piece(
            text=message.html,
            caption=message.caption,
            photo=message.photo,
            topic=where.topic,
            reply_to=reply_to,
            silent=silent or message.silent,
        )
        return await self._judged(self._send(where.chat, piece), repeatable=False)

    async def edit(self, message: Rendered, *, target: str, message_id: int, has_photo: bool) -> Outcome:
        """Change what was sent as `message_id`; has_photo: it is a photo, so its caption changes.

        A photo in `message` replaces the old one, or makes a photo of a text, whose caption has then
        the words; without it the picture stays. Where a server adds none to a text, it follows as a
        silent answer with the first line. A message that already says so counts as sent.
        """
        try:
            where = Target.parse(target)
        except ValueError as error:
            return Outcome(OutcomeKind.UNDELIVERABLE, suspend=True, why=str(error))
        text = message.caption if has_photo else (split(message.html) or [""])[0]
        piece = Piece(text=text, caption=message.caption, photo=message.photo)
        work = self._edit(where.chat, message_id, piece, has_photo=has_photo)
        if message.photo is not None and not has_photo:
            answer = replace(
                piece, caption=message.short, topic=where.topic, reply_to=message_id, silent=True
            )
            work = self._add_photo(where.chat, work, answer)
        return await self._judged(work, repeatable=True)

    async def _add_photo(self, chat: int | str, work: Awaitable[Outcome], answer: Piece) -> Outcome:
        try:
            return await work
        except TelegramError as error:
            if not takes_no_media(error):
                raise
        return await self._judged(self._follow(chat, answer), repeatable=False)

    async def _follow(self, chat: int | str, answer: Piece) -> Outcome:
        await self._request(chat, answer)
        note = "this Bot API server adds no picture to a text, so it followed as an answer"
        return Outcome(OutcomeKind.SENT, message_id=answer.reply_to, why=note)

    async def _judged(self, work: Awaitable[Outcome], *, repeatable: bool) -> Outcome:
        try:
            outcome = await work
        except TelegramError as error:
            self.token_rejected = isinstance(error, InvalidToken)
            return outcome_of(error, repeatable=repeatable)
        except Exception as error:  # noqa: BLE001 - one alert's surprise must not stop the others
            return Outcome(OutcomeKind.UNKNOWN, why=f"unexpected {type(error).__name__}")
        if outcome.kind is OutcomeKind.SENT:
            self.token_rejected = False
        return outcome

    async def _send(self, chat: int | str, piece: Piece) -> Outcome:
        if piece.photo is None:
            return await self._send_text(chat, piece)
        if utf16_length(plain(piece.caption)) <= CAPTION_LIMIT:
            try:
                message_id, sent = await self._post(chat, piece)
            except TelegramError as error:
                if not is_too_long(error):
                    raise
            else:
                return _sent(message_id, sent)
        return await self._send_text_and_photo(chat, piece)

    async def _send_text_and_photo(self, chat: int | str, piece: Piece) -> Outcome:
        outcome = await self._send_text(chat, replace(piece, photo=None))
        if outcome.kind is OutcomeKind.SENT:
            chart = replace(piece, caption="", reply_to=outcome.message_id, silent=True)
            try:
                await self._request(chat, chart)
            except TelegramError as error:
                return _noted(outcome, f"the chart did not follow: {outcome_of(error).why}")
        return outcome

    async def _send_text(self, chat: int | str, piece: Piece, limit: int = TEXT_LIMIT) -> Outcome:
        parts = split(piece.text, limit)
        if not parts:
            return Outcome(OutcomeKind.UNDELIVERABLE, why="the message has no text")
        first: int | None = None
        for number, part in enumerate(parts):
            try:
                message_id, piece = await self._post(chat, replace(piece, text=part))
            except TelegramError as error:
                if first is not None:
                    return _partly(error, number, len(parts))
                if is_too_long(error) and limit == TEXT_LIMIT:
                    return await self._send_text(chat, piece, TEXT_LIMIT // 2)
                raise
            if first is None:
                first = message_id
                piece = replace(piece, reply_to=first, silent=True)
        return _sent(first, piece)

    async def _post(self, chat: int | str, piece: Piece) -> tuple[int, Piece]:
        """Send one piece, mended as often as there is something to mend; return what went out."""
        while True:
            try:
                return (await self._request(chat, piece)).message_id, piece
            except TelegramError as error:
                better = remedy(piece, error)
                if better is None:
                    raise
                piece = better

    async def _request(self, chat: int | str, piece: Piece) -> telegram.Message:
        mode = None if piece.plain else ParseMode.HTML
        reply = None if piece.reply_to is None else ReplyParameters(piece.reply_to)
        if piece.photo is None:
            return await self._bot.send_message(
                chat,
                piece.words,
                parse_mode=mode,
                link_preview_options=_NO_PREVIEW,
                disable_notification=piece.silent,
                message_thread_id=piece.topic,
                reply_parameters=reply,
            )
        return await self._bot.send_photo(
            chat,
            piece.photo,
            caption=piece.words,
            parse_mode=mode,
            disable_notification=piece.silent,
            message_thread_id=piece.topic,
            reply_parameters=reply,
            filename="chart.png",
        )

    async def _edit(self, chat: int | str, message_id: int, piece: Piece, *, has_photo: bool) -> Outcome:
        while True:
            try:
                await self._request_edit(chat, message_id, piece, has_photo=has_photo)
            except TelegramError as error:
                if not_modified(error):
                    break
                if has_no_text(error) and not has_photo:
                    # Its picture was added, but the process died before that was recorded.
                    has_photo, piece = True, replace(piece, text=piece.caption)
                    continue
                better = remedy(piece, error)
                if better is None:
                    raise
                piece = better
            else:
                break
        photo = has_photo or piece.photo is not None
        return Outcome(OutcomeKind.SENT, message_id=message_id, photo=photo, why="; ".join(piece.notes))

    async def _request_edit(self, chat: int | str, message_id: int, piece: Piece, *, has_photo: bool) -> None:
        mode = None if piece.plain else ParseMode.HTML
        if piece.photo is not None:
            media = InputMediaPhoto(piece.photo, caption=piece.words, parse_mode=mode, filename="chart.png")
            await self._bot.edit_message_media(media, chat_id=chat, message_id=message_id)
        elif has_photo:
            await self._bot.edit_message_caption(
                chat_id=chat, message_id=message_id, caption=piece.words, parse_mode=mode
            )
        else:
            await self._bot.edit_message_text(
                piece.words,
                chat_id=chat,
                message_id=message_id,
                parse_mode=mode,
                link_preview_options=_NO_PREVIEW,
            )


def _sent(message_id: int | None, piece: Piece) -> Outcome:
    has_photo = piece.photo is not None
    return Outcome(OutcomeKind.SENT, message_id=message_id, photo=has_photo, why="; ".join(piece.notes))


def _noted(outcome: Outcome, note: str) -> Outcome:
    why = "; ".join(filter(None, (outcome.why, note)))
    return Outcome(outcome.kind, message_id=outcome.message_id, photo=outcome.photo, why=why)


def _partly(error: TelegramError, arrived: int, parts: int) -> Outcome:
    """Return UNKNOWN: some parts are with the reader, so sending all again must be marked as a repeat."""
    rest = outcome_of(error)
    why = f"{arrived} of {parts} parts arrived, then: {rest.why}"
    return Outcome(OutcomeKind.UNKNOWN, wait_ms=rest.wait_ms, scope=rest.scope, why=why)
