"""Brings pictures to answers that went out as text, because people wait for words and not for a drawing.

One at a time, and each lets the answers that are under way go first, for some seconds at most. What
was shown in a message since, or deleted, is left as it is.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog
from telegram import Bot, InputMediaPhoto, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

from bot.calling import CANNOT_EDIT, NO_MEDIA, UNCHANGED, flood_s, markup_of, says, told
from bot.drawings import Drawings, Photo
from bot.views.card import Card, caption
from bot.views.origin import Context

__all__ = ["LatePictures", "Spot"]

Spot = tuple[int, int]
"""Chat and message."""

_MOST_OWED = 300
_MOST_ADDED = 5_000
_TOO_LATE_S = 120.0
"""A picture of what was so long ago is no news; Refresh draws a new one."""
_HOLD_S = 3.0
"""How long answers that are under way may hold up the pictures: there is always somebody who asks."""
_BETWEEN_S = 0.1
_AFTER_FLOOD_S = 1.0
"""Before another chat gets its picture: the wait may be meant for all of them."""
_LAST_S = 1.0
_TRIES = 2

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Owed:
    """A message without its picture. thread: topic; follow: whether the picture may come as a message of its own."""

    card: Card
    context: Context
    thread: int | None
    follow: bool
    since_s: float
    tries: int = 0


class LatePictures:
    """clock: monotonic seconds. Memory: what is owed is lost with the process, the words stay."""

    def __init__(self, bot: Bot, drawings: Drawings, clock: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._drawings = drawings
        self._clock = clock
        self._owed: OrderedDict[Spot, _Owed] = OrderedDict()
        self._flooded: dict[int, float] = {}
        self._added: OrderedDict[Spot, None] = OrderedDict()
        self._locks: WeakValueDictionary[Spot, asyncio.Lock] = WeakValueDictionary()
        self._answering = 0
        self._calm = asyncio.Event()
        self._calm.set()
        self._on_its_way = False
        self._work: asyncio.Task[None] | None = None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Hold up the pictures while an answer is under way."""
        self._answering += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._answering -= 1
            if not self._answering:
                self._calm.set()

    @asynccontextmanager
    async def changing(self, spot: Spot) -> AsyncIterator[None]:
        """Be the only one who changes a message."""
        lock = self._locks.setdefault(spot, asyncio.Lock())
        async with lock:
            yield

    def owe(self, spot: Spot, card: Card, context: Context, *, thread: int | None, follow: bool) -> None:
        """Bring the card's picture to this message, in place of one that was owed to it before."""
        if not self._drawings.wanted(card):
            return
        self._owed[spot] = _Owed(card, context, thread, follow, self._clock())
        while len(self._owed) > _MOST_OWED:
            self._owed.popitem(last=False)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._go_on())

    def owes(self, spot: Spot) -> bool:
        """Return whether a picture is owed to a message."""
        return spot in self._owed

    def release(self, spot: Spot) -> None:
        """Owe a message nothing any more."""
        self._owed.pop(spot, None)

    def added_to(self, spot: Spot) -> bool:
        """Return whether a text has got a picture, which the press of its button may not tell yet."""
        return spot in self._added

    async def close(self) -> None:
        """Owe nothing any more; a picture on its way may arrive."""
        self._owed.clear()
        if self._work is None:
            return
        if self._on_its_way:
            await asyncio.wait([self._work], timeout=_LAST_S)
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    async def _go_on(self) -> None:
        while self._owed:
            await self._let_answers_go_first()
            spot = self._next()
            if spot is None:
                await asyncio.sleep(min(_HOLD_S, self._flood_left_s()))
                continue
            owed = self._owed[spot]
            try:
                await self._bring(spot, owed)
            except RetryAfter as error:
                self._flooded[spot[0]] = self._clock() + flood_s(error)
                await asyncio.sleep(_AFTER_FLOOD_S)
            except Exception:
                # The words are out; one picture must not cost the others.
                self._settle(spot, owed)
                log.exception("late_picture_failed")
            await asyncio.sleep(_BETWEEN_S)

    async def _let_answers_go_first(self) -> None:
        try:
            async with asyncio.timeout(_HOLD_S):
                await self._calm.wait()
        except TimeoutError:
            return

    def _next(self) -> Spot | None:
        """Return a message whose picture is drawn already, else the one that waits longest; None if no chat takes one now."""
        now_s = self._clock()
        self._flooded = {chat: until_s for chat, until_s in self._flooded.items() if until_s > now_s}
        free = [(spot, owed) for spot, owed in self._owed.items() if spot[0] not in self._flooded]
        ready = (spot for spot, owed in free if self._drawings.kept(owed.card, owed.context))
        return next(ready, free[0][0] if free else None)

    def _flood_left_s(self) -> float:
        """Return how long no chat takes a picture, 0 if there is one that does."""
        return max(0.0, min(self._flooded.values(), default=0.0) - self._clock())

    async def _bring(self, spot: Spot, owed: _Owed) -> None:
        """Add a picture, unless the message shows something else by now. Raises RetryAfter."""
        photo = await self._drawings.at_last(owed.card, owed.context)
        if photo is None or self._clock() - owed.since_s > _TOO_LATE_S:
            self._settle(spot, owed)
            return
        await self._let_answers_go_first()
        async with self.changing(spot):
            if self._owed.get(spot) is not owed:
                return
            self._on_its_way = True
            try:
                await self._add(spot, owed, photo)
            except (Forbidden, ChatMigrated):
                self._settle(spot, owed)
            except BadRequest as error:
                await self._refused(spot, owed, photo, error)
            except NetworkError as error:
                # Adding it once more does no harm, also where the first try arrived.
                owed.tries += 1
                if owed.tries >= _TRIES:
                    self._settle(spot, owed)
                    log.warning("picture_not_added", error=type(error).__name__)
            else:
                self._settle(spot, owed)
                self._has_picture(spot)
            finally:
                self._on_its_way = False

    async def _add(self, spot: Spot, owed: _Owed, photo: Photo) -> None:
        html, whole = caption(owed.card)
        markup = markup_of(owed.card, whole=whole)
        sent = await told(html, lambda words, mode: self._bot.edit_message_media(
            media=InputMediaPhoto(photo, caption=words, parse_mode=mode), reply_markup=markup,
            chat_id=spot[0], message_id=spot[1]), longest_wait_s=0.0)  # fmt: skip
        self._drawings.remember(owed.card, owed.context, sent)

    async def _refused(self, spot: Spot, owed: _Owed, photo: Photo, error: BadRequest) -> None:
        """Do without a picture, or bring it another way. Raises RetryAfter."""
        if says(error, NO_MEDIA) and owed.follow:
            await self._send_after(spot, owed, photo)
        elif says(error, UNCHANGED):
            self._has_picture(spot)
        elif isinstance(photo, str) and not says(error, CANNOT_EDIT + NO_MEDIA) and owed.tries == 0:
            # Perhaps only the id is not known any more.
            owed.tries += 1
            self._drawings.forget(owed.card, owed.context)
            return
        elif not says(error, CANNOT_EDIT + NO_MEDIA):
            log.warning("picture_refused", why=error.message)
        self._settle(spot, owed)

    async def _send_after(self, spot: Spot, owed: _Owed, photo: Photo) -> None:
        """Send a picture behind the text, without a second sound, with the first line for who cannot see it."""
        html = owed.card.parts[0].html
        answers = ReplyParameters(spot[1], allow_sending_without_reply=False)
        try:
            sent = await told(html, lambda words, mode: self._bot.send_photo(
                spot[0], photo, caption=words, parse_mode=mode, reply_parameters=answers,
                message_thread_id=owed.thread, disable_notification=True), longest_wait_s=0.0)  # fmt: skip
        except RetryAfter:
            raise
        except (BadRequest, NetworkError, Forbidden) as error:
            log.info("picture_not_sent_after", error=type(error).__name__)
            return
        self._drawings.remember(owed.card, owed.context, sent)

    def _settle(self, spot: Spot, owed: _Owed) -> None:
        """Forget what was owed, but not what is owed since."""
        if self._owed.get(spot) is owed:
            del self._owed[spot]

    def _has_picture(self, spot: Spot) -> None:
        self._added[spot] = None
        self._added.move_to_end(spot)
        while len(self._added) > _MOST_ADDED:
            self._added.popitem(last=False)
