"""The pictures of cards: drawn once a minute for all who ask the same, kept as Telegram's file id."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from telegram import Message

from bot.views.card import Card
from bot.views.origin import Context
from teleglas.charts.pool import ChartPool

__all__ = ["Drawings"]

_MOST_KEPT = 200
_KEPT_S = 60.0
_AT_ONCE = 2
"""Whose picture would be behind so many others is not kept waiting for it."""
_PATIENCE_S = 30.0
"""For a picture that nobody waits for: its words are out already."""

Photo = str | bytes
"""Telegram's id of a picture, or the PNG."""


class Drawings:
    """charts: None where there are no pictures. clock: monotonic seconds."""

    def __init__(self, charts: ChartPool | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._charts = charts
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Photo]] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes | None]] = {}

    def wanted(self, card: Card) -> bool:
        """Return whether a card has a picture that can be drawn."""
        return card.picture is not None and self._charts is not None

    def kept(self, card: Card, context: Context) -> Photo | None:
        """Return an equal picture of this minute."""
        drawn_s, photo = self._kept.get(_key(card, context), (0.0, ""))
        return photo if photo and self._clock() - drawn_s < _KEPT_S else None

    async def soon(self, card: Card, context: Context, within_s: float) -> Photo | None:
        """Return a card's picture; None without one, where others are drawn first, or if it takes longer."""
        if not self.wanted(card):
            return None
        photo = self.kept(card, context)
        key = _key(card, context)
        if photo is not None or within_s <= 0 or (key not in self._making and len(self._making) >= _AT_ONCE):
            return photo
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(self._make(card, key))
        except TimeoutError:
            return None

    async def at_last(self, card: Card, context: Context) -> Photo | None:
        """Return a card's picture, however long it takes; None if it cannot be drawn."""
        if not self.wanted(card):
            return None
        return self.kept(card, context) or await asyncio.shield(self._make(card, _key(card, context)))

    def remember(self, card: Card, context: Context, sent: Message | bool) -> None:
        """Keep the id of a picture that Telegram has."""
        if isinstance(sent, Message) and sent.photo:
            self._keep(_key(card, context), sent.photo[-1].file_id)

    def forget(self, card: Card, context: Context) -> None:
        """Keep a picture no longer."""
        self._kept.pop(_key(card, context), None)

    def _make(self, card: Card, key: str) -> asyncio.Task[bytes | None]:
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._draw(card))
            task.add_done_callback(lambda done: self._made(key, done))
        return task

    async def _draw(self, card: Card) -> bytes | None:
        if card.picture is None or self._charts is None:
            return None
        return await self._charts.draw(card.picture, within_s=_PATIENCE_S)

    def _made(self, key: str, done: asyncio.Task[bytes | None]) -> None:
        """Keep a picture, also one that came too late for the person who asked."""
        self._making.pop(key, None)
        if not done.cancelled() and done.exception() is None and (png := done.result()):
            self._keep(key, png)

    def _keep(self, key: str, photo: Photo) -> None:
        drawn_s, _ = self._kept.pop(key, (self._clock(), ""))
        self._kept[key] = (drawn_s, photo)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)


def _key(card: Card, context: Context) -> str:
    return f"{card.key}|{context.words.language}|{context.zone}|{context.now_ms // 60_000}"
