"""One loop for every venue: connect, stay healthy, reconnect for ever, replace before the cut.

The reconnect iterator of `websockets` is not used: it resets its backoff at each handshake,
so that a server that accepts and closes is connected to a thousand times a second.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NoReturn

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.dialogue import Dialogue, Plan
from ws_alert.messages import FeedState
from ws_alert.sources.feed_board import FeedBoard
from ws_alert.sources.pace import Turnstile, reconnect_delays
from ws_alert.sources.session import Session, Shell

__all__ = ["ConnectionStatus", "StreamClient", "stream_clients"]

HEALTHY_S = 30.0
"""So long data must have flowed before a reconnect starts again at the shortest delay."""

REFUSED_RETRY_S = 600.0
"""Keys get renewed, plans upgraded and bans lifted; nothing is lost by asking rarely."""

REPLACE_WITHIN_S = 30.0
OVERLAP_S = 1.0
"""The old and the new connection run side by side so long: more than their difference in delay."""


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection for /status; ages in seconds, None before the first."""

    name: str
    state: FeedState
    why: str
    event_age_s: float | None
    data_age_s: float | None
    reconnects: int
    replaced: int
    oversized: int
    refused: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Running:
    session: Session
    task: asyncio.Task[NoReturn]


class StreamClient:
    """Keeps one plan connected. Run `run` as a task; it ends only when cancelled, within a second.

    connects: shared by all clients of the venue. delays: makes the delays between tries.
    A client announces itself to the board when it is made: make all of a family's before
    any runs.
    """

    def __init__(
        self,
        plan: Plan,
        dialogue: type[Dialogue],
        shell: Shell,
        board: FeedBoard,
        *,
        connects: Turnstile,
        delays: Callable[[], Iterator[float]],
    ) -> None:
        self._plan = plan
        self._dialogue = dialogue
        self._shell = shell
        self._board = board
        self._connects = connects
        self._delays = delays
        self._state, self._why = FeedState.CONNECTING, ""
        self._refused: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._running: list[_Running] = []
        self._last: Session | None = None
        self._healthy_s = self._wait_s = 0.0
        self._reconnects = self._replaced = self._oversized = 0
        board.report(plan, FeedState.CONNECTING)

    async def run(self) -> NoReturn:
        """Connect for ever; a refused source is tried again every ten minutes."""
        delays = self._delays()
        while True:
            try:
                await self._hold()
            except FeedRefused as error:
                if error.reason == "bad_request":
                    self._refused.clear()
                self._report(FeedState.DOWN, str(error), refused=True)
                delays, pause = self._delays(), REFUSED_RETRY_S
            except FeedInterrupted as error:
                self._report(FeedState.DOWN, str(error))
                if self._healthy_s >= HEALTHY_S:
                    delays = self._delays()
                pause = next(delays)
            self._reconnects += 1
            await self._shell.sleep(max(pause, self._wait_s))

    def replace(self, plan: Plan) -> None:
        """Change what is subscribed: a new connection takes over without a hole."""
        old, self._plan = self._plan, plan
        self._refused.clear()
        self._board.report(plan, self._state, self._why)
        if old.name != plan.name:
            self._board.leave(old)
        self._changed.set()

    def snapshot(self) -> ConnectionStatus:
        """Return the connection's state as of now."""
        now = self._shell.clock()
        dog = self._last.watchdog if self._last is not None else None
        return ConnectionStatus(
            name=self._plan.name,
            state=self._state,
            why=self._why,
            event_age_s=None if dog is None or dog.last_event is None else now - dog.last_event,
            data_age_s=None if dog is None or dog.first_data is None else now - dog.last_canary,
            reconnects=self._reconnects,
            replaced=self._replaced,
            oversized=self._oversized,
            refused=tuple(self._refused),
        )

    async def _hold(self) -> NoReturn:
        """Hold a connection, and its replacements, until one breaks without a successor."""
        self._healthy_s = 0.0
        try:
            current = self._start(held=False)
            while True:
                await _until(current.task, current.session.live.wait())
                self._report(FeedState.LIVE)
                await _until(current.task, current.session.stale.wait(), self._changed.wait())
                current = await self._take_over(current)
        finally:
            if self._last is not None:
                self._healthy_s += self._last.watchdog.healthy_s()
                self._wait_s = self._last.wait_s
            await self._stop(*self._running)

    def _start(self, *, held: bool) -> _Running:
        self._changed.clear()
        topics = tuple(topic for topic in self._plan.topics if topic not in self._refused)
        plan = dataclasses.replace(self._plan, topics=topics)
        session = Session(plan, self._dialogue, self._shell, refused=self._refused, held=held)
        running = _Running(session, asyncio.create_task(self._connected(session), name=plan.name))
        self._running.append(running)
        if not held:
            self._last = session
        return running

    async def _connected(self, session: Session) -> NoReturn:
        wait = self._connects.turn(self._shell.clock())
        if wait > 0:
            await self._shell.sleep(wait)
        try:
            await session.run()
        finally:
            self._oversized += session.oversized

    async def _take_over(self, old: _Running) -> _Running:
        """Connect the replacement first; the old connection serves until the new one delivers.

        Raises the old one's error if it breaks while no replacement is at hand.
        """
        delays = self._delays()
        while True:
            new = self._start(held=True)
            tasks = (old.task, new.task)
            await _either(tasks, new.session.live.wait(), self._shell.sleep(REPLACE_WITHIN_S))
            live = new.session.live.is_set()
            if live:
                await _either(tasks, self._shell.sleep(OVERLAP_S))
            if new.task.done() or not (live or old.task.done()):
                await self._stop(new)
                await _until(old.task, self._shell.sleep(next(delays)))
                continue
            if not live:
                self._report(FeedState.DOWN, str(old.task.exception()))
            self._healthy_s += old.session.watchdog.healthy_s()
            self._last = new.session
            self._replaced += 1
            await self._stop(old)
            await new.session.release()
            return new

    async def _stop(self, *running: _Running) -> None:
        for one in running:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in running), return_exceptions=True)
        self._running = [one for one in self._running if one not in running]

    def _report(self, state: FeedState, why: str = "", *, refused: bool = False) -> None:
        self._state, self._why = state, why
        self._board.report(self._plan, state, why, refused=refused)


def stream_clients(
    plans: Iterable[Plan],
    dialogue: type[Dialogue],
    shell: Shell,
    board: FeedBoard,
    rng: random.Random,
) -> list[StreamClient]:
    """Make the clients of ONE venue's plans; they share the venue's pace of new connections."""
    connects = Turnstile(dialogue.connects)
    return [
        StreamClient(plan, dialogue, shell, board, connects=connects, delays=lambda: reconnect_delays(rng))
        for plan in plans
    ]


async def _either(tasks: Iterable[asyncio.Task[NoReturn]], *others: Awaitable[object]) -> None:
    """Wait until a task or one of the others ends; tasks go on, the others are cancelled."""
    helpers = [asyncio.ensure_future(other) for other in others]
    try:
        await asyncio.wait([*tasks, *helpers], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for helper in helpers:
            helper.cancel()


async def _until(task: asyncio.Task[NoReturn], *others: Awaitable[object]) -> None:
    """Wait until one of the others ends; raises the task's error if it ends first."""
    await _either((task,), *others)
    if task.done():
        task.result()
