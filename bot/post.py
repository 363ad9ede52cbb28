"""Cards to Telegram: as a text or a picture, new or in place; what Telegram refuses is mended once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import structlog
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.views.card import Card, caption, keyboard, text
from bot.views.origin import Context
from teleglas.charts.pool import ChartPool
from teleglas.telegram.text import plain

__all__ = ["Place", "Post"]

T = TypeVar("T")

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_LONGEST_WAIT_S = 8.0
_MOST_PHOTOS = 200
_PHOTO_S = 60.0
_DRAW_S = 0.9
_AGAIN_S = 0.5
_CANNOT_EDIT = ("message to edit not found", "can't be edited", "message_id_invalid")
_NO_TOPIC = ("thread not found", "topic_closed", "topic_deleted")

log = structlog.get_logger(__name__)


class Place:
    """Where an answer goes. thread: topic; reply_to: the message that asked, in groups; edit: the card to replace."""

    def __init__(
        self,
        chat_id: int,
        *,
        thread: int | None = None,
        reply_to: int | None = None,
        edit: Message | None = None,
    ) -> None:
        self.chat_id = chat_id
        self.thread = thread
        self.reply_to = reply_to
        self.edit = edit


class Post:
    """Sends cards. charts: None for texts only."""

    def __init__(
        self, bot: Bot, charts: ChartPool | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bot = bot
        self._charts = charts
        self._clock = clock
        self._photos: OrderedDict[str, tuple[float, str | bytes]] = OrderedDict()
        self._drawing: dict[str, asyncio.Task[bytes | None]] = {}

    async def show(
        self, card: Card, place: Place, context: Context, *, as_text: bool = False, draw_s: float = _DRAW_S
    ) -> None:
        """Show a card, as text if its picture takes longer than draw_s. A chat that refuses us is left alone."""
        try:
            await self._show(card, place, context, as_text=as_text, draw_s=draw_s)
        except Forbidden as error:
            log.info("chat_refused", why=error.message)
        except ChatMigrated as moved:
            await self._show(card, Place(moved.new_chat_id), context, as_text=True, draw_s=draw_s)
        except BadRequest as error:
            if place.thread is None or not _says(error, _NO_TOPIC):
                raise
            elsewhere = Place(place.chat_id, reply_to=place.reply_to)
            await self._show(card, elsewhere, context, as_text=as_text, draw_s=draw_s)

    async def _show(
        self, card: Card, place: Place, context: Context, *, as_text: bool, draw_s: float
    ) -> None:
        edited = place.edit
        is_photo = edited is not None and bool(edited.photo)
        # A text stays a text when it is refreshed: the picture would come from elsewhere.
        no_photo = as_text or (edited is not None and not is_photo)
        photo = None if no_photo else await self._photo(card, context, draw_s)
        if edited is None:
            await self._new(card, place, photo, context)
            return
        try:
            await self._edit(card, edited, photo, context)
        except BadRequest as error:
            if _says(error, ("not modified",)):
                return
            if not _says(error, _CANNOT_EDIT):
                raise
            await self._new(card, place, photo, context)

    async def _new(self, card: Card, place: Place, photo: bytes | str | None, context: Context) -> None:
        reply = None
        if place.reply_to is not None:
            reply = ReplyParameters(place.reply_to, allow_sending_without_reply=True)
        where: dict[str, Any] = {
            "chat_id": place.chat_id,
            "message_thread_id": place.thread,
            "reply_parameters": reply,
        }
        if photo is not None and await self._new_photo(card, where, photo, context):
            return
        html, markup = text(card), _markup(card)
        await self._told(html, lambda words, mode: self._bot.send_message(
            text=words, parse_mode=mode, reply_markup=markup, link_preview_options=_NO_PREVIEW, **where))  # fmt: skip

    async def _new_photo(
        self, card: Card, where: dict[str, Any], photo: bytes | str, context: Context
    ) -> bool:
        """Send a picture; False where Telegram does not take it: no right to, or an id that it does not know."""
        html, whole = caption(card)
        markup = _markup(card, whole=whole)
        try:
            sent = await self._told(html, lambda words, mode: self._bot.send_photo(
                photo=photo, caption=words, parse_mode=mode, reply_markup=markup, **where))  # fmt: skip
        except BadRequest as error:
            self._forget(card, context, error)
            return False
        self._remember(card, sent, context)
        return True

    async def _edit(self, card: Card, edited: Message, photo: bytes | str | None, context: Context) -> None:
        where: dict[str, Any] = {"chat_id": edited.chat_id, "message_id": edited.message_id}
        if not edited.photo:
            html, markup = text(card), _markup(card)
            await self._told(html, lambda words, mode: self._bot.edit_message_text(
                text=words, parse_mode=mode, reply_markup=markup, link_preview_options=_NO_PREVIEW, **where))  # fmt: skip
            return
        html, whole = caption(card)
        markup = _markup(card, whole=whole)
        if photo is not None and await self._edit_photo(card, where, photo, context):
            return
        await self._told(html, lambda words, mode: self._bot.edit_message_caption(
            caption=words, parse_mode=mode, reply_markup=markup, **where))  # fmt: skip

    async def _edit_photo(
        self, card: Card, where: dict[str, Any], photo: bytes | str, context: Context
    ) -> bool:
        """Put a picture in place of another; False where Telegram does not take it."""
        html, whole = caption(card)
        markup = _markup(card, whole=whole)
        try:
            sent = await self._told(html, lambda words, mode: self._bot.edit_message_media(
                media=InputMediaPhoto(photo, caption=words, parse_mode=mode), reply_markup=markup, **where))  # fmt: skip
        except BadRequest as error:
            if _says(error, ("not modified", *_CANNOT_EDIT)):
                raise
            self._forget(card, context, error)
            return False
        self._remember(card, sent, context)
        return True

    async def _told(self, html: str, call: Callable[[str, str | None], Awaitable[T]]) -> T:
        """Send, a second time after a short flood wait or a refusal in passing; what cannot be parsed goes plain."""
        try:
            try:
                return await call(html, ParseMode.HTML)
            except (RetryAfter, NetworkError) as error:
                seconds = _pause_s(error)
                if seconds is None:
                    raise
                await asyncio.sleep(seconds)
                return await call(html, ParseMode.HTML)
        except BadRequest as error:
            if "parse entities" not in error.message:
                raise
            log.warning("card_not_parsed", why=error.message)
            return await call(plain(html), None)

    async def _photo(self, card: Card, context: Context, draw_s: float) -> bytes | str | None:
        """Return the file id of an equal picture of this minute, else a new one; None without or if too slow."""
        if card.picture is None or self._charts is None:
            return None
        key = _key(card, context)
        drawn_s, kept = self._photos.get(key, (0.0, ""))
        if kept and self._clock() - drawn_s < _PHOTO_S:
            return kept
        task = self._drawing.get(key)
        if task is None:
            task = self._drawing[key] = asyncio.create_task(self._charts.draw(card.picture))
            task.add_done_callback(lambda done: self._drawn(key, done))
        try:
            async with asyncio.timeout(max(0.0, min(_DRAW_S, draw_s))):
                return await asyncio.shield(task)
        except TimeoutError:
            return None

    def _remember(self, card: Card, sent: Message | bool, context: Context) -> None:
        if not isinstance(sent, Message) or not sent.photo:
            return
        self._keep(_key(card, context), sent.photo[-1].file_id)

    def _forget(self, card: Card, context: Context, error: BadRequest) -> None:
        """Keep a picture no longer that Telegram did not take."""
        log.warning("picture_refused", why=error.message)
        self._photos.pop(_key(card, context), None)

    def _drawn(self, key: str, done: asyncio.Task[bytes | None]) -> None:
        """Keep a picture, also one that came too late for the person who asked."""
        self._drawing.pop(key, None)
        if not done.cancelled() and done.exception() is None and (png := done.result()):
            self._keep(key, png)

    def _keep(self, key: str, photo: str | bytes) -> None:
        drawn_s, _ = self._photos.pop(key, (self._clock(), ""))
        self._photos[key] = (drawn_s, photo)
        while len(self._photos) > _MOST_PHOTOS:
            self._photos.popitem(last=False)


def _says(error: BadRequest, phrases: tuple[str, ...]) -> bool:
    said = error.message.lower()
    return any(phrase in said for phrase in phrases)


def _pause_s(error: RetryAfter | NetworkError) -> float | None:
    """Return how long to wait before a second try, None if there should be none.

    What was lost on its way, or not answered in time, may have arrived: a second copy would be
    worse than none, the person asks again.
    """
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        seconds = float(wait) if isinstance(wait, int) else wait.total_seconds()
        return seconds if seconds <= _LONGEST_WAIT_S else None
    if isinstance(error, BadRequest | TimedOut):
        return None
    cause = error.__cause__
    lost = isinstance(cause, httpx.TransportError) and not isinstance(cause, httpx.ConnectError)
    return None if lost else _AGAIN_S


def _key(card: Card, context: Context) -> str:
    return f"{card.key}|{context.words.language}|{context.zone}|{context.now_ms // 60_000}"


def _markup(card: Card, *, whole: bool = True) -> InlineKeyboardMarkup | None:
    rows = [
        [InlineKeyboardButton(each.text, callback_data=each.data) for each in row]
        for row in keyboard(card, whole=whole)
    ]
    return InlineKeyboardMarkup(rows) if rows else None
