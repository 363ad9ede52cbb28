"""How long a frame waits for its decision, and a decision for its HTTP request.

    python benchmarks/latency.py [--seconds 10] [--alerts 40]

1. Frames leave a server process one by one, 1,000 and 10,000 a second, each with the time
   just before its write; the decision is made when every detector and the policy have run
   (the frame is in the journal by then). Goal (SPEC 10): p99 < 5 ms at 10,000/s.
2. At 1,000 frames/s one URGENT alert each 1.2 s (Telegram takes one message a second per
   chat) goes through commit, claim and rendering to the Bot API simulator in a process of
   its own. From the decision to the call of the Telegram channel, and to the acceptance at
   the receiver (whole ms, its own work included). Goal: p99 < 50 ms to the request. Once
   without and once with charts: the words leave at once, the chart is added by an edit, which
   waits at least for the chat's second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import NamedTuple

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hot_path  # noqa: F401,I001 - before anything that it compiles

import blaster
import bot_api
import frames
import spine

from teleglas.charts.pool import ChartPool
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.messages import Outcome, Verdict
from ws_alert.outbox.dispatcher import Dispatcher
from ws_alert.report import Tally, percentile

_LARGE_USD = 450_000
"""One liquidation of it on a coin of OTHERS is four times the threshold: URGENT, and no storm."""

_ALERT_RATE = 1_000
_FRAMES_BETWEEN = 1_200
_DRAWER_STARTS_S = 4.0


class _Stamps(Tally):
    """Notes when each frame and each alert was decided (monotonic ns; for alerts also wall ms)."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[int] = []
        self.decisions: dict[str, tuple[int, int]] = {}

    def decided(self, frames: int, delay_s: float) -> None:
        """Note the time for a whole batch."""
        super().decided(frames, delay_s)
        self.frames += [time.monotonic_ns()] * frames

    def judged(self, verdicts: Iterable[Verdict]) -> None:
        """Note the time of each alert."""
        verdicts = list(verdicts)
        super().judged(verdicts)
        now = time.monotonic_ns(), time.time_ns() // 1_000_000
        self.decisions.update({verdict.alert.alert_id: now for verdict in verdicts if verdict.alert})


class _Stamped:
    """Telegram, noting when each message came to be sent, and when its picture."""

    def __init__(self, channel: TelegramChannel) -> None:
        self._channel = channel
        self.called: dict[str, int] = {}
        self.pictured: dict[str, int] = {}

    async def send(self, message: Rendered, *, target: str, reply_to: int | None, silent: bool) -> Outcome:
        """Note the time and send."""
        self.called[message.alert_id] = time.monotonic_ns()
        return await self._channel.send(message, target=target, reply_to=reply_to, silent=silent)

    async def edit(self, message: Rendered, *, target: str, message_id: int, has_photo: bool) -> Outcome:
        """Note the time of a picture and edit."""
        if message.photo is not None:
            self.pictured.setdefault(message.alert_id, time.monotonic_ns())
        return await self._channel.edit(message, target=target, message_id=message_id, has_photo=has_photo)


@contextlib.asynccontextmanager
async def _running(
    server: blaster.Blaster, count: int, folder: Path
) -> AsyncIterator[tuple[spine.Spine, _Stamps, asyncio.Task[None]]]:
    stamps, stop = _Stamps(), asyncio.Event()
    ahead_ms = frames.START_MS - time.time_ns() // 1_000_000

    def clock() -> int:
        return time.time_ns() // 1_000_000 + ahead_ms

    def alive() -> None:
        if stamps.inputs >= count:
            stop.set()

    async with spine.opened(folder, clock, tally=stamps) as made:
        work = asyncio.create_task(made.pipeline.run(stop, alive))
        feed = asyncio.create_task(spine.client(server.url, made.inbox).run())
        try:
            yield made, stamps, work
        finally:
            stop.set()
            feed.cancel()
            await asyncio.gather(work, feed, return_exceptions=True)


async def _to_decision(server: blaster.Blaster, count: int, folder: Path) -> list[float]:
    async with _running(server, count, folder) as (_, stamps, work):
        await work
    return [(decided - sent) / 1e6 for sent, decided in zip(server.stamps, stamps.frames, strict=True)]


def decision(rate: int, seconds: int) -> str:
    """Return one line for a rate."""
    count = rate * seconds
    with tempfile.TemporaryDirectory() as name, blaster.running(Path(name), count, rate=rate) as server:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            waits = runner.run(_to_decision(server, count, Path(name)))
        held = (count - 1) / ((server.stamps[count - 1] - server.stamps[0]) / 1e9)
    return f"{rate:6,} frames/s for {seconds} s (sent {held:6,.0f}/s)  {_spread(waits)}"


class Delays(NamedTuple):
    """ms from the decision to the call of the channel, to the receiver's acceptance, and to the edit with the chart."""

    called: list[float]
    accepted: list[float]
    pictured: list[float]


async def _to_request(
    server: blaster.Blaster, alerts: int, folder: Path, api: str, *, charts: bool
) -> Delays:
    count = _FRAMES_BETWEEN * (alerts + 1)
    pool = ChartPool() if charts else None
    async with contextlib.AsyncExitStack() as stack:
        if pool is not None:
            stack.push_async_callback(pool.close)
            pool.warm_up()
            await asyncio.sleep(_DRAWER_STARTS_S)
        telegram = await stack.enter_async_context(TelegramChannel(bot_api.TOKEN, base_url=api))
        await telegram.check((spine.TARGET,))  # as the program does at its start: the connection is open
        channel = _Stamped(telegram)
        made, stamps, work = await stack.enter_async_context(_running(server, count, folder))
        dispatcher = made.pipeline.dispatcher = Dispatcher(
            made.store, channel, clock=made.clock, tell_admin=spine.nobody, on_refused=made.pipeline.refused,
            draw=pool.draw if pool else None,
        )  # fmt: skip
        delivery = asyncio.create_task(dispatcher.run())
        await work
        dispatcher.stop()
        await delivery
    rows = [json.loads(line) for line in bot_api.ledger(folder).read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["method"].startswith("send")]
    decided = [stamps.decisions[alert_id] for alert_id in channel.called]
    called = [(at - ns) / 1e6 for at, (ns, _) in zip(channel.called.values(), decided, strict=True)]
    accepted = [float(row["at_ms"] - ms) for row, (_, ms) in zip(rows, decided, strict=True)]
    pictured = [(at - stamps.decisions[alert_id][0]) / 1e6 for alert_id, at in channel.pictured.items()]
    return Delays(called, accepted, pictured)


def request(alerts: int, *, charts: bool) -> list[str]:
    """Return two lines, with charts three."""
    large = frames.Large(_FRAMES_BETWEEN, 1, _LARGE_USD)
    count = _FRAMES_BETWEEN * (alerts + 1)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        api = stack.enter_context(bot_api.running(Path(name), spine.TARGET))
        server = stack.enter_context(blaster.running(Path(name), count, rate=_ALERT_RATE, large=large))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_to_request(server, alerts, Path(name), api, charts=charts))
    what = f"{len(found.called)} URGENT alerts, charts {'on' if charts else 'off'}"
    lines = [
        f"{what}: to the request    {_spread(found.called)}",
        f"{what}: to the acceptance {_spread(found.accepted)}",
    ]
    if found.pictured:
        lines.append(f"{len(found.pictured)} charts added: to their edit    {_spread(found.pictured)}")
    return lines


def _spread(values: list[float]) -> str:
    points = " ".join(f"p{point} {percentile(values, point):7.2f}" for point in (50, 99))
    return f"{points}  most {max(values):7.2f} ms"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--alerts", type=int, default=40)
    chosen = options.parse_args()
    gc.freeze()
    print(
        f"mix: Binance frames ({frames.origin()}), {frames.INSTRUMENTS} instruments, {frames.LIQUIDATIONS:.0%} forceOrder"
    )
    print("journal: on; frame to decision:")
    for rate in (1_000, 10_000):
        print(decision(rate, chosen.seconds), flush=True)
    print("decision to HTTP request:")
    for charts in (False, True):
        print(*request(chosen.alerts, charts=charts), sep="\n", flush=True)


if __name__ == "__main__":
    main()
