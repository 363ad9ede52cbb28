"""The main process's memory over 24 hours of market time at 500 assets.

    python benchmarks/memory.py                            # a day
    python benchmarks/memory.py --hours 0.25 --rate 4000   # a quarter of an hour as busy as a crash

A server process sends a day of frames as fast as they are taken; the clock of the program
is the market's. In the process that is measured: stream, inbox, journal (on), engine with
every detector, recorder, store, outbox and Telegram channel, as in the running program; the
Bot API is the simulator in a process of its own, and no charts are drawn. Each 5 minutes of
market time one asset has a burst of six liquidations, so that episodes, growth, edits, the
hourly budget and digests are exercised all day. A day has as many frames as fit into about a
minute; since trades are summed by the second, a busy market takes more memory only until
each asset trades in every second, which the second command shows. The database is that of an
earlier start: a first start, which makes it, holds 12 MB more. Frames are decided on by
the second of market time, so that deliveries find time between.
Goal (SPEC 10): RSS < 150 MB, hour 24 <= hour 1 + 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import sys
import tempfile
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hot_path  # noqa: F401,I001 - before anything that it compiles

import blaster
import bot_api
import frames
import spine

import ws_alert.health_server
import ws_alert.process  # noqa: F401 - as above
from teleglas.storage import tape
from teleglas.storage.store import Store
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.outbox.dispatcher import Dispatcher
from ws_alert.report import Tally
from ws_alert.rules import Rules

_HOUR_MS = 3_600_000
_READINGS = 24
_BEAT_MS = 15_000
_BURST_MS = 300_000
_PAGE = os.sysconf("SC_PAGESIZE")


def rss_mb() -> float:
    """Return the resident set of this process in MB (10^6 bytes)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE / 1e6


class _Day:
    """The clock that the frames drive, and what was measured at 24 points of it."""

    def __init__(self, rate: int, count: int, hours: float) -> None:
        self.tally, self.stop = Tally(), asyncio.Event()
        self.readings: list[float] = []
        self._rate, self._count, self._every_ms = rate, count, hours * _HOUR_MS / _READINGS
        self._passed = asyncio.Event()

    def now_ms(self) -> int:
        """Return the market's time."""
        return frames.START_MS + self.tally.inputs * 1000 // self._rate

    def alive(self) -> None:
        """Look at the clock after each turn of the pipeline."""
        self._passed.set()
        if self.now_ms() - frames.START_MS >= (len(self.readings) + 1) * self._every_ms:
            self.readings.append(rss_mb())
            hours = len(self.readings) * self._every_ms / _HOUR_MS
            print(f"after {hours:5.2f} h: {self.readings[-1]:6.1f} MB", flush=True)
        if self.tally.inputs >= self._count:
            self.stop.set()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of the market's time."""
        until = self.now_ms() + seconds * 1000
        while self.now_ms() < until and not self.stop.is_set():
            self._passed.clear()
            await self._passed.wait()


async def _beats(made: spine.Spine, day: _Day) -> None:
    """Commit the market tape each 15 s and prune each hour, as `ws_alert.vitals` does."""
    pruned_ms = 0
    while True:
        now = made.clock()
        await made.store.run(tape.record, made.recorder.take(now))
        if now - pruned_ms >= _HOUR_MS:
            pruned_ms = now
            await made.store.run(Store.prune, now - 7 * 24 * _HOUR_MS)
            await made.store.run(tape.prune_tape, now - tape.KEPT_MS)
        await day.sleep(_BEAT_MS / 1000)


async def _live(server: blaster.Blaster, day: _Day, folder: Path, api: str, batch: int) -> int:
    async with contextlib.AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramChannel(bot_api.TOKEN, base_url=api))
        made = await stack.enter_async_context(
            spine.opened(folder, day.now_ms, tally=day.tally, rules=Rules(), batch=batch)
        )
        dispatcher = made.pipeline.dispatcher = Dispatcher(
            made.store,
            telegram,
            clock=made.clock,
            tell_admin=spine.nobody,
            on_refused=made.pipeline.refused,
            sleep=day.sleep,
        )
        delivery = asyncio.create_task(dispatcher.run())
        beside = [
            asyncio.create_task(spine.client(server.url, made.inbox).run()),
            asyncio.create_task(_beats(made, day)),
        ]
        print(f"at the start : {rss_mb():6.1f} MB", flush=True)
        await made.pipeline.run(day.stop, day.alive)
        dispatcher.stop()
        for task in beside:
            task.cancel()
        await asyncio.gather(delivery, *beside, return_exceptions=True)
        return dispatcher.deliveries().sent


def main() -> None:
    """Live through a day and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--hours", type=float, default=24)
    options.add_argument("--rate", type=int, default=30, help="frames a second of market time")
    chosen = options.parse_args()
    count = round(chosen.rate * 3600 * chosen.hours)
    day = _Day(chosen.rate, count, chosen.hours)
    large = frames.Large(chosen.rate * _BURST_MS // 1000, 6, 450_000)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        spine.prepare(folder)
        api = stack.enter_context(bot_api.running(folder, spine.TARGET))
        server = stack.enter_context(blaster.running(folder, count, market_rate=chosen.rate, large=large))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            sent = runner.run(_live(server, day, folder, api, chosen.rate))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    first, last = day.readings[0], day.readings[-1]
    print(
        f"{count:,} frames, {frames.INSTRUMENTS} assets, {sum(day.tally.alerts.values())} alerts, {sent} messages sent"
    )
    print(
        f"RSS {first:.1f} MB after {chosen.hours / _READINGS:.2g} h, {last:.1f} after {chosen.hours:g} h"
        f" ({last / first - 1:+.1%}), peak {peak:.1f}"
    )


if __name__ == "__main__":
    main()
