"""The life of the service around the pipeline: ready, alive, signals, and an end within seconds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from teleglas.errors import TeleglasError
from teleglas.systemd import Notifier

__all__ = ["STOP_WITHIN_S", "Pipeline", "serve"]

Pipeline = Callable[[asyncio.Event, Callable[[], None], Callable[[], None]], Awaitable[None]]
"""(stop, ready, alive) -> runs until `stop` is set; calls `ready` once and `alive` while it works."""

STOP_WITHIN_S: Final = 5.0
_PATIENCE_S: Final = 3.0
_LATEST_S: Final = 4.2

log = structlog.get_logger(__name__)


class _Pulse:
    def __init__(self) -> None:
        self._beat_s = time.monotonic()

    def beat(self) -> None:
        self._beat_s = time.monotonic()

    def age_s(self) -> float:
        return time.monotonic() - self._beat_s


async def serve(pipeline: Pipeline, notifier: Notifier) -> None:
    """Run the pipeline until SIGTERM or SIGINT, and give it up if it does not end in time.

    The watchdog is fed only while the pipeline says that it is alive: one that hangs is
    restarted by systemd even though this loop turns. Raises what the pipeline raises, and
    TeleglasError if it ends unasked.
    """
    stop, pulse = asyncio.Event(), _Pulse()
    loop = asyncio.get_running_loop()

    def stop_soon() -> None:
        if not stop.is_set():
            _leave_at_latest(_LATEST_S)
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_soon)
    working = asyncio.ensure_future(pipeline(stop, notifier.ready, pulse.beat))
    helpers = [asyncio.create_task(_feed_watchdog(notifier, pulse)), asyncio.create_task(stop.wait())]
    try:
        await asyncio.wait({working, helpers[1]}, return_when=asyncio.FIRST_COMPLETED)
        notifier.stopping()
        await _end(working)
    finally:
        for task in helpers:
            task.cancel()
    if working.done() and not working.cancelled():
        working.result()
    if not stop.is_set():
        raise TeleglasError("the pipeline ended by itself")


async def _feed_watchdog(notifier: Notifier, pulse: _Pulse) -> None:
    if notifier.watchdog_s is None:
        return
    while True:
        if pulse.age_s() < notifier.watchdog_s / 2:
            notifier.alive()
        await asyncio.sleep(notifier.watchdog_s / 4)


async def _end(working: asyncio.Future[None]) -> None:
    done, _ = await asyncio.wait({working}, timeout=_PATIENCE_S)
    if not done:
        log.error("pipeline_did_not_stop", waited_s=_PATIENCE_S)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({working}, timeout=0.5)


def _leave_at_latest(after_s: float) -> None:
    """End the process even if a thread never returns; what matters was committed before."""

    def leave() -> None:
        log.error("stopped_the_hard_way", after_s=after_s)
        os._exit(0)

    timer = threading.Timer(after_s, leave)
    timer.daemon = True
    timer.start()
