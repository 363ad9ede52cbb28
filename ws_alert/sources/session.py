"""One connection of a plan, from handshake to close: subscribe, verify, ping, watch, deliver."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.dialogue import (
    Ack,
    Again,
    Data,
    Denied,
    Dialogue,
    Event,
    Ignored,
    Notice,
    Plan,
    Pong,
    Refused,
)
from ws_alert.messages import Frame, RecordKind
from ws_alert.sources.fast_connection import FastConnection
from ws_alert.sources.pace import Turnstile
from ws_alert.sources.watchdog import Watchdog

__all__ = ["Inbox", "Session", "Shell", "race"]

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 0.5
MAX_FRAME_BYTES = 2 * 1024 * 1024
HELD_FRAMES = 20_000
LOOK_EVERY_S = 1.0
TOO_MANY_WAIT_S = 30.0
LONGEST_WAIT_S = 86_400.0

_log = logging.getLogger(__name__)

_wire_log = logging.getLogger("websockets.client.feeds")
_wire_log.setLevel(logging.WARNING)  # its DEBUG prints request lines, and CoinGlass's key is in one


class Inbox(Protocol):
    """Where frames go: an `asyncio.Queue[Frame]` is one. Raises asyncio.QueueFull when full."""

    def put_nowait(self, item: Frame, /) -> None:
        """Take a frame."""

    async def put(self, item: Frame, /) -> None:
        """Take a frame as soon as there is room."""


@dataclass(frozen=True, slots=True)
class Shell:
    """The world around a session: time and the way in. Tests give their own time."""

    inbox: Inbox
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Session:
    """One connection. `run` once; it ends by raising FeedInterrupted or FeedRefused.

    live: set after every acknowledgement and the first market data. stale: set when the
    connection should be replaced (age, the venue's notice). A session made with `held` keeps
    what it reads (the newest frames, up to a bound) until `release`, so that a replacement
    does not run ahead of the connection that it replaces. refused: where topics that the venue
    will never serve are noted. wait_s: how long the venue asked us to stay away.
    """

    def __init__(
        self,
        plan: Plan,
        dialogue: type[Dialogue],
        shell: Shell,
        *,
        refused: dict[str, str],
        held: bool = False,
    ) -> None:
        self._plan = plan
        self._dialogue = dialogue(plan)
        self._shell = shell
        self._refused = refused
        self._says = Turnstile(dialogue.says)
        self._unacknowledged = set(plan.subscribed) if dialogue.acks else set()
        self._held: deque[bytes] | None = deque(maxlen=HELD_FRAMES) if held else None
        self._released = asyncio.Event()
        self._skip = b"" if plan.canary in plan.topics else dialogue.marks(plan.canary)
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self.watchdog = Watchdog(shell.clock(), pong_within_s=dialogue.pong_within_s)
        self.live = asyncio.Event()
        self.stale = asyncio.Event()
        self.oversized = False
        self.wait_s = 0.0
        self.stale_why = ""

    async def run(self) -> NoReturn:
        """Hold the connection until it breaks.

        Raises FeedInterrupted (connect again) or FeedRefused (the venue will not serve us).
        Closes the socket within half a second also when cancelled.
        """
        try:
            connection = await self._connect()
            try:
                await race(self._read(connection), self._talk(connection), self._watch(connection))
            finally:
                await connection.close()
        except (OSError, WebSocketException, EOFError) as error:
            raise self._translated(error) from None
        raise FeedInterrupted("the connection ended")

    async def release(self) -> None:
        """Deliver what was held, in order, then deliver as it comes."""
        held = self._held = deque(self._held or ())  # unbounded: the reader now waits for us
        while held:
            await self._deliver((held.popleft(),))
        self._held = None
        self._released.set()

    async def _connect(self) -> FastConnection:
        connection = await connect(
            self._plan.url,
            create_connection=FastConnection,
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            logger=_wire_log,
        )
        assert isinstance(connection, FastConnection)  # noqa: S101 - tells the type checker
        return connection

    def _translated(self, error: Exception) -> FeedInterrupted | FeedRefused:
        """Name what happened in our words: a library's text may quote the URL, and with it a key."""
        if isinstance(error, InvalidStatus):
            status = error.response.status_code
            self.wait_s = _asked_wait(status, error.response.headers.get("Retry-After", ""))
            reason = self._dialogue.refusal(status)
            return FeedRefused(reason, f"HTTP {status}") if reason else FeedInterrupted(f"HTTP {status}")
        if isinstance(error, ConnectionClosed):
            self.oversized = error.sent is not None and error.sent.code == 1009
            if self.oversized:
                return FeedInterrupted(f"a frame above {MAX_FRAME_BYTES} bytes")
            code = error.rcvd.code if error.rcvd is not None else 1006
            return FeedInterrupted(f"the connection was closed ({code})")
        if isinstance(error, TimeoutError):
            return FeedInterrupted(f"no answer within {OPEN_TIMEOUT_S:.0f} s")
        said = error.strerror if isinstance(error, OSError) else None
        return FeedInterrupted(said or type(error).__name__)

    async def _read(self, connection: FastConnection) -> NoReturn:
        clock, watchdog, is_data, skip = self._shell.clock, self.watchdog, self._dialogue.is_data, self._skip
        while True:
            batch = await connection.recv_many()
            watchdog.heard(clock())
            if not self.live.is_set() or not all(map(is_data, batch)):
                batch = await self._sorted_out(batch)
            if not batch:
                continue
            watchdog.data(clock())
            self._look_live()
            if skip:
                batch = [payload for payload in batch if not payload.startswith(skip)]
            await self._pass_on(batch)

    async def _sorted_out(self, batch: list[bytes]) -> list[bytes]:
        """Act on the control frames and return the market data.

        What is neither proves no health, but goes on to be counted by its reason.
        """
        market, odd = [], []
        for payload in batch:
            event = self._dialogue.control(payload)
            if isinstance(event, Data):
                market.append(payload)
            elif isinstance(event, Ignored):
                odd.append(payload)
            else:
                self._handle(event)
        if odd:
            await self._pass_on(odd)
        return market

    async def _pass_on(self, batch: list[bytes]) -> None:
        if self._held is None:
            await self._deliver(batch)
            return
        self._held.extend(batch)
        if self._held.maxlen is None:
            await self._released.wait()

    async def _deliver(self, payloads: Iterable[bytes]) -> None:
        inbox, venue, kind = self._shell.inbox, self._plan.venue, RecordKind.FRAME
        for payload in payloads:
            frame = Frame(kind, venue, payload)
            try:
                inbox.put_nowait(frame)
            except asyncio.QueueFull:
                self.watchdog.blocked()
                await inbox.put(frame)
                self.watchdog.unblocked(self._shell.clock())
        if payloads:
            self.watchdog.delivered(self._shell.clock())

    def _handle(self, event: Event) -> None:
        """Act on one control event. Raises FeedInterrupted or FeedRefused."""
        match event:
            case Ack(topics):
                self._settle(topics)
            case Refused(topics, reason, permanent):
                if not permanent:
                    raise FeedInterrupted(f"subscription refused: {reason}")
                self._refuse(topics, reason)
            case Again(frames):
                for frame in frames:
                    self._outgoing.put_nowait(frame)
            case Pong(missing):
                self.watchdog.ponged(self._shell.clock())
                if missing:
                    raise FeedInterrupted(f"the venue forgot {len(missing)} subscriptions")
            case Notice(why):
                self._grow_stale(why)
            case Denied(reason, detail):
                raise FeedRefused(reason, detail)
            case _:
                pass

    def _refuse(self, topics: tuple[str, ...], reason: str) -> None:
        _log.warning("%s: refused %s (%s)", self._plan.name, ", ".join(topics), reason)
        self._refused.update(dict.fromkeys(topics, reason))
        if self._plan.canary in self._refused or not set(self._plan.topics) - set(self._refused):
            raise FeedRefused("bad_request", reason)
        self._settle(topics)

    def _settle(self, topics: Iterable[str]) -> None:
        self._unacknowledged.difference_update(topics)
        if not self._unacknowledged:
            self.watchdog.acknowledged()
        self._look_live()

    def _look_live(self) -> None:
        if not self._unacknowledged and self.watchdog.first_data is not None:
            self.live.set()

    def _grow_stale(self, why: str) -> None:
        if not self.stale.is_set():
            self.stale_why = why
            self.stale.set()

    async def _talk(self, connection: FastConnection) -> NoReturn:
        """Send what is to be said, at the venue's pace."""
        for frame in self._dialogue.opening():
            self._outgoing.put_nowait(frame)
        while True:
            frame = await self._outgoing.get()
            wait = self._says.turn(self._shell.clock())
            if wait > 0:
                await self._shell.sleep(wait)
            await connection.send(frame)
            if self._unacknowledged:
                self.watchdog.subscribing(self._shell.clock())

    async def _watch(self, connection: FastConnection) -> NoReturn:
        """Ping from the first second on, look at the watchdog each second, notice old age."""
        clock, dialogue = self._shell.clock, self._dialogue
        born = clock()
        ping_at = born + LOOK_EVERY_S
        chunks = connection.chunks
        while True:
            await self._shell.sleep(LOOK_EVERY_S)
            now = clock()
            if connection.chunks != chunks:
                chunks = connection.chunks
                self.watchdog.heard(now)
            if now >= ping_at:
                ping_at = now + dialogue.ping_every_s
                self._outgoing.put_nowait(dialogue.ping())
                self.watchdog.pinged(now)
            trouble = self.watchdog.trouble(now)
            if trouble:
                raise FeedInterrupted(trouble)
            if dialogue.rotate_after_s is not None and now - born >= dialogue.rotate_after_s:
                self._grow_stale("old age")


def _asked_wait(status: int, retry_after: str) -> float:
    least = TOO_MANY_WAIT_S if status == 429 else 0.0
    return max(least, min(float(retry_after), LONGEST_WAIT_S)) if retry_after.isdecimal() else least


async def race(*work: Awaitable[object]) -> None:
    """Run until the first one ends, cancel the others, and raise what the first one raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
