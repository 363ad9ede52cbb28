"""A failover with its poller: what is decided is done."""

from __future__ import annotations

from collections.abc import Callable

from ws_alert.messages import FeedNotice
from ws_alert.sources.failover import Failover, PollReport, Step
from ws_alert.sources.poller import Poller

__all__ = ["Family"]


class Family:
    """One family of a venue. `poller` stays None where no REST stands in."""

    def __init__(self, failover: Failover, publish: Callable[[FeedNotice], None]) -> None:
        self.failover = failover
        self.poller: Poller | None = None
        self._publish = publish

    def on_stream(self, notice: FeedNotice) -> None:
        """Take a change of the stream's state."""
        self._take(self.failover.on_stream(notice))

    def on_poll(self, report: PollReport) -> None:
        """Take the poller's result."""
        self._take(self.failover.on_poll(report))

    def advance(self, now_ms: int) -> None:
        """Do what became due by `now_ms`."""
        due = self.failover.next_deadline()
        if due is not None and due <= now_ms:
            self._take(self.failover.advance(now_ms))

    def _take(self, step: Step) -> None:
        if self.poller is not None:
            if step.polling:
                self.poller.start(step.gap_ms)
            else:
                self.poller.stop()
        for notice in step.publish:
            self._publish(notice)
