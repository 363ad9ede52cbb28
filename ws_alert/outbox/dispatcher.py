"""Sends what the outbox holds: claim -> commit -> HTTP -> confirm or postpone -> commit.

Words leave at once; a picture is added to them by an edit, when it is drawn. Only e-mail and
webhooks, which are never edited, wait for theirs. The promise: a committed message reaches its
target at least once, unless it is refused for good (then the admin is told and the policy hears
of it) or told by a line of a late digest. A repeat can happen only when this process or its
connection died between the target's acceptance and our record of it. Only what is sent at once is claimed, so a lease found at
start, or one that ran out, means "may have been sent": its next try says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine

import msgspec
import structlog

from teleglas.storage.records import Commit, StoredRow
from teleglas.storage.store import FOREVER_MS, Store, StoreUnavailable
from teleglas.storage.thread import StoreThread
from ws_alert.delivery.channels import Channel
from ws_alert.delivery.daily import render_daily
from ws_alert.delivery.render import render, render_digest
from ws_alert.delivery.rendered import Message, Rendered
from ws_alert.delivery.targets import is_beside
from ws_alert.messages import Alert, Daily, Outcome, OutcomeKind
from ws_alert.outbox.gate import MINUTE_MS, Gate
from ws_alert.outbox.outbox import STALE_MS, UNKNOWN_WAIT_MS, content_of, late_digests
from ws_alert.outbox.pictures import Draw, Pictures
from ws_alert.outbox.settling import Deliveries, Settlement

__all__ = ["CALL_LIMIT_S", "LEASE_MS", "Channel", "Deliveries", "Dispatcher", "Draw"]

LEASE_MS = 60_000
"""How long a claim stands. Longer than a drawing and a call together can take."""

CALL_LIMIT_S = 45.0
"""A call that takes longer has an unknown outcome."""

_UPKEEP_MS = 10_000
_FINISH_S = 2.0
_AT_ONCE = 16
_REMEMBERED = 10_000
_BESIDE_WAITS_S = 2.0
"""How long an e-mail or a webhook waits for its picture."""

_AHEAD_MS = 2_000
"""So long before its chat is open a picture is drawn."""


class Dispatcher:
    """The delivery loop. Make it, `await run()` as a task, `commit()` through it, `stop()` it.

    clock: Unix ms that do not go back while the process lives. sleep: waits that many
    seconds of that clock. draw: makes a message's picture; without one, or when it returns None
    again, the message stands without. beside: the targets that are not Telegram's: what holds
    Telegram up (its limits, a call that hangs) does not hold them up, nor they it. tell_admin:
    must not go through this outbox. on_refused: hears each alert id that was given up unsent, so that its cooldown can be
    cleared. checkpoint: called with `before_http`, `before_confirm` and `settled`, for kill tests.
    """

    def __init__(
        self,
        store: StoreThread,
        channel: Channel,
        *,
        clock: Callable[[], int],
        tell_admin: Callable[[str], Awaitable[None]],
        on_refused: Callable[[str], None],
        draw: Draw | None = None,
        beside: Collection[str] = (),
        checkpoint: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._channel, self._draw = store, channel, draw
        self._beside = tuple(beside)
        self._clock, self._sleep, self._checkpoint = clock, sleep, checkpoint
        self._tell_admin = tell_admin
        self._gate = Gate()
        self._wakeup = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._working = self._stopping = False
        self._flying: set[asyncio.Task[None]] = set()
        self._flying_beside = 0
        self._notices: set[asyncio.Task[None]] = set()
        self._said: deque[str] = deque(maxlen=100)
        self._upkeep_at_ms = 0
        self._counts = Deliveries()
        self._delays: deque[int] = deque(maxlen=_REMEMBERED)
        self._pictures = Pictures(store, draw, clock=clock, drawn=self.wake)
        self._settlement = Settlement(
            store, self._gate, self._pictures, self._counts, say=self._say, on_refused=on_refused
        )
        self._log = structlog.get_logger(__name__)

    def wake(self) -> None:
        """Look for work now; call it after what was not committed through here."""
        self._wakeup.set()

    def stop(self) -> None:
        """Let `run` end: claim nothing more, finish what is in flight (2 s at most)."""
        self._stopping = True
        self._wakeup.set()

    def deliveries(self) -> Deliveries:
        """Return the counts as they are now."""
        return msgspec.structs.replace(
            self._counts,
            in_flight=len(self._flying),
            left_out=self._counts.left_out + self._pictures.left_out,
            degraded=self._store.degraded,
            delays_ms=tuple(self._delays),
        )

    async def commit(self, commit: Commit) -> None:
        """Commit decisions, and begin at once to send what of them may go now.

        It is claimed in the same transaction, so that one wait for the disk stands before its
        request. What may not, or while another claim is under way, `run` sends. Raises StoreUnavailable.
        """
        now = self._clock()
        if self._may_claim(now):
            async with self._claiming:
                row = await self._store.run(
                    Store.commit_and_claim,
                    commit,
                    now,
                    lease_ms=LEASE_MS,
                    shut=self._gate.shut(now, is_edit=False) | set(self._beside),
                )
                if row is not None and self._stopping:
                    await self._store.run(Store.postpone, row, not_before_ms=now, why="the process stopped")
                elif row is not None:
                    self._send(row, now)
        else:
            await self._store.run(Store.commit, commit)
        self.wake()

    def _may_claim(self, now: int) -> bool:
        free = self._working and not (self._stopping or self._claiming.locked() or self._full())
        return free and self._gate.any_ready_at(now) <= now

    def _full(self) -> bool:
        return len(self._flying) - self._flying_beside >= _AT_ONCE

    async def run(self) -> None:
        """Recover what a dead process left, then deliver until `stop`.

        Ends within 2 s of `stop`; a call that is still under way then is cut off, and
        counts as possibly sent at the next start.
        """
        try:
            await self._recover()
            self._working = True
            while not self._stopping:
                self._wakeup.clear()
                try:
                    pause_ms = await self._step()
                except StoreUnavailable as error:
                    self._say(f"neither the database nor memory takes deliveries now: {error}", grave=True)
                    pause_ms = _UPKEEP_MS
                if pause_ms > 0 and not self._stopping:
                    await self._pause(pause_ms / 1000)
        finally:
            self._working = False
            await self._pictures.stop()
            await self._finish()

    async def _recover(self) -> None:
        now = self._clock()
        await self._store.run(Store.rehearse)
        await self._store.run(Store.release_leases, FOREVER_MS)
        await self._store.run(Store.shorten_waits, now + UNKNOWN_WAIT_MS)
        tries = await self._store.run(Store.tries_since, now - MINUTE_MS)
        self._gate.restore(tries, await self._store.run(Store.holds, now), now)

    async def _step(self) -> int:
        """Claim and start one message, or return how many ms nothing is to be done."""
        now = self._clock()
        if self._store.degraded != self._counts.degraded:
            self._tell_degraded()
        if now >= self._upkeep_at_ms + _UPKEEP_MS:
            await self._upkeep(now)
        self._pictures.begin(self._gate.shut_for(_AHEAD_MS, now))
        async with self._claiming:
            now = self._clock()
            ready = self._gate.any_ready_at(now)
            held = self._full() or ready > now
            if held and not self._beside:
                latest = self._upkeep_at_ms + _UPKEEP_MS if self._full() else ready
                return max(latest, now + 1) - now
            row = await self._store.run(
                Store.claim_next,
                now,
                lease_ms=LEASE_MS,
                shut=self._gate.shut(now, is_edit=False),
                shut_edits=self._gate.shut(now, is_edit=True),
                drawn=tuple(self._pictures.ready),
                only=self._beside if held else None,
            )
            if row is not None:
                self._send(row, now)
                return 0
        if now >= self._upkeep_at_ms:
            # Nobody waits now.
            await self._upkeep(now)
            return 0
        due = await self._store.run(Store.next_due_ms, now)
        times = (due, self._gate.next_opening(now), self._upkeep_at_ms)
        return min(time for time in times if time is not None) - now

    def _send(self, row: StoredRow, now: int) -> None:
        self._gate.sent(row.chat, now, is_edit=row.told >= 0)
        self._start(self._flying, self._deliver(row))

    async def _upkeep(self, now: int) -> None:
        self._upkeep_at_ms = now + _UPKEEP_MS
        await self._store.run(Store.release_leases, now)
        stale = await self._store.run(Store.stale, now - STALE_MS)
        for digest, names in late_digests(stale, now):
            await self._store.run(Store.digest, digest, names)
            self._counts.digested += len(names)
        await self._pictures.refresh(now)
        await self._store.empty_log()

    async def _pause(self, seconds: float) -> None:
        waits = {asyncio.ensure_future(self._sleep(seconds)), asyncio.create_task(self._woken())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    async def _woken(self) -> None:
        await self._wakeup.wait()

    def _start(self, tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(tasks, ended))

    def _ended(self, tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out by itself, and the message is tried again as a possible repeat.
            self._log.error("delivery broken by a defect", exc_info=error)

    async def _deliver(self, row: StoredRow) -> None:
        beside = is_beside(row.chat)
        self._flying_beside += beside
        try:
            try:
                message = _written(row, self._clock())
            except Exception as error:  # noqa: BLE001 - one message that cannot be written must not stop the others
                self._log.error("message cannot be written", alert_id=row.alert_id, exc_info=True)
                why = f"it cannot be written ({type(error).__name__})"
                outcome, lacks = Outcome(OutcomeKind.UNDELIVERABLE, why=why), None
            else:
                outcome, lacks = await self._try(row, message), self._lacking(row, message)
            self._checkpoint("before_confirm")
            await self._settlement.settle(row, outcome, self._clock(), lacks)
            self._checkpoint("settled")
        except StoreUnavailable as error:
            # The lease runs out by itself: the next try is then marked as a possible repeat.
            self._log.error("outcome not recorded", alert_id=row.alert_id, error=str(error))
        finally:
            self._flying_beside -= beside
            self.wake()

    def _lacking(self, row: StoredRow, message: Message) -> bytes | None:
        """Return what is to be drawn and added once these words are told, if their target can be edited."""
        if self._draw is None or message.picture is None or row.told >= 0:
            return None
        return msgspec.json.encode(message.picture)

    async def _try(self, row: StoredRow, message: Message) -> Outcome:
        rendered = message.with_photo(await self._photo(row, message), tried=row.picture_tried)
        self._checkpoint("before_http")
        if row.told < 0:
            self._delays.append(self._clock() - row.created_ms)
        return await self._call(row, rendered)

    async def _photo(self, row: StoredRow, message: Message) -> bytes | None:
        if row.told >= 0:
            return self._pictures.of(row.alert_id) if row.picture is not None else None
        if self._draw is None or message.picture is None or not is_beside(row.chat):
            return None
        return await self._draw(message.picture, within_s=_BESIDE_WAITS_S)

    async def _call(self, row: StoredRow, message: Rendered) -> Outcome:
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                if row.told < 0 or row.message_id is None:
                    return await self._channel.send(
                        message, target=row.target, reply_to=row.reply_to_message, silent=message.silent
                    )
                return await self._channel.edit(
                    message, target=row.target, message_id=row.message_id, has_photo=row.photo
                )
        except TimeoutError:
            return Outcome(OutcomeKind.UNKNOWN, why=f"no answer within {CALL_LIMIT_S:.0f} s")
        except Exception as error:  # noqa: BLE001 - whatever it was, the message may have been sent
            self._log.error("channel failed", alert_id=row.alert_id, error=type(error).__name__)
            return Outcome(OutcomeKind.UNKNOWN, why=f"the channel failed ({type(error).__name__})")

    def _tell_degraded(self) -> None:
        why = self._counts.degraded = self._store.degraded
        if why is None:
            self._say("the database works again; what was sent meanwhile is recorded in it", again=True)
        else:
            self._say(
                f"alerts go out from memory, because the database cannot be used: {why}",
                again=True,
                grave=True,
            )

    def _say(self, text: str, *, again: bool = False, grave: bool = False) -> None:
        """Tell the admin, the same thing only once unless `again`; grave: it is an error to the log."""
        if text in self._said and not again:
            return
        self._said.append(text)
        self._log.log(logging.ERROR if grave else logging.WARNING, "delivery", what=text)
        self._start(self._notices, self._notify(text))

    async def _notify(self, text: str) -> None:
        try:
            await self._tell_admin(text)
        except Exception as error:  # noqa: BLE001 - the admin's own chat may be the one that is gone
            self._log.error("admin not told", error=type(error).__name__)

    async def _finish(self) -> None:
        tasks = self._flying | self._notices
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _written(row: StoredRow, now_ms: int) -> Message:
    content = content_of(row)
    if isinstance(content, Alert):
        return render(content, maybe_sent=row.maybe_sent, now_ms=now_ms)
    if isinstance(content, Daily):
        return render_daily(content, maybe_sent=row.maybe_sent, now_ms=now_ms)
    return render_digest(content, maybe_sent=row.maybe_sent, now_ms=now_ms)
