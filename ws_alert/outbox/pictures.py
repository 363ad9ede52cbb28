"""Draws what sent messages still lack, a few pictures ahead of their turn.

That a picture is due is known by its row in the outbox alone; here is only which to draw next, and
those that are drawn and wait for their chat. A picture is not drawn while its message is
claimed: a drawing must hold up no send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import msgspec
import structlog

from teleglas.charts.picture import AnyPicture
from teleglas.storage.pictures import drop_old_pictures, drop_picture, lacking
from teleglas.storage.store import Store, StoreUnavailable
from teleglas.storage.thread import StoreThread
from ws_alert.outbox.gate import edit_every_ms

__all__ = ["PATIENCE_S", "TOO_LATE_MS", "Draw", "Pictures"]

TOO_LATE_MS = 600_000
"""A message that was told so long ago goes without: by then its picture is no news (as a late alert is none)."""

PATIENCE_S = 30.0
"""How long one drawing may take: its message is out already, and a frozen drawer is replaced before."""

_KEPT = 4
_TRIES = 2


class Draw(Protocol):
    """Makes a PNG; None, with the reason in the log, if it cannot or not within so many seconds."""

    def __call__(self, picture: AnyPicture, *, within_s: float) -> Awaitable[bytes | None]:
        """Draw."""


class Pictures:
    """Which messages lack a picture, and the pictures of those that are next.

    clock: Unix ms. drawn: is called after each drawing, whatever came of it. Memory: one id
    for each message that lacks its picture, and four pictures.
    """

    def __init__(
        self, store: StoreThread, draw: Draw | None, *, clock: Callable[[], int], drawn: Callable[[], None]
    ) -> None:
        self.left_out = 0
        self._store, self._draw, self._clock, self._drawn = store, draw, clock, drawn
        self._due: dict[str, str] = {}
        self._ready: dict[str, bytes] = {}
        self._tries: dict[str, int] = {}
        self._work: asyncio.Task[None] | None = None
        self._log = structlog.get_logger(__name__)

    @property
    def ready(self) -> Collection[str]:
        """The alert ids of the messages whose picture is drawn."""
        return self._ready.keys()

    @property
    def drawing(self) -> bool:
        """Whether a picture is in the making."""
        return self._work is not None

    def of(self, alert_id: str) -> bytes | None:
        """Return the drawn picture of a message."""
        return self._ready.get(alert_id)

    async def refresh(self, now_ms: int) -> None:
        """Give up what is too late, and learn from the outbox what is due: at a start all of it."""
        self.left_out += await self._store.run(drop_old_pictures, now_ms - TOO_LATE_MS, next_edit_ms=now_ms)
        due = dict(await self._store.run(lacking))
        for alert_id in self._due.keys() - due.keys():
            self.done(alert_id)
        for alert_id, chat in due.items():
            if self._draw is None:
                await self._give_up(alert_id, chat, "pictures are switched off")
            else:
                self.lacks(alert_id, chat)

    def lacks(self, alert_id: str, chat: str) -> None:
        """Take note that a message of this chat lacks its picture: its row says so from now on."""
        self._due[alert_id] = chat

    def done(self, alert_id: str) -> None:
        """Forget a message: its picture was added, or given up."""
        self._due.pop(alert_id, None)
        self._ready.pop(alert_id, None)
        self._tries.pop(alert_id, None)

    def begin(self, shut: Collection[str]) -> None:
        """Draw the next picture, if none is in the making. shut: chats that are not open soon.

        A drawn picture whose chat has been shut meanwhile gives up its place to one that can go.
        """
        if self._draw is None or self._work is not None:
            return
        alert_id = next(
            (one for one, chat in self._due.items() if chat not in shut and one not in self._ready), None
        )
        if alert_id is None:
            return
        if len(self._ready) >= _KEPT:
            stuck = next((one for one in self._ready if self._due.get(one) in shut), None)
            if stuck is None:
                return
            del self._ready[stuck]
        self._work = asyncio.create_task(self._make(alert_id, self._due[alert_id], self._draw))
        self._work.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Give up the drawing that is under way; the next start does it again."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _make(self, alert_id: str, chat: str, draw: Draw) -> None:
        tries = self._tries[alert_id] = self._tries.get(alert_id, 0) + 1
        if tries > _TRIES:
            await self._give_up(alert_id, chat, "its picture could not be drawn")
            return
        row = await self._store.run(Store.alert, alert_id)
        if row is None or row.picture is None:
            self.done(alert_id)
            return
        png = await draw(msgspec.json.decode(row.picture, type=AnyPicture), within_s=PATIENCE_S)
        if png is not None and alert_id in self._due:
            self._ready[alert_id] = png
            del self._tries[alert_id]

    async def _give_up(self, alert_id: str, chat: str, why: str) -> None:
        self.done(alert_id)
        next_edit_ms = self._clock() + edit_every_ms(chat)
        self.left_out += await self._store.run(drop_picture, alert_id, why, next_edit_ms=next_edit_ms)
        self._log.warning("picture given up", alert_id=alert_id, why=why)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._drawn()
        elif isinstance(error, StoreUnavailable):
            self._log.error("picture not recorded", error=str(error))  # the next look begins it again
        else:
            self._log.error("picture broken by a defect", exc_info=error)
