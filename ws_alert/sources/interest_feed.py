"""The polls of one venue's funding and open interest as a family: what the engine and people are told of it."""

from __future__ import annotations

from collections.abc import Callable

from ws_alert.messages import FeedNotice, FeedState
from ws_alert.sources.failover import PollReport, clock_text
from ws_alert.sources.poll_interest import PERIOD_S
from ws_alert.sources.poller import Poller, PollSource, Watch

__all__ = ["INTEREST", "InterestFeed"]

INTEREST = "interest"
"""The family: funding and open interest."""

_PATIENCE_MS = round(3 * PERIOD_S * 1000)
"""So old may the last good poll be; then its figures count no more."""


class InterestFeed:
    """It is LIVE while it is polled, DOWN when a venue refuses or has not answered for three polls.

    publish takes each change; it must not block. `published` is the last one.
    """

    def __init__(
        self, venue: str, source: PollSource, publish: Callable[[FeedNotice], None], watch: Watch
    ) -> None:
        self._venue = venue
        self._publish = publish
        self._watch = watch
        self._poller = Poller(f"poll {venue} {INTEREST}", source, self._on_poll, watch)
        self._good_ms = watch.wall_ms()
        self._answered = False
        self.published: FeedNotice | None = None

    async def run(self, wait_s: float) -> None:
        """Begin to poll after a while; then the polls go on by themselves until `close`."""
        self._tell(FeedState.CONNECTING, self._watch.wall_ms(), "", complete=False)
        await self._watch.sleep(wait_s)
        self._poller.start(0)

    async def close(self) -> None:
        """End polling."""
        await self._poller.close()

    def _on_poll(self, report: PollReport) -> None:
        if not report.error:
            self._good_ms, self._answered = report.at_ms, True
            self._tell(FeedState.LIVE, report.at_ms, report.missing or "polled each minute", complete=True)
        elif report.refused or report.at_ms - self._good_ms > _PATIENCE_MS:
            lost = f"{report.error}; missing from {clock_text(self._good_ms)}"
            self._tell(FeedState.DOWN, report.at_ms, lost, complete=False)
        elif not self._answered:
            self._tell(FeedState.CONNECTING, report.at_ms, report.error, complete=False)

    def _tell(self, state: FeedState, at_ms: int, why: str, *, complete: bool) -> None:
        before = self.published
        if before is None or (before.state, before.why) != (state, why):
            self.published = FeedNotice(self._venue, INTEREST, state, at_ms, why, complete)
            self._publish(self.published)
