"""A venue's WebSocket server: connections, who receives what, silence, slowness and faults."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from simulator.dialogue import Close, Dialogue, Refused, Say
from simulator.faults import VenueFaults
from simulator.feeds import Push

__all__ = ["LIFE_MS", "StreamServer", "WireCounts"]

LIFE_MS = 24 * 3_600_000
"""Every venue ends a connection after a day at the latest."""

_BACKLOG_BYTES = 8 * 1024 * 1024
"""A client that leaves this much unread is cut."""

_REQUEST_BYTES = 1024 * 1024
_GOING_AWAY = 1001

_quiet = logging.getLogger("simulator.wire")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


@dataclass
class WireCounts:
    """What a server did. refused: connections refused; rejected: requests answered with an error."""

    connections: int = 0
    refused: int = 0
    rejected: int = 0
    frames: int = 0
    bytes: int = 0
    cut: int = 0


class _Line:
    """One open connection."""

    __slots__ = ("channels", "dialogue", "heard_ms", "opened_ms", "socket")

    def __init__(self, socket: ServerConnection, dialogue: Dialogue, now_ms: int) -> None:
        self.socket = socket
        self.dialogue = dialogue
        self.channels: set[str] = set()
        self.opened_ms = self.heard_ms = now_ms


class StreamServer:
    """A WebSocket server that holds one `Dialogue` per connection.

    opens: returns the conversation on a request target. now: time since the simulation's start in ms as
    clients live it (idle time does not run faster with the market's speed). ping_s: how often the server
    pings, None for never.
    """

    def __init__(self, opens: Callable[[str], Dialogue | Refused], faults: VenueFaults, now: Callable[[], int], *,
                 ping_s: float | None = None) -> None:  # fmt: skip
        self.counts = WireCounts()
        self.port = 0
        self._opens = opens
        self._faults = faults
        self._now = now
        self._ping_s = ping_s
        self._server: Server | None = None
        self._waiting: dict[ServerConnection, Dialogue] = {}
        self._lines: dict[ServerConnection, _Line] = {}
        self._readers: dict[str, dict[_Line, None]] = defaultdict(dict)
        self._encode = msgspec.json.Encoder().encode

    async def start(self, host: str, port: int) -> None:
        """Listen; with port 0 the system chooses one."""
        self._server = await serve(
            self._talk, host, port, process_request=self._admit, compression=None, max_size=_REQUEST_BYTES,
            ping_interval=self._ping_s, ping_timeout=600, close_timeout=1, logger=_quiet,
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port."""
        if self._server is not None:
            self._server.close(code=_GOING_AWAY)
            await self._server.wait_closed()

    @property
    def connected(self) -> int:
        """How many clients are connected."""
        return len(self._lines)

    def readers(self, channel: str) -> int:
        """Return how many connections receive a channel."""
        return len(self._readers.get(channel, ()))

    def channels(self) -> list[str]:
        """Return the channels that somebody receives."""
        return [channel for channel, readers in self._readers.items() if readers]

    def publish(self, pushes: Iterable[Push]) -> None:
        """Send one tick's messages to those who subscribed, as the faults leave them."""
        if self._faults.stall or self._faults.silent or not self._lines:
            return
        wanted = [push for push in pushes if self._readers.get(push.channel)]
        if not wanted:
            return
        frames = self._faults.mangle([(push.channel, self._encode(push.message)) for push in wanted])
        for channel, payload in frames:
            self._deliver(channel, payload)

    def tell(self, say: Say) -> None:
        """Send a message to every connection."""
        for line in list(self._lines.values()):
            self._say(line, [say])

    def drop(self) -> None:
        """Cut every connection without a closing handshake."""
        for line in list(self._lines.values()):
            line.socket.transport.abort()

    def watch(self) -> None:
        """Cut connections that were silent or open for too long."""
        now = self._now()
        for line in list(self._lines.values()):
            idle = line.dialogue.idle_ms
            if (idle and now - line.heard_ms >= idle) or now - line.opened_ms >= LIFE_MS:
                self.counts.cut += 1
                line.socket.transport.abort()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        status = self._faults.refuse or self._faults.refuse_ws
        opened = Refused(status, "refused") if status else self._opens(request.path)
        if isinstance(opened, Refused):
            self.counts.refused += 1
            return connection.respond(opened.status, opened.body)
        self._waiting[connection] = opened
        return None

    async def _talk(self, socket: ServerConnection) -> None:
        self.counts.connections += 1
        dialogue = self._waiting.pop(socket)
        if self._faults.accept_then_close:
            return
        line = self._lines[socket] = _Line(socket, dialogue, self._now())
        self._index(line)
        try:
            async for message in socket:
                line.heard_ms = self._now()
                text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                refusals = dialogue.refusals
                answers = dialogue.heard(text, line.heard_ms)
                self.counts.rejected += dialogue.refusals - refusals
                if not self._faults.stall:
                    self._index(line)
                    self._say(line, answers)
                if answers and isinstance(answers[-1], Close):
                    await socket.close(answers[-1].code, answers[-1].reason)
        except ConnectionClosed:
            pass
        finally:
            for channel in line.channels:
                self._readers[channel].pop(line, None)
            self._lines.pop(socket, None)

    def _index(self, line: _Line) -> None:
        """Bring the readers of each channel up to date with what the conversation says."""
        wanted = line.dialogue.channels
        for channel in line.channels - wanted:
            self._readers[channel].pop(line, None)
        for channel in wanted - line.channels:
            self._readers[channel][line] = None
        line.channels = set(wanted)

    def _say(self, line: _Line, answers: list[Say]) -> None:
        for answer in answers:
            if not isinstance(answer, Close):
                broadcast([line.socket], answer.encode() if isinstance(answer, str) else self._encode(answer), text=True)

    def _deliver(self, channel: str, payload: bytes | str) -> None:
        lines = list(self._readers.get(channel, ()))
        plain = [line.socket for line in lines if not line.dialogue.wrapped]
        wrapped = [line.socket for line in lines if line.dialogue.wrapped]
        if isinstance(payload, str):
            broadcast([*plain, *wrapped], payload.encode("latin-1"))
        else:
            broadcast(plain, payload, text=True)
            if wrapped:
                broadcast(wrapped, b'{"stream":%b,"data":%b}' % (self._encode(channel), payload), text=True)
        self.counts.frames += len(lines)
        self.counts.bytes += len(lines) * len(payload)
        for line in lines:
            if line.socket.transport.get_write_buffer_size() > _BACKLOG_BYTES:
                self.counts.cut += 1
                line.socket.transport.abort()
