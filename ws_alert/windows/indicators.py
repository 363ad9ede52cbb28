"""Indicators over closed candles, one O(1) step per candle, defined exactly (SPEC 6, SEMANTICS 14).

Each is a plain value that can be copied and stored: where a series must be computed again
it starts from a copy, so that no running sum remembers what was corrected. A value is
None until the indicator is ready, and None satisfies no condition.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import msgspec

from teleglas.market import Candle

__all__ = ["Atr", "Ema", "Indicators", "Reading", "Rsi", "SessionVwap", "VolumeMean"]

DAY_MS = 86_400_000

EMA_NEEDS = {9: 62, 21: 145, 50: 346}
"""Candles until the seed's weight is below a millionth: (1 - 2/(n+1)) ** needs."""


class Ema(msgspec.Struct):
    """Exponential mean of closes, a = 2/(period + 1), seeded with the first close (`ewm(adjust=False)`)."""

    period: int
    needs: int
    count: int = 0
    last: float = 0.0

    def update(self, close: float) -> None:
        """Take the next close."""
        self.count += 1
        if self.count == 1:
            self.last = close
        else:
            self.last += 2 / (self.period + 1) * (close - self.last)

    @property
    def value(self) -> float | None:
        """The mean, None before `needs` candles."""
        return self.last if self.count >= self.needs else None


class SessionVwap(msgspec.Struct):
    """Volume-weighted mean of (high + low + close) / 3 since 00:00 UTC.

    whole: the first candle of the day opened at 00:00 UTC. Without it, or without any
    volume yet, there is no value.
    """

    day: int = -1
    whole: bool = False
    turnover: float = 0.0
    volume: float = 0.0

    def update(self, candle: Candle) -> None:
        """Take the next candle; the first one of a day begins anew."""
        day = candle.open_ms // DAY_MS
        if day != self.day:
            self.day, self.whole = day, candle.open_ms % DAY_MS == 0
            self.turnover = self.volume = 0.0
        self.turnover += (candle.high + candle.low + candle.close) / 3 * candle.volume
        self.volume += candle.volume

    @property
    def value(self) -> float | None:
        """The mean price of the session so far."""
        return self.turnover / self.volume if self.whole and self.volume > 0 else None


class _Wilder(msgspec.Struct):
    """Wilder's mean: the simple mean of the first `period` values, then (mean * (period - 1) + value) / period."""

    period: int
    count: int = 0
    last: float = 0.0

    def update(self, value: float) -> None:
        self.count += 1
        if self.count <= self.period:
            self.last += value
            if self.count == self.period:
                self.last /= self.period
        else:
            self.last = (self.last * (self.period - 1) + value) / self.period

    @property
    def value(self) -> float | None:
        return self.last if self.count >= self.period else None


class Atr(msgspec.Struct):
    """Average true range, Wilder. True range starts at the second candle, which has a close before it."""

    mean: _Wilder
    before: float | None = None

    @classmethod
    def of(cls, period: int) -> Self:
        """Return one of so many candles."""
        return cls(_Wilder(period))

    def update(self, candle: Candle) -> None:
        """Take the next candle."""
        if self.before is not None:
            high, low = max(candle.high, self.before), min(candle.low, self.before)
            self.mean.update(high - low)
        self.before = candle.close

    @property
    def value(self) -> float | None:
        """The range in price units, None before period + 1 candles."""
        return self.mean.value


class Rsi(msgspec.Struct):
    """Relative strength index, Wilder; 100 without losses, 0 without gains, 50 without either."""

    gains: _Wilder
    losses: _Wilder
    before: float | None = None

    @classmethod
    def of(cls, period: int) -> Self:
        """Return one of so many changes."""
        return cls(_Wilder(period), _Wilder(period))

    def update(self, close: float) -> None:
        """Take the next close."""
        if self.before is not None:
            change = close - self.before
            self.gains.update(max(change, 0.0))
            self.losses.update(max(-change, 0.0))
        self.before = close

    @property
    def value(self) -> float | None:
        """0..100, None before period + 1 candles."""
        gain, loss = self.gains.value, self.losses.value
        if gain is None or loss is None:
            return None
        if loss == 0:
            return 50.0 if gain == 0 else 100.0
        return 100 - 100 / (1 + gain / loss)


class VolumeMean(msgspec.Struct):
    """Simple mean of the last `period` volumes, the newest included."""

    period: int
    last: list[float] = []

    def update(self, volume: float) -> None:
        """Take the next volume."""
        self.last.append(volume)
        if len(self.last) > self.period:
            self.last.pop(0)

    @property
    def value(self) -> float | None:
        """The mean, summed anew each time: a running sum would drift."""
        return sum(self.last) / self.period if len(self.last) == self.period else None


class Reading(msgspec.Struct, frozen=True, gc=False):
    """All indicators after one candle; None: not ready, or not defined there."""

    ema9: float | None
    ema21: float | None
    ema50: float | None
    vwap: float | None
    atr: float | None
    rsi: float | None
    volume_mean: float | None


class Indicators(msgspec.Struct):
    """The scanner's indicators of one series; `count` candles were taken."""

    ema9: Ema
    ema21: Ema
    ema50: Ema
    vwap: SessionVwap
    atr: Atr
    rsi: Rsi
    volume_mean: VolumeMean

    @classmethod
    def fresh(cls) -> Self:
        """Return indicators that have seen nothing."""
        fast, middle, slow = (Ema(period, needs) for period, needs in EMA_NEEDS.items())
        return cls(fast, middle, slow, SessionVwap(), Atr.of(14), Rsi.of(6), VolumeMean(20, []))

    @property
    def count(self) -> int:
        """How many candles were taken."""
        return self.ema50.count

    def update(self, candle: Candle) -> Reading:
        """Take the next candle and return what the indicators say after it."""
        self.ema9.update(candle.close)
        self.ema21.update(candle.close)
        self.ema50.update(candle.close)
        self.vwap.update(candle)
        self.atr.update(candle)
        self.rsi.update(candle.close)
        self.volume_mean.update(candle.volume)
        return Reading(
            self.ema9.value, self.ema21.value, self.ema50.value, self.vwap.value,
            self.atr.value, self.rsi.value, self.volume_mean.value,
        )  # fmt: skip

    def copy(self) -> Self:
        """Return an independent copy."""
        return copy.deepcopy(self)

    def missing(self) -> str:
        """Say what is not ready: `warming up, 212 of 346`, or that the session's VWAP is; empty if all is."""
        if self.count < self.ema50.needs:
            return f"warming up, {self.count} of {self.ema50.needs}"
        if self.vwap.value is None:
            return (
                "no VWAP: the day's candles do not begin at 00:00 UTC"
                if not self.vwap.whole
                else "no VWAP: no volume yet"
            )
        return ""


def readings(candles: Sequence[Candle]) -> list[Reading]:
    """Return the readings of a whole series from its first candle."""
    indicators = Indicators.fresh()
    return [indicators.update(candle) for candle in candles]
