"""A WebSocket server that sends the benchmark's frames; run as a process of its own.

    python benchmarks/blaster.py COUNT STAMPS [--rate N] [--market-rate N] [--large EVERY RUN USD]

It prints its port, then serves every connection that sends one SUBSCRIBE: the acknowledgement
of Binance, then COUNT frames, then nothing. Without --rate they go as fast as the client
reads, many to a segment; with it one to a write, each at its own time. STAMPS is a file of
COUNT int64: where frame n left, `stamps[n]` becomes the monotonic clock in ns (which is one
clock for the whole machine); without --rate only the first one is stamped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import mmap
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import frames
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

__all__ = ["Blaster", "running"]

_CHUNK = 256 * 1024
_ANSWER_EVERY = 100
_KEPT = 1_000_000
"""So many frames are made beforehand; more are made while they are sent."""


class Blaster(NamedTuple):
    """url: of the server. stamps: see above."""

    url: str
    stamps: memoryview


@contextmanager
def running(
    folder: Path,
    count: int,
    *,
    rate: int = 0,
    market_rate: int = 10_000,
    large: frames.Large | None = None,
) -> Iterator[Blaster]:
    """Run a server for the time of the block. rate: frames/s, 0 without a limit."""
    file = folder / "stamps"
    file.write_bytes(bytes(8 * count))
    command = [sys.executable, __file__, str(count), str(file), "--rate", str(rate)]
    command += ["--market-rate", str(market_rate)]
    if large is not None:
        command += ["--large", *map(str, large)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            stamps = memoryview(mapped).cast("q")
            try:
                yield Blaster(f"ws://127.0.0.1:{port}/market/stream", stamps)
            finally:
                stamps.release()
    finally:
        server.terminate()
        server.wait()


def _wired(payload: bytes) -> bytes:
    """Return an unmasked text message in one frame."""
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return b"\x81\x7e" + struct.pack(">H", len(payload)) + payload


def _chunks(wired: Iterator[bytes]) -> Iterator[bytes]:
    parts, size = [], 0
    for each in wired:
        parts.append(each)
        size += len(each)
        if size >= _CHUNK:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


class _Server:
    def __init__(self, options: argparse.Namespace, stamps: memoryview) -> None:
        self._options, self._stamps = options, stamps
        self._tasks: set[asyncio.Task[None]] = set()
        paced, kept = bool(options.rate), options.count <= _KEPT
        self._frames = list(self._made()) if kept and paced else []
        self._ready = list(_chunks(self._made())) if kept and not paced else []

    def _made(self) -> Iterator[bytes]:
        options = self._options
        large = frames.Large(*options.large) if options.large else None
        made = frames.stream(options.count, rate=options.rate or options.market_rate, large=large)
        return (_wired(payload) for _, payload in made)

    async def serve(self, connection: ServerConnection) -> None:
        """Acknowledge, send, and answer Binance's probe meanwhile."""
        sending: asyncio.Task[None] | None = None
        topics: list[str] = []
        with suppress(ConnectionClosed):
            async for message in connection:
                asked = json.loads(message)
                if asked["method"] != "SUBSCRIBE":
                    await connection.send(json.dumps({"result": topics, "id": asked["id"]}))
                    continue
                topics = asked["params"]
                await connection.send(json.dumps({"result": None, "id": asked["id"]}))
                sending = asyncio.create_task(
                    self._paced(connection) if self._frames else self._blast(connection)
                )
        if sending is not None:
            sending.cancel()

    async def _blast(self, connection: ServerConnection) -> None:
        self._stamps[0] = time.monotonic_ns()
        for chunk in self._ready or _chunks(self._made()):
            connection.transport.write(chunk)
            await connection.drain()

    async def _paced(self, connection: ServerConnection) -> None:
        write, stamps, clock = connection.transport.write, self._stamps, time.monotonic_ns
        every = 1_000_000_000 // self._options.rate
        due = clock()
        for number, frame in enumerate(self._frames):
            early = due - clock()
            if early > 0:
                time.sleep(early / 1e9)  # noqa: ASYNC251 - finer than the loop's timer; nobody else waits
            stamps[number] = clock()
            write(frame)
            due += every
            if number % _ANSWER_EVERY == 0:
                await connection.drain()
                await asyncio.sleep(0)


async def _main(options: argparse.Namespace, stamps: memoryview) -> None:
    server = _Server(options, stamps)
    async with serve(server.serve, "127.0.0.1", 0, compression=None, ping_interval=None) as listening:
        print(listening.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int)
    parser.add_argument("stamps", type=Path)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--market-rate", type=int, default=10_000)
    parser.add_argument("--large", type=int, nargs=3)
    options = parser.parse_args()
    with options.stamps.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        asyncio.run(_main(options, memoryview(mapped).cast("q")))


if __name__ == "__main__":
    main()
