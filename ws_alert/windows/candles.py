"""Closed candles of one symbol and timeframe, in order, with their indicators.

A series takes candles in any order: a late one joins its place, a corrected one replaces
its first version, and everything after it is computed again. What lies before the oldest
candle kept is a copy of the indicators at that point, so memory is bounded while means
still remember the whole history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from teleglas.market import Candle
from ws_alert.messages import CandleChart
from ws_alert.windows.indicators import Indicators, Reading

__all__ = ["KEPT", "CandleSeries", "SeriesMemory", "is_possible", "timeframe_ms", "timeframe_name"]

KEPT = 180
"""Candles that can still be corrected, or drawn."""

DRAWN = 72

_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def timeframe_ms(name: str) -> int:
    """Return the length of `1m`, `5m`, `1h`, `1d`; it must divide a day. Raises ValueError."""
    number, unit = name[:-1], _UNITS.get(name[-1:])
    if unit is None or not (number.isascii() and number.isdigit()) or not 0 < int(number) < 1000:
        raise ValueError(f"{name!r} is not a timeframe; write 1m, 5m, 1h or the like")
    length = int(number) * unit
    if _UNITS["d"] % length:
        raise ValueError(f"{name!r} does not divide a day")
    return length


def timeframe_name(length_ms: int) -> str:
    """Return a length as venues write it: `1m`, `5m`, `1h`."""
    unit = next(unit for unit in ("d", "h", "m") if length_ms % _UNITS[unit] == 0)
    return f"{length_ms // _UNITS[unit]}{unit}"


def is_possible(candle: Candle) -> bool:
    """Tell whether a market can have produced it: positive finite prices, in order, on the timeframe's grid."""
    prices = (candle.open, candle.high, candle.low, candle.close)
    return (
        all(1e-15 < price < 1e15 for price in prices)
        and candle.low <= candle.high
        and 0 <= candle.volume < 1e18
        and candle.open_ms >= 0
        and candle.open_ms % candle.timeframe_ms == 0
    )


class SeriesMemory(msgspec.Struct):
    """What a restart restores of one series; `base` are the indicators before the first of `candles`."""

    candles: list[Candle]
    base: Indicators
    judged_ms: int


class CandleSeries:
    """Candles and readings side by side, ascending.

    judged_ms: opening time of the newest candle that was judged; none at or before it is
    judged again. late: candles that were older than anything kept, and are not used.
    """

    def __init__(self) -> None:
        self.candles: list[Candle] = []
        self.readings: list[Reading] = []
        self.judged_ms = -1
        self.late = 0
        self._base = Indicators.fresh()
        self._head = Indicators.fresh()

    def add(self, candle: Candle) -> None:
        """Take one closed candle."""
        if not self.candles or candle.open_ms > self.candles[-1].open_ms:
            self.candles.append(candle)
            self.readings.append(self._head.update(candle))
            self._trim()
            return
        self.merge((candle,))

    def merge(self, more: Iterable[Candle]) -> None:
        """Take many closed candles at once, in any order; the last of the same time counts."""
        by_time = {candle.open_ms: candle for candle in self.candles}
        oldest = self.candles[0].open_ms if self._base.count else -1
        changed = False
        for candle in more:
            if candle.open_ms < oldest:
                self.late += 1
            elif by_time.get(candle.open_ms) != candle:
                by_time[candle.open_ms] = candle
                changed = True
        if changed:
            self.candles = [by_time[at] for at in sorted(by_time)]
            self._compute()
            self._trim()

    def place(self, open_ms: int) -> int | None:
        """Return the index of the candle that opened then, None if it is not kept."""
        index = bisect_left(self.candles, open_ms, key=lambda candle: candle.open_ms)
        found = index < len(self.candles) and self.candles[index].open_ms == open_ms
        return index if found else None

    def unjudged(self) -> range:
        """Return the indices of the candles that are newer than the newest judged one."""
        first = bisect_left(self.candles, self.judged_ms + 1, key=lambda candle: candle.open_ms)
        return range(first, len(self.candles))

    def missing_before(self, index: int) -> int:
        """Return how many candles are missing between this one and the one before it."""
        if index == 0:
            return 0
        before, candle = self.candles[index - 1], self.candles[index]
        return (candle.open_ms - before.close_ms) // candle.timeframe_ms

    def missing(self) -> str:
        """Say what keeps the newest candle from being judged whole, e.g. `warming up, 212 of 346`."""
        return self._head.missing()

    def chart(self, open_ms: int) -> CandleChart | None:
        """Return the candles up to the one that opened then, with their means, to be drawn."""
        index = self.place(open_ms)
        if index is None:
            return None
        span = slice(max(0, index + 1 - DRAWN), index + 1)
        candles, seen = self.candles[span], self.readings[span]
        return CandleChart(
            timeframe_ms=candles[0].timeframe_ms,
            candles=tuple((c.open_ms, c.open, c.high, c.low, c.close, c.volume) for c in candles),
            ema9=tuple(reading.ema9 for reading in seen),
            ema21=tuple(reading.ema21 for reading in seen),
            ema50=tuple(reading.ema50 for reading in seen),
            vwap=tuple(reading.vwap for reading in seen),
        )

    def memory(self) -> SeriesMemory:
        """Return all that decides later."""
        return SeriesMemory(self.candles, self._base, self.judged_ms)

    @classmethod
    def restored(cls, memory: SeriesMemory) -> CandleSeries:
        """Return the series of a memory."""
        series = cls()
        series.candles, series._base, series.judged_ms = memory.candles, memory.base, memory.judged_ms
        series._compute()
        return series

    def _compute(self) -> None:
        self._head = self._base.copy()
        self.readings = [self._head.update(candle) for candle in self.candles]

    def _trim(self) -> None:
        excess = len(self.candles) - KEPT
        if excess > 0:
            for candle in self.candles[:excess]:
                self._base.update(candle)
            del self.candles[:excess]
            del self.readings[:excess]
