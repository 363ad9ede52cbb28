"""When polling stands in for a stream, and what is told about it. Pure.

One `Failover` for each venue and family. Streams and pollers report; it answers whether
polling is wanted and which notices the engine must journal. Its promise: at every moment
the family is live, or polled within `PATIENCE_MS`, or declared incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass

from ws_alert.messages import FeedNotice, FeedState

__all__ = ["OVERLAP_MS", "PATIENCE_MS", "Failover", "PollReport", "Step", "clock_text"]

PATIENCE_MS = 5_000
"""Without a good poll for so long, the family is declared incomplete."""

GRACE_MS = 3_000
"""The first connection may take so long before polling begins."""

LOOK_BACK_MS = 20_000
"""A silent stream is found out so late, so backfill begins so long before its notice."""

OVERLAP_MS = 60_000
"""Rows older than this are dropped on receipt (SEMANTICS 3), so a last poll after it gains nothing."""


@dataclass(frozen=True, slots=True)
class PollReport:
    """What a poller did.

    covered_ms: every instrument was asked at or after this time; 0 before the first round.
    missing: what REST cannot give, empty if it gives all. error: why the poll failed,
    empty if it did not. refused: asking again soon is useless.
    """

    at_ms: int
    covered_ms: int = 0
    missing: str = ""
    error: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: `polling` wanted or not, and what to publish.

    gap_ms: from when on rows are wanted, while polling.
    """

    polling: bool
    gap_ms: int
    publish: tuple[FeedNotice, ...] = ()


class Failover:
    """The state of one family. Every method returns the next `Step`; times are local Unix ms.

    no_rest: empty where a REST endpoint can stand in, else a sentence that says what no
    REST gives ("Binance publishes no liquidations by REST"). partial: what REST never gives,
    where it gives the rest.
    """

    def __init__(self, venue: str, family: str, now_ms: int, *, no_rest: str = "", partial: str = "") -> None:
        self._venue = venue
        self._family = family
        self._no_rest = no_rest
        self._partial = partial
        self._stream = FeedState.CONNECTING
        self._stream_why = ""
        self._stream_complete = True
        self._was_live = False
        self._since_ms = now_ms  # of the stream's present liveness or of its loss
        self._polling = False
        self._good_ms = now_ms  # up to here nothing is known to be missing
        self._last: PollReport | None = None
        self._published: FeedNotice | None = None

    @property
    def published(self) -> FeedNotice | None:
        """What the engine was told last."""
        return self._published

    def on_stream(self, notice: FeedNotice) -> Step:
        """Take a change of the stream's state."""
        live = notice.state is FeedState.LIVE
        if live != (self._stream is FeedState.LIVE):
            self._since_ms = notice.at_ms
            if not live and not self._polling:
                self._good_ms = notice.at_ms
                self._last = None
        self._stream, self._stream_why = notice.state, notice.why
        self._stream_complete = notice.complete
        self._was_live = self._was_live or live
        return self.advance(notice.at_ms)

    def on_poll(self, report: PollReport) -> Step:
        """Take the result of a poll; one that was under way when polling ended is ignored."""
        if not self._polling:
            return self._step()
        self._last = report
        if not report.error and report.covered_ms:
            self._good_ms = max(self._good_ms, report.covered_ms)
        return self.advance(report.at_ms)

    def advance(self, now_ms: int) -> Step:
        """Run what became due."""
        before, told = self._polling, self._published
        self._polling = not self._no_rest and self._poll_wanted(now_ms)
        gave_up = before and not self._polling and self._good_ms < self._since_ms
        if gave_up and told is not None and told.complete:
            lost = f"missing from {clock_text(self._good_ms)} to {clock_text(self._since_ms)}"
            error = self._last.error if self._last is not None else ""
            hole = self._notice(FeedState.DOWN, now_ms, error, lost, complete=False)
            step = self._step(self._judge(now_ms))
            return Step(step.polling, step.gap_ms, (hole, *step.publish))
        return self._step(self._judge(now_ms))

    def next_deadline(self) -> int | None:
        """Return when `advance` must be called, if nothing is reported before."""
        live = self._stream is FeedState.LIVE
        if not live and not self._polling and not self._was_live:
            published = self._published
            down = published is not None and published.state is FeedState.DOWN
            return None if down else self._since_ms + GRACE_MS
        if not self._polling:
            return None
        published = self._published
        due = [self._since_ms + OVERLAP_MS] if live else []
        if published is not None and published.complete:
            due.append(self._good_ms + self._allowed_ms() + 1)
        return min(due, default=None)

    def _poll_wanted(self, now_ms: int) -> bool:
        if self._stream is not FeedState.LIVE:
            waiting = self._stream is FeedState.CONNECTING and not self._was_live
            return self._polling or not waiting or now_ms >= self._since_ms + GRACE_MS
        if not self._polling:
            return False
        refused = self._last is not None and self._last.refused
        taken_over = self._good_ms >= self._since_ms
        return not (refused or taken_over or now_ms >= self._since_ms + OVERLAP_MS)

    def _allowed_ms(self) -> int:
        # A good round over many instruments takes longer than the first answer may.
        seen = self._last is not None and bool(self._last.covered_ms) and not self._last.error
        return OVERLAP_MS if seen else PATIENCE_MS

    def _judge(self, now_ms: int) -> FeedNotice:
        live = self._stream is FeedState.LIVE
        if live and not self._polling:
            return self._notice(FeedState.LIVE, now_ms, self._stream_why, complete=self._stream_complete)
        if self._polling:
            return self._judge_polling(now_ms)
        waiting = self._stream is FeedState.CONNECTING and not self._was_live
        if waiting and now_ms < self._since_ms + GRACE_MS:
            return self._notice(FeedState.CONNECTING, now_ms, self._stream_why, complete=False)
        lost = f"missing from {clock_text(self._good_ms)}"
        return self._notice(FeedState.DOWN, now_ms, self._stream_why, self._no_rest, lost, complete=False)

    def _judge_polling(self, now_ms: int) -> FeedNotice:
        live, last = self._stream is FeedState.LIVE, self._last
        why = "the stream is back, a last poll runs" if live else self._stream_why
        lost = f"missing from {clock_text(self._good_ms)}"
        if last is not None and last.refused:
            return self._notice(FeedState.DOWN, now_ms, why, last.error, lost, complete=False)
        if now_ms - self._good_ms > self._allowed_ms():
            error = last.error if last is not None and last.error else "no answer yet"
            return self._notice(FeedState.POLLING, now_ms, why, error, lost, complete=False)
        missing = (last.missing if last is not None else "") or self._partial
        return self._notice(FeedState.POLLING, now_ms, why, missing, complete=not missing)

    def _notice(self, state: FeedState, at_ms: int, *why: str, complete: bool) -> FeedNotice:
        text = "; ".join(part for part in why if part)
        return FeedNotice(self._venue, self._family, state, at_ms, text, complete)

    def _step(self, notice: FeedNotice | None = None) -> Step:
        before = self._published
        if notice is None or (before is not None and _says(before) == _says(notice)):
            return Step(self._polling, self._good_ms - LOOK_BACK_MS)
        self._published = notice
        return Step(self._polling, self._good_ms - LOOK_BACK_MS, (notice,))


def clock_text(at_ms: int) -> str:
    """Write a time of day, UTC."""
    seconds = at_ms // 1000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d} UTC"


def _says(notice: FeedNotice) -> tuple[FeedState, bool, str]:
    return notice.state, notice.complete, notice.why
