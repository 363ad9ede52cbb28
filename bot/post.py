"""Cards to Telegram: as a text or a picture, new or in place; what Telegram refuses is mended once."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count
from typing import Any

import structlog
from telegram import Bot, InputMediaPhoto, LinkPreviewOptions, Message, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden

from bot.calling import CANNOT_EDIT, NO_TEXT, UNCHANGED, markup_of, says, told
from bot.drawings import Drawings, Photo
from bot.late_pictures import LatePictures, Spot
from bot.views.card import Card, caption, text
from bot.views.origin import Context
from teleglas.charts.pool import ChartPool

__all__ = ["Place", "Post"]

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_DRAW_S = 0.6
"""Longest that words wait for their picture; it is brought to them afterwards."""
_MOST_SHOWN = 5_000
_NO_TOPIC = ("thread not found", "topic_closed", "topic_deleted")
_numbers = count(1)

log = structlog.get_logger(__name__)


class Place:
    """Where an answer goes. thread: topic; reply_to: the message that asked, in groups; edit: the card to replace.

    number: rises with each question, so that of two presses the later has the last word.
    """

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
        self.number = next(_numbers)


class Post:
    """Sends cards. charts: None for texts only. late: brings the pictures that words did not wait for."""

    def __init__(self, bot: Bot, charts: ChartPool | None) -> None:
        self._bot = bot
        self._drawings = Drawings(charts)
        self.late = LatePictures(bot, self._drawings)
        self._shown: OrderedDict[Spot, int] = OrderedDict()

    async def close(self) -> None:
        """Give up the pictures that are not brought yet."""
        await self.late.close()

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
            if place.thread is None or not says(error, _NO_TOPIC):
                raise
            elsewhere = Place(place.chat_id, reply_to=place.reply_to)
            await self._show(card, elsewhere, context, as_text=as_text, draw_s=draw_s)

    async def _show(
        self, card: Card, place: Place, context: Context, *, as_text: bool, draw_s: float
    ) -> None:
        if place.edit is not None and await self._show_in(
            place.edit, card, place, context, as_text=as_text, draw_s=draw_s
        ):
            return
        photo = None if as_text else await self._drawings.soon(card, context, min(_DRAW_S, draw_s))
        sent = await self._new(card, place, photo, context)
        if not as_text and photo is None:
            spot = sent.chat_id, sent.message_id
            self.late.owe(spot, card, context, thread=place.thread, follow=True)

    async def _show_in(
        self, message: Message, card: Card, place: Place, context: Context, *, as_text: bool, draw_s: float
    ) -> bool:
        """Show a card in place of another; False where the message cannot be edited any more."""
        spot = message.chat_id, message.message_id
        is_photo = bool(message.photo) or self.late.added_to(spot)
        # A text that was to have no picture stays one when it is refreshed.
        drawn = (is_photo or self.late.owes(spot)) and not as_text
        photo = await self._drawings.soon(card, context, min(_DRAW_S, draw_s)) if drawn else None
        async with self.late.changing(spot):
            if self._shown.get(spot, 0) > place.number:
                return True  # a later press was answered sooner
            self.late.release(spot)
            is_photo = is_photo or self.late.added_to(spot)
            try:
                await self._edit(card, spot, photo, context, is_photo=is_photo)
            except BadRequest as error:
                if says(error, CANNOT_EDIT):
                    return False
                if not says(error, UNCHANGED):
                    raise
            self._note(spot, place)
            if drawn and photo is None:
                self.late.owe(spot, card, context, thread=place.thread, follow=False)
        return True

    async def _new(self, card: Card, place: Place, photo: Photo | None, context: Context) -> Message:
        reply = None
        if place.reply_to is not None:
            reply = ReplyParameters(place.reply_to, allow_sending_without_reply=True)
        where: dict[str, Any] = {
            "chat_id": place.chat_id,
            "message_thread_id": place.thread,
            "reply_parameters": reply,
        }
        if photo is not None and (sent := await self._new_photo(card, where, photo, context)) is not None:
            return sent
        html, markup = text(card), markup_of(card)
        return await told(html, lambda words, mode: self._bot.send_message(
            text=words, parse_mode=mode, reply_markup=markup, link_preview_options=_NO_PREVIEW, **where))  # fmt: skip

    async def _new_photo(
        self, card: Card, where: dict[str, Any], photo: Photo, context: Context
    ) -> Message | None:
        """Send a picture; None where Telegram does not take it: no right to, or an id that it does not know."""
        html, whole = caption(card)
        markup = markup_of(card, whole=whole)
        try:
            sent = await told(html, lambda words, mode: self._bot.send_photo(
                photo=photo, caption=words, parse_mode=mode, reply_markup=markup, **where))  # fmt: skip
        except BadRequest as error:
            self._forget(card, context, error)
            return None
        self._drawings.remember(card, context, sent)
        return sent

    async def _edit(
        self, card: Card, spot: Spot, photo: Photo | None, context: Context, *, is_photo: bool
    ) -> None:
        """Change a message. is_photo: it is one already."""
        where: dict[str, Any] = {"chat_id": spot[0], "message_id": spot[1]}
        if photo is not None and await self._edit_photo(card, where, photo, context):
            return
        if not is_photo:
            try:
                await self._edit_text(card, where)
            except BadRequest as error:
                if not says(error, NO_TEXT):
                    raise
            else:
                return
        html, whole = caption(card)
        markup = markup_of(card, whole=whole)
        await told(html, lambda words, mode: self._bot.edit_message_caption(
            caption=words, parse_mode=mode, reply_markup=markup, **where))  # fmt: skip

    async def _edit_text(self, card: Card, where: dict[str, Any]) -> None:
        html, markup = text(card), markup_of(card)
        await told(html, lambda words, mode: self._bot.edit_message_text(
            text=words, parse_mode=mode, reply_markup=markup, link_preview_options=_NO_PREVIEW, **where))  # fmt: skip

    async def _edit_photo(self, card: Card, where: dict[str, Any], photo: Photo, context: Context) -> bool:
        """Put a picture in place of another or of a text; False where Telegram does not take it."""
        html, whole = caption(card)
        markup = markup_of(card, whole=whole)
        try:
            sent = await told(html, lambda words, mode: self._bot.edit_message_media(
                media=InputMediaPhoto(photo, caption=words, parse_mode=mode), reply_markup=markup, **where))  # fmt: skip
        except BadRequest as error:
            if says(error, UNCHANGED + CANNOT_EDIT):
                raise
            self._forget(card, context, error)
            return False
        self._drawings.remember(card, context, sent)
        return True

    def _forget(self, card: Card, context: Context, error: BadRequest) -> None:
        log.warning("picture_refused", why=error.message)
        self._drawings.forget(card, context)

    def _note(self, spot: Spot, place: Place) -> None:
        self._shown[spot] = place.number
        self._shown.move_to_end(spot)
        while len(self._shown) > _MOST_SHOWN:
            self._shown.popitem(last=False)
