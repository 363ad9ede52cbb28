"""The fast receive path gives exactly what the library's own path gives."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import random
import struct

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from ws_alert.sources.fast_connection import FastConnection

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX = 200_000


def frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bool = False, wide: bool = False) -> bytes:
    """Return one frame as it stands on the wire."""
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    size = len(payload)
    if wide or size > 0xFFFF:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    elif size > 125:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | size])
    return head + (b"\0\0\0\0" if mask else b"") + payload


class RawServer:
    """Shakes hands by hand, then writes exactly the given chunks, and closes after the client's close frame."""

    def __init__(self, chunks: list[bytes], *, with_head: bytes = b"", extension: str = "") -> None:
        self.chunks, self.with_head, self.extension = chunks, with_head, extension
        self.port = 0
        self.hang_up = False
        self._done = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()
        await self._done.wait()

    async def _serve(self, reader, writer):
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._done.set()

    async def _talk(self, reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(li for li in request.split(b"\r\n") if li.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key.split(b": ")[1] + GUID.encode()).digest())  # noqa: S324
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + self.extension.encode() + b"\r\n" + self.with_head
        )
        for chunk in self.chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while not self.hang_up:
                opcode, length = await reader.readexactly(2)
                await reader.readexactly(4 + (length & 0x7F))
                self.hang_up = opcode == 0x88


async def received(server: RawServer, *, fast: bool) -> tuple[list[bytes], tuple[int, int]]:
    """Return all messages, and the close codes (received, sent)."""
    messages: list[bytes] = []
    async with asyncio.timeout(20), server:
        kind = {"create_connection": FastConnection} if fast else {}
        connection = await connect(
            f"ws://127.0.0.1:{server.port}",
            compression=None,
            max_size=MAX,
            ping_interval=None,
            close_timeout=1,
            **kind,
        )
        try:
            while True:
                if fast:
                    messages += await connection.recv_many()
                else:
                    messages.append(await connection.recv(decode=False))
        except ConnectionClosed as closed:
            codes = (closed.rcvd.code if closed.rcvd else 0, closed.sent.code if closed.sent else 0)
    return messages, codes


def random_script(rng: random.Random) -> tuple[bytes, list[bytes]]:
    """Return a stream of frames with a clean close, and the messages in it."""
    wire, wanted = b"", []
    for _ in range(rng.randrange(1, 25)):
        size = rng.choice([0, 1, 2, 125, 126, 127, 200, 65535, 65536, 70000])
        message = rng.randbytes(size)
        wanted.append(message)
        opcode = rng.choice([1, 2])
        if rng.random() < 0.3:
            cuts = sorted(rng.randrange(size + 1) for _ in range(rng.randrange(1, 4)))
            parts = [message[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
            for number, part in enumerate(parts):
                wire += frame(opcode if number == 0 else 0, part, fin=number == len(parts) - 1)
                if rng.random() < 0.4:
                    wire += frame(9, b"ping")
        else:
            wire += frame(opcode, message, wide=rng.random() < 0.2)
        if rng.random() < 0.3:
            wire += frame(rng.choice([9, 10]), rng.randbytes(rng.randrange(20)))
    return wire + frame(8, struct.pack("!H", 1000)), wanted


def cut(wire: bytes, rng: random.Random) -> list[bytes]:
    """Cut a stream into chunks of random sizes."""
    chunks, at = [], 0
    while at < len(wire):
        step = rng.choice([1, 2, 3, 7, 100, 5000, 65536])
        chunks.append(wire[at : at + step])
        at += step
        if len(chunks) > 3000:
            chunks.append(wire[at:])
            break
    return chunks


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("seed", range(12))
def test_random_frames_in_random_chunks(loop, seed):
    """Fragments, pings between them, every length form, any chunking: all messages, in order, clean close."""
    rng = random.Random(seed)  # noqa: S311 - a seed, not a secret
    wire, wanted = random_script(rng)
    with asyncio.Runner(loop_factory=loop) as runner:
        messages, codes = runner.run(received(RawServer(cut(wire, rng)), fast=True))
    assert messages == wanted
    assert codes == (1000, 1000)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_one_byte_chunks(loop):
    """A server that drips single bytes is understood."""
    wire = (
        frame(1, b"a" * 130) + frame(9, b"x") + frame(1, b"b", wide=True) + frame(8, struct.pack("!H", 1000))
    )
    with asyncio.Runner(loop_factory=loop) as runner:
        messages, codes = runner.run(received(RawServer([bytes([b]) for b in wire]), fast=True))
    assert messages == [b"a" * 130, b"b"]
    assert codes == (1000, 1000)


BAD = {
    "masked": frame(1, b"x" * 9, mask=True),
    "masked long": frame(1, b"x" * 300, mask=True),
    "too big": frame(1, b"x" * (MAX + 1)),
    "reserved bit": b"\xc1\x01x",
    "unknown opcode": b"\x83\x01x",
    "fragmented ping": b"\x09\x01x",
    "long ping": frame(9, b"x" * 126),
    "continuation of nothing": frame(0, b"x"),
    "text inside a fragmented message": frame(1, b"x", fin=False) + frame(1, b"y"),
    "cut short": frame(1, b"x" * 50)[:-1],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_what_breaks_the_rules_ends_as_in_the_library(bad):
    """Each violation closes with the library's own code, and what came before it is delivered."""
    wire = [frame(1, b"good") + bad + (b"" if bad == BAD["cut short"] else frame(1, b"after"))]
    results = []
    for fast in (False, True):
        server = RawServer(wire)
        server.hang_up = bad == BAD["cut short"]
        results.append(await received(server, fast=fast))
    assert results[0] == results[1]
    assert results[1][0][:1] == [b"good"]


async def test_frames_that_ride_with_the_handshake():
    """Nothing is lost when the first frames share a packet with the response's head."""
    first = frame(1, b"one") + frame(1, b"two")[:2]
    rest = [frame(1, b"two")[2:] + frame(8, struct.pack("!H", 1000))]
    messages, _ = await received(RawServer(rest, with_head=first), fast=True)
    assert messages == [b"one", b"two"]


async def test_a_negotiated_extension_falls_back():
    """With compression agreed, the library's parser does all the work and messages still arrive."""

    async def talk(connection):
        await connection.send("x" * 1000)
        await connection.send("y" * 1000)

    async with serve(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(
            f"ws://127.0.0.1:{port}", compression="deflate", create_connection=FastConnection
        )
        assert connection.protocol.extensions
        messages = []
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosedOK):
                while True:
                    messages += await connection.recv_many()
    assert messages == [b"x" * 1000, b"y" * 1000]


async def test_a_reader_that_does_not_read_stops_the_server():
    """Memory stays bounded: reading pauses above the mark, resumes, and nothing is lost."""
    count = 60_000
    sent = 0

    async def blast(connection):
        nonlocal sent
        for number in range(count):
            await connection.send(b"%08d" % number + b"." * 200)
            sent = number

    async with serve(blast, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(
            f"ws://127.0.0.1:{port}", compression=None, create_connection=FastConnection
        )
        async with asyncio.timeout(20):
            while not connection._held_back:  # noqa: ASYNC110 - the connection has no event to tell it
                await asyncio.sleep(0.001)
            assert len(connection._messages) < 10_000
            numbers = []
            with contextlib.suppress(ConnectionClosedOK):
                while True:
                    numbers += [int(message[:8]) for message in await connection.recv_many()]
    assert numbers == list(range(count))


async def test_cancelling_the_reader_loses_nothing():
    """A cancelled recv_many can be called again."""
    release = asyncio.Event()

    async def talk(connection):
        await release.wait()
        await connection.send("late")

    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(
            f"ws://127.0.0.1:{port}", compression=None, create_connection=FastConnection
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await connection.recv_many()
        release.set()
        async with asyncio.timeout(5):
            assert await connection.recv_many() == [b"late"]
        await connection.close()


class _Transport(asyncio.Transport):
    """Takes what is written and does nothing with it."""

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def write(self, data):
        pass

    def can_write_eof(self):
        return False

    def close(self):
        pass

    def is_closing(self):
        return True


@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=300), cuts=st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_any_bytes_are_survived(noise, cuts):
    """Whatever a server sends after the handshake, data_received never raises."""

    async def feed():
        made = connect("ws://127.0.0.1:1/", compression=None)
        made_fast = FastConnection(made.factory(made.ws_uri).protocol)
        made_fast.connection_made(_Transport())
        protocol = made_fast.protocol
        request = protocol.connect()
        protocol.send_request(request)
        key = request.headers["Sec-WebSocket-Key"]
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()  # noqa: S324
        made_fast.data_received(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
        )
        at = turn = 0
        while at < len(noise):
            step = cuts[turn % len(cuts)]
            made_fast.data_received(noise[at : at + step])
            at, turn = at + step, turn + 1
        made_fast.connection_lost(None)

    asyncio.run(feed())
