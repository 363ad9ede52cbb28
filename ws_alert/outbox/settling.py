"""Writes down what an answer means for the message that was tried: the end of each delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from teleglas.storage.pictures import drop_picture
from teleglas.storage.records import ALL_CHATS, StoredRow
from teleglas.storage.store import Store
from teleglas.storage.thread import StoreThread
from ws_alert.delivery.targets import is_beside
from ws_alert.messages import Outcome
from ws_alert.outbox.gate import Gate
from ws_alert.outbox.outbox import Bare, GiveUp, Told, Wait, step_after
from ws_alert.outbox.pictures import Pictures

__all__ = ["Deliveries", "Say", "Settlement"]


class Deliveries(msgspec.Struct):
    """Counts since the start. delays_ms: from release to the request, of the latest sends.

    pictured: pictures added to words already sent, or sent behind them. left_out: messages that
    stand without theirs, because it could not be drawn, was refused or came too late.
    """

    sent: int = 0
    edited: int = 0
    pictured: int = 0
    left_out: int = 0
    waits: int = 0
    unknown: int = 0
    refused: int = 0
    digested: int = 0
    in_flight: int = 0
    last_success_ms: int | None = None
    degraded: str | None = None
    delays_ms: tuple[int, ...] = ()


class Say(Protocol):
    """Tells the admin, the same thing only once; grave: it is an error to the log."""

    def __call__(self, text: str, *, grave: bool = False) -> None:
        """Tell."""


class Settlement:
    """Records outcomes, and lets gate, pictures, counts, admin and policy know."""

    def __init__(
        self,
        store: StoreThread,
        gate: Gate,
        pictures: Pictures,
        counts: Deliveries,
        *,
        say: Say,
        on_refused: Callable[[str], None],
    ) -> None:
        self._store, self._gate, self._pictures, self._counts = store, gate, pictures, counts
        self._say, self._on_refused = say, on_refused

    async def settle(self, row: StoredRow, outcome: Outcome, now_ms: int, picture: bytes | None) -> None:
        """Record it. picture: what is to be added once the words are told (JSON), None if nothing is."""
        step = step_after(row, outcome, now_ms, picture)
        if isinstance(step, Told):
            await self._told(row, step, now_ms)
        elif isinstance(step, Wait):
            await self._wait(row, step)
        elif isinstance(step, GiveUp):
            await self._give_up(row, step)
        elif isinstance(step, Bare):
            await self._leave_bare(row, step)
        else:
            await self._store.run(Store.migrate_chat, row.chat, step.chat)
            self._gate.forget(row.chat)
            self._say(f"chat {row.chat} has become {step.chat}: put the new id into the settings")

    async def _told(self, row: StoredRow, step: Told, now_ms: int) -> None:
        await self._store.run(
            Store.confirm,
            row.alert_id,
            revision=step.revision,
            message_id=step.message_id,
            photo=step.photo,
            now_ms=now_ms,
            next_edit_ms=step.next_edit_ms,
            picture=step.picture,
        )
        self._counts.last_success_ms = now_ms
        if step.note:
            self._say(f"a message to {row.target} was sent, but: {step.note}")
        if step.picture is not None:
            self._pictures.lacks(row.alert_id, row.chat)
        if row.picture is not None:
            self._pictures.done(row.alert_id)
            self._counts.pictured += 1
        elif row.told < 0:
            self._counts.sent += 1
        else:
            self._counts.edited += 1

    async def _wait(self, row: StoredRow, step: Wait) -> None:
        if step.hold_ms:
            self._gate.hold(step.hold, step.hold_ms)
            await self._store.run(Store.hold_chat, step.hold, step.hold_ms)
        if step.hold == ALL_CHATS:
            self._say(f"all deliveries wait: {step.why}")
        elif is_beside(row.chat) and not step.maybe_sent:
            self._say(f"deliveries to {row.target} wait: {step.why}")
        self._counts.waits += not step.maybe_sent
        self._counts.unknown += step.maybe_sent
        await self._store.run(
            Store.postpone, row, not_before_ms=step.until_ms, why=step.why, maybe_sent=step.maybe_sent
        )

    async def _give_up(self, row: StoredRow, step: GiveUp) -> None:
        if step.suspend:
            unsent = await self._store.run(Store.suspend_chat, row.chat, step.why)
            self._say(f"chat {row.chat} gets nothing more: {step.why}", grave=True)
        else:
            unsent = await self._store.run(Store.bury, row.alert_id, step.why)
            self._say(f"a message to {row.target} was refused: {step.why}")
        self._counts.refused += len(unsent)
        for alert_id in unsent:
            self._on_refused(alert_id)

    async def _leave_bare(self, row: StoredRow, step: Bare) -> None:
        await self._store.run(drop_picture, row.alert_id, step.why, next_edit_ms=step.next_edit_ms)
        self._pictures.done(row.alert_id)
        self._counts.left_out += 1
        self._say(f"a message to {row.target} stands without its picture: {step.why}")
