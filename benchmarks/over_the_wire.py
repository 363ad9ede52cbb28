"""From a loopback socket to the decision, against a bare `websockets` receiver that only decodes.

    python benchmarks/over_the_wire.py [--frames 300000] [--rounds 5]

A server in a process of its own sends the same frames to each, in turn in one run, as fast
as it reads:
 (a) `websockets` recv(decode=False) and msgspec decode of the fields that the engine reads;
 (b) the program: StreamClient/FastConnection, Inbox, journal (on: CRC, write() before
     deciding, fdatasync in its thread), AlertEngine with every detector, commits to SQLite;
 (c) for comparison (a) on our FastConnection: what the receiving alone costs (b).
Each on uvloop, as the program runs. Goal (SPEC 10): (b) >= 0.7 of (a) in frames/s.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import uvloop
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hot_path  # noqa: F401,I001 - before anything that it compiles

import bare
import blaster
import frames
import spine

from ws_alert.report import Tally
from ws_alert.sources.fast_connection import FastConnection

_SUBSCRIBE = '{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}'
_MARKET_RATE = 10_000


class Cost(NamedTuple):
    """Seconds: from the server's first byte to the last frame, and of this process's CPU."""

    wall: float
    cpu: float


class _Meter:
    """Starts when it is made; the wall clock starts when the server sends its first byte."""

    def __init__(self, server: blaster.Blaster) -> None:
        self._server, self._cpu = server, time.process_time()

    def read(self) -> Cost:
        """Return what was spent until now."""
        return Cost((time.monotonic_ns() - self._server.stamps[0]) / 1e9, time.process_time() - self._cpu)


async def _bare(server: blaster.Blaster, count: int) -> Cost:
    decode, meter = bare.decode, _Meter(server)
    async with connect(server.url, compression=None) as connection:
        await connection.send(_SUBSCRIBE)
        recv = connection.recv
        await recv(decode=False)
        for _ in range(count):
            decode(await recv(decode=False))
        return meter.read()


async def _bare_fast(server: blaster.Blaster, count: int) -> Cost:
    decode, meter = bare.decode, _Meter(server)
    async with connect(server.url, compression=None, create_connection=FastConnection) as connection:
        assert isinstance(connection, FastConnection)
        await connection.send(_SUBSCRIBE)
        payloads = (await connection.recv_many())[1:]
        left = count
        while True:
            for payload in payloads:
                decode(payload)
            left -= len(payloads)
            if not left:
                return meter.read()
            payloads = await connection.recv_many()


async def _program(server: blaster.Blaster, count: int) -> Cost:
    tally, stop, ends = Tally(), asyncio.Event(), []

    def clock() -> int:
        return frames.START_MS + tally.inputs * 1000 // _MARKET_RATE

    def alive() -> None:
        if tally.inputs >= count and not ends:
            ends.append(meter.read())
            stop.set()

    with tempfile.TemporaryDirectory() as name:
        async with spine.opened(Path(name), clock, tally=tally) as made:
            meter = _Meter(server)
            feed = asyncio.create_task(spine.client(server.url, made.inbox).run())
            await made.pipeline.run(stop, alive)
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)
            assert tally.inputs == count
            assert not made.engine.intake.refused
    return ends[0]


_RECEIVERS = {
    "(a) websockets recv + decode": _bare,
    "(b) the program, journal on": _program,
    "(c) FastConnection + decode": _bare_fast,
}


def main() -> None:
    """Measure and print one table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=300_000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    count = chosen.frames
    costs: dict[str, list[Cost]] = {name: [] for name in _RECEIVERS}
    with tempfile.TemporaryDirectory() as folder, blaster.running(Path(folder), count) as server:
        gc.freeze()
        for _ in range(chosen.rounds):
            for name, receive in _RECEIVERS.items():
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    costs[name].append(runner.run(receive(server, count)))
                gc.collect()
    print(f"mix: {count:,} Binance frames ({frames.origin()}), {frames.INSTRUMENTS} instruments,")
    print(f"     {frames.LIQUIDATIONS:.0%} forceOrder; {bare.FIELDS}")
    print("journal: on (each batch written before it is decided on; segments packed in a thread)")
    for name, found in costs.items():
        wall = statistics.median(cost.wall for cost in found)
        cpu = statistics.median(cost.cpu for cost in found)
        print(f"{name:30} {count / wall:9,.0f} frames/s  {cpu / count * 1e9:6.0f} ns of CPU a frame")
    limits, ours, _ = costs.values()
    for what, place in (("frames/s", 0), ("frames per CPU second", 1)):
        ratios = sorted(a[place] / b[place] for a, b in zip(limits, ours, strict=True))
        print(
            f"ratio (b) to (a) in {what}: {statistics.median(ratios):.2f}"
            f" (rounds {ratios[0]:.2f}..{ratios[-1]:.2f}), {chosen.rounds} rounds"
        )


if __name__ == "__main__":
    main()
