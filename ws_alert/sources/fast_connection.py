"""A `websockets` client connection that cuts complete frames out of the received bytes itself.

The library parses frames in Python generators (2.5 us each); slicing the plain ones here
costs a ninth. Handshake, TLS, ping and pong, closing and fragments stay the library's: every
frame that is not one whole unmasked text or binary message is handed to it, and whatever
breaks the rules hands it the connection for good. The same happens if an extension was
negotiated. It relies on `data_received`, `process_event` and `connection_lost` of
websockets 17 (`tests/sources/test_fast_connection.py` compares both paths on random frames).
"""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import CONT, DATA_OPCODES, Frame
from websockets.protocol import OPEN, Event

__all__ = ["FastConnection"]

_PAUSE_ABOVE = 4096
_WHOLE = (0x81, 0x82)
"""First byte of a text and of a binary message in one frame without reserved bits."""
_HEAD_END = b"\r\n\r\n"


class FastConnection(ClientConnection):
    """Receive with `recv_many`; `recv` and iteration are not for use here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chunks = 0
        self._head: bytes | None = b""
        self._plain = False
        self._pieces: list[bytes] = []
        self._have = self._need = 0
        self._messages: list[bytes] = []
        self._fragments: list[bytes] = []
        self._reader: asyncio.Future[None] | None = None
        self._held_back = False

    async def recv_many(self) -> list[bytes]:
        """Return all messages that have arrived, in order, at least one.

        Raises ConnectionClosed after the last. Safe to cancel: nothing is lost.
        """
        while not self._messages:
            if self.connection_lost_waiter.done():
                raise self.close_exc
            self._reader = self.loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        messages, self._messages = self._messages, []
        if self._held_back:
            self._held_back = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return messages

    def data_received(self, data: bytes) -> None:
        """Cut the plain frames out; give the library all else."""
        self.chunks += 1
        if self._plain:
            super().data_received(data)
        elif self._head is not None:
            self._handshake(data)
        elif self._have:
            self._pieces.append(data)
            self._have += len(data)
            if self._have >= self._need:
                data = b"".join(self._pieces)
                self._pieces.clear()
                self._have = 0
                self._cut(data)
        else:
            self._cut(data)
        if self._messages:
            self._wake()

    def process_event(self, event: Event) -> None:
        """Join the fragments that came through the library's parser."""
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            if event.opcode is not CONT:
                self._fragments.clear()
            if event.data:
                self._fragments.append(bytes(event.data))
            if event.fin:
                self._messages.append(b"".join(self._fragments))
                self._fragments.clear()
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the reader: it takes what is left, then learns of the end."""
        super().connection_lost(exc)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        if len(self._messages) > _PAUSE_ABOVE and not self._held_back and not self.transport.is_closing():
            self._held_back = True
            self.transport.pause_reading()

    def _handshake(self, data: bytes) -> None:
        """Feed the response's head to the library, and only that: what follows it is ours to cut."""
        head = (self._head or b"") + data
        end = head.find(_HEAD_END)
        if end < 0:
            self._head = head
            super().data_received(data)
            return
        cut = end + len(_HEAD_END) - (len(head) - len(data))
        self._head = None
        super().data_received(data[:cut])
        rest = data[cut:]
        self._plain = self.protocol.state is not OPEN or bool(self.protocol.extensions)
        if rest and self._plain:
            super().data_received(rest)
        elif rest:
            self._cut(rest)

    def _cut(self, data: bytes) -> None:
        """Take whole frames off the front of data, which begins at a frame; keep the rest."""
        protocol, messages = self.protocol, self._messages
        at, size, most = 0, len(data), protocol.max_message_size or 2**63
        while size - at >= 2:
            first, length = data[at], data[at + 1]
            start = at + 2
            if length > 127:
                return self._surrender(data[at:])
            if length >= 126:
                start += 2 if length == 126 else 8
                if start > size:
                    return self._keep(data[at:], start - at)
                short = length == 126
                length = data[at + 2] << 8 | data[at + 3] if short else int.from_bytes(data[at + 2 : start])
            if length > most:
                return self._surrender(data[at:])
            end = start + length
            if end > size:
                return self._keep(data[at:], end - at)
            if first in _WHOLE and protocol.current_size is None:
                messages.append(data[start:end])
            else:
                super().data_received(data[at:end])
                if protocol.state is not OPEN:
                    return self._surrender(data[end:])
            at = end
        if at < size:
            self._keep(data[at:], 2)
        return None

    def _keep(self, rest: bytes, need: int) -> None:
        self._pieces.append(rest)
        self._have, self._need = len(rest), need

    def _surrender(self, rest: bytes) -> None:
        """Leave the connection to the library from this frame on."""
        self._plain = True
        if rest:
            super().data_received(rest)
