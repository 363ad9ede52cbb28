"""Runs one family's polls while they are wanted: pace, back-off, reports; never raises.

What a cycle asks for is in `poll_trades.py` and `poll_liquidations.py`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from teleglas.errors import FeedError, FeedRefused
from teleglas.venues.rest_client import Banned, Throttled
from ws_alert.messages import Frame
from ws_alert.sources.failover import PollReport

__all__ = ["REFUSED_FOR_S", "Cycle", "PollSource", "Poller", "Put", "Watch"]

REFUSED_FOR_S = 3600.0
"""A refusal (plan, key, region) is not asked about again for so long."""

_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 30.0

Put = Callable[[Frame], Awaitable[None]]
"""Where frames go; it waits while the pipeline is behind."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One pass of a source.

    covered_ms: every instrument was asked at or after this time; 0 if some never was.
    missing: what these answers cannot give; a stable sentence, empty if they give all.
    pause_s: from the start of this cycle to that of the next.
    """

    covered_ms: int
    missing: str = ""
    pause_s: float = 1.0


class PollSource(Protocol):
    """One family of one venue by REST."""

    def begin(self, gap_ms: int) -> None:
        """Prepare to poll; rows since `gap_ms` (Unix ms) are wanted."""

    async def cycle(self) -> Cycle:
        """Ask once more and put what is new into the inbox. Raises FeedError."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How pollers tell the time and wait: wall clock in Unix ms, monotonic seconds, sleep, jitter in 0..1."""

    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class Poller:
    """A task that repeats `source.cycle()` from `start` to `stop` and reports each result."""

    def __init__(
        self, name: str, source: PollSource, report: Callable[[PollReport], None], watch: Watch | None = None
    ) -> None:
        self._name = name
        self._source = source
        self._report = report
        self._watch = watch or Watch()
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._refused: tuple[float, str] | None = None

    @property
    def running(self) -> bool:
        """Whether it polls now."""
        return self._task is not None

    def start(self, gap_ms: int) -> None:
        """Poll from now on, beginning with the rows since `gap_ms`; no effect while it polls."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(gap_ms), name=self._name)

    def stop(self) -> None:
        """End polling; may be called from within a report."""
        if self._task is not None:
            self._task.cancel()
            self._ending.add(self._task)
            self._task.add_done_callback(self._ending.discard)
            self._task = None

    async def close(self) -> None:
        """End polling and wait for the end of its tasks."""
        self.stop()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _run(self, gap_ms: int) -> None:
        self._source.begin(gap_ms)
        failures = 0
        while True:
            wait_s = self._still_refused_s()
            if not wait_s:
                started_s = self._watch.monotonic_s()
                wait_s, failed = await self._once(failures)
                failures = failures + 1 if failed else 0
                wait_s = wait_s if failed else wait_s - (self._watch.monotonic_s() - started_s)
            await self._watch.sleep(max(0.0, wait_s))

    async def _once(self, failures: int) -> tuple[float, bool]:
        """Return how long to wait, and whether the cycle failed."""
        try:
            cycle = await self._source.cycle()
        except FeedRefused as error:
            wait_s = error.wait_s if isinstance(error, Banned) else REFUSED_FOR_S
            self._refused = (self._watch.monotonic_s() + wait_s, str(error))
            self._tell(PollReport(self._watch.wall_ms(), error=str(error), refused=True))
            return wait_s, True
        except FeedError as error:
            self._tell(PollReport(self._watch.wall_ms(), error=str(error)))
            wait_s = error.wait_s if isinstance(error, Throttled) else 0.0
            return max(wait_s, self._backoff_s(failures)), True
        except Exception:  # noqa: BLE001  # a defect in one venue's polling must not take the others down
            _log.exception("%s: a poll failed by a defect", self._name)
            self._tell(PollReport(self._watch.wall_ms(), error="internal error, see the log"))
            return self._backoff_s(failures), True
        self._tell(PollReport(self._watch.wall_ms(), cycle.covered_ms, cycle.missing))
        return cycle.pause_s, False

    def _still_refused_s(self) -> float:
        if self._refused is None:
            return 0.0
        until_s, why = self._refused
        left = until_s - self._watch.monotonic_s()
        if left <= 0:
            self._refused = None
            return 0.0
        self._tell(PollReport(self._watch.wall_ms(), error=why, refused=True))
        return left

    def _backoff_s(self, failures: int) -> float:
        most = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(failures, 10))
        return most * (0.5 + self._watch.jitter() / 2)

    def _tell(self, report: PollReport) -> None:
        self._report(report)
