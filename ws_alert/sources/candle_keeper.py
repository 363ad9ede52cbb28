"""Keeps candle series whole by REST: history at the start, then a look behind each close.

The stream brings a candle at its close. A second later this asks for what closed since the
last answer, so a hole of any length after a reconnect is refilled, a correction is seen, and
a silent stream delays a candle by that second only. What both bring is the same candle.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from teleglas.errors import FeedError
from teleglas.venues.candle_rows import TIMEFRAMES, open_times
from ws_alert.messages import Frame, RecordKind
from ws_alert.sources.poller import Cycle, Put, Watch

__all__ = ["CandleKeeper", "CandlePages", "Series"]

SETTLE_MS: Final = 1_000
"""After a close the venue's REST needs a moment until it has the candle."""

HISTORY: Final = 500
"""Candles at least: the slowest mean needs 346."""

_WITHIN_S: Final = 20.0
_AGAIN_S: Final = 2.0
_FIRST_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 20.0
_DAY_MS: Final = 86_400_000
_OVERLAP: Final = 3
_MOST_PAGES: Final = 20

Series = tuple[str, str]
"""(the venue's symbol, timeframe)."""

_log = logging.getLogger(__name__)


class CandlePages(NamedTuple):
    """One venue's candles by REST.

    source: `venue:endpoint` as its codec names it. fetch: (symbol, timeframe, limit, until_ms)
    to a body with the newest candles that opened until then. most: of one body.
    """

    source: str
    fetch: Callable[[str, str, int, int | None], Awaitable[bytes]]
    most: int


class CandleKeeper:
    """One venue's series. `run` keeps them until it is cancelled; it never raises.

    It is also what stands in for the family's streams (`PollSource`): a look at what `run` does.
    """

    def __init__(
        self, pages: CandlePages, series: Callable[[], Sequence[Series]], put: Put, watch: Watch
    ) -> None:
        self._pages = pages
        self._series = series
        self._put = put
        self._watch = watch
        self._closed_ms: dict[Series, int] = {}
        self._error: FeedError | None = None

    async def run(self) -> None:
        """Ask for history, then behind each close; a failed question is repeated until it is answered."""
        failures = 0
        while True:
            self._error = await self._catch_up()
            if self._error is None:
                failures = 0
                await self._watch.sleep(self._until_next_s())
                continue
            wait_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(failures, 10))
            failures += 1
            if failures == 1:
                _log.warning("%s: candles not refreshed: %s", self._pages.source, self._error)
            await self._watch.sleep(wait_s * (0.5 + self._watch.jitter() / 2))

    def begin(self, gap_ms: int) -> None:
        """Do nothing: `run` knows what it has."""

    async def cycle(self) -> Cycle:
        """Tell how far the series are whole. Raises FeedError: what the last question ended with."""
        if self._error is not None:
            raise self._error
        now_ms = self._watch.wall_ms()
        whole = [self._whole_until(series, now_ms) for series in self._series()]
        return Cycle(covered_ms=min(whole, default=now_ms))

    def _whole_until(self, series: Series, now_ms: int) -> int:
        closed = self._closed_ms.get(series, 0)
        # Between two closes there is nothing that could be missing.
        fresh = closed and now_ms - closed < TIMEFRAMES[series[1]] + 2 * SETTLE_MS
        return now_ms if fresh else closed

    def _until_next_s(self) -> float:
        now_ms = self._watch.wall_ms()
        if any(self._is_due(series, now_ms) for series in self._series()):
            return _AGAIN_S  # the venue has not opened the next candle yet
        lengths = {TIMEFRAMES[timeframe] for _, timeframe in self._series()} or {60_000}
        due = min((now_ms - SETTLE_MS) // length * length + length for length in lengths) + SETTLE_MS
        return max(0.05, (due - now_ms) / 1000)

    async def _catch_up(self) -> FeedError | None:
        """Ask for every series that a candle is due of; return the last error."""
        error = None
        now_ms = self._watch.wall_ms()
        for series in self._series():
            length = TIMEFRAMES[series[1]]
            if not self._is_due(series, now_ms):
                continue
            try:
                async with asyncio.timeout(_WITHIN_S):
                    await self._refill(series, length, now_ms)
            except FeedError as failed:
                error = failed
            except (TimeoutError, msgspec.MsgspecError, ValueError) as failed:
                error = FeedError(f"candles unreadable or late: {type(failed).__name__}")
        return error

    def _is_due(self, series: Series, now_ms: int) -> bool:
        return self._closed_ms.get(series, 0) <= now_ms - SETTLE_MS - TIMEFRAMES[series[1]]

    async def _refill(self, series: Series, length: int, now_ms: int) -> None:
        symbol, timeframe = series
        known = self._closed_ms.get(series)
        if known is None:
            since = min(now_ms // _DAY_MS * _DAY_MS, now_ms // length * length - HISTORY * length)
        else:
            since = known - _OVERLAP * length
        bodies: list[bytes] = []
        until: int | None = None
        newest = 0
        for _ in range(_MOST_PAGES):
            missing = ((until or now_ms) - since) // length + 2
            body = await self._pages.fetch(symbol, timeframe, min(self._pages.most, missing), until)
            times = open_times(body)
            bodies.append(body)
            newest = newest or (times[-1] if times else 0)
            if not times or times[0] <= since or (until is not None and times[0] >= until):
                break
            until = times[0]
        for body in reversed(bodies):
            await self._put(Frame(RecordKind.BODY, f"{self._pages.source}:{symbol}:{timeframe}", body))
        # The newest one is open, so what closed last is what it followed.
        self._closed_ms[series] = max(self._closed_ms.get(series, 0), newest)
