"""Keeps the health figures: looks once a second, beats for the other bot, sums up for the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from teleglas import __version__
from teleglas.storage import notes, tape
from teleglas.storage.store import Store, StoreUnavailable
from teleglas.storage.thread import StoreThread
from ws_alert.health import FeedHealth, HealthMonitor, SeriesHealth
from ws_alert.health_server import HealthServer
from ws_alert.pipeline import Pipeline
from ws_alert.recorder import Recorder
from ws_alert.sources.feeds import Feeds

__all__ = ["Vitals"]

_LOOK_S = 1.0
_BEAT_MS = 15_000
_YOUNG_BEAT_MS = 2_000
_SUMMARY_MS = 300_000
_FORGET_MS = 3_600_000
_DECISIONS_KEPT_MS = 7 * 24 * 3_600_000

log = structlog.get_logger(__name__)


class Vitals:
    """Run it as a task. server: None if nobody asks by HTTP. clock: Unix ms, not going back."""

    def __init__(
        self,
        monitor: HealthMonitor,
        pipeline: Pipeline,
        feeds: Feeds,
        store: StoreThread,
        recorder: Recorder,
        *,
        server: HealthServer | None,
        clock: Callable[[], int],
        simulated: bool,
    ) -> None:
        self._monitor, self._pipeline, self._feeds = monitor, pipeline, feeds
        self._store, self._recorder, self._server = store, recorder, server
        self._clock, self._simulated = clock, simulated
        self._started_ms = clock()
        self._waiting = 0
        self._beat_ms = self._forget_ms = 0
        self._summary_ms = self._started_ms + _SUMMARY_MS

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.look(self._clock())
            await asyncio.sleep(_LOOK_S)

    async def look(self, now_ms: int) -> None:
        """Do what is due at this time."""
        self._observe(now_ms)
        try:
            if now_ms >= self._beat_ms:
                # At the start much changes within seconds, and a person may ask `/status` just then.
                young = now_ms - self._started_ms < _BEAT_MS
                self._beat_ms = now_ms + (_YOUNG_BEAT_MS if young else _BEAT_MS)
                await self.beat(now_ms)
            if now_ms >= self._forget_ms:
                self._forget_ms = now_ms + _FORGET_MS
                await self._store.run(Store.prune, now_ms - _DECISIONS_KEPT_MS)
                await self._store.run(tape.prune_tape, now_ms - tape.KEPT_MS)
        except StoreUnavailable as error:
            log.warning("vitals_not_stored", why=str(error))
        if now_ms >= self._summary_ms:
            self._summary_ms = now_ms + _SUMMARY_MS
            log.info("health", summary=self._monitor.summary(now_ms))

    async def beat(self, now_ms: int) -> None:
        """Commit the tape since the last beat, and how the process is, for `/status` of the command bot."""
        await self._store.run(tape.record, self._recorder.take(now_ms))
        self._waiting = (await self._store.run(Store.stats)).waiting
        status = self._monitor.get_health_status(now_ms)
        said = notes.Heartbeat(
            at_ms=now_ms,
            started_ms=self._started_ms,
            version=__version__,
            simulated=self._simulated,
            feeds=tuple(
                notes.Feed(feed.venue, feed.family, feed.state, feed.since_ms, feed.why)
                for feed in status.feeds
            ),
            inputs=status.inputs,
            last_event_ms=self._recorder.last_event_ms,
            sent=sum(way.sent for way in status.ways.values()),
            note="; ".join(status.problems),
            summary=self._monitor.summary(now_ms),
            storms=self._pipeline.storms,
        )
        await self._store.run(notes.beat, notes.ALERT_PROCESS, said)

    def _observe(self, now_ms: int) -> None:
        feeds = tuple(
            FeedHealth(line.venue, line.family, line.state.value, line.since_ms, line.why, line.event_age_s)
            for line in self._feeds.status()
        )
        tally = self._pipeline.tally
        self._monitor.observed(
            feeds=feeds, alerts=tally.directions, inputs=tally.inputs, waiting=self._waiting,
            degraded=self._store.degraded,
            series=tuple(SeriesHealth(*each) for each in self._pipeline.scanner.coverage()),
        )  # fmt: skip
        if self._server is not None:
            self._server.publish(self._monitor.get_health_status(now_ms), self._monitor.get_metrics(now_ms))
