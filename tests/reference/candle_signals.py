"""Candle confluence a second time, from the words of the specification: whole columns, no streaming, no reuse.

Nothing here is shared with the program. Rows are (open_ms, open, high, low, close, volume).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import nan
from typing import NamedTuple

DAY_MS = 86_400_000
Row = tuple[int, float, float, float, float, float]


class Signal(NamedTuple):
    """One candle on which the conditions met. sent: the duplicate rule let it pass."""

    event_ms: int
    direction: str
    entry: float
    stop: float
    target: float
    atr: float
    rsi: float
    vwap: float
    confidence: int
    sent: bool


def ema(closes: Sequence[float], period: int, needs: int) -> list[float]:
    """Return the column of an exponential mean with nan before `needs` values."""
    column = [closes[0]]
    for close in closes[1:]:
        column.append((1 - 2 / (period + 1)) * column[-1] + 2 / (period + 1) * close)
    return [value if index + 1 >= needs else nan for index, value in enumerate(column)]


def wilder(values: Sequence[float], period: int) -> list[float]:
    """Return Wilder's mean of a column, nan before `period` values."""
    column = [nan] * len(values)
    for index in range(period - 1, len(values)):
        if index == period - 1:
            column[index] = sum(values[:period]) / period
        else:
            column[index] = (column[index - 1] * (period - 1) + values[index]) / period
    return column


def atr(rows: Sequence[Row], period: int) -> list[float]:
    """Return the average true range; true range exists from the second candle on."""
    ranges = []
    for (*_, close, _), (_, _, high, low, _, _) in pairwise(rows):
        ranges.append(max(high - low, abs(high - close), abs(low - close)))
    return [nan, *wilder(ranges, period)]


def rsi(closes: Sequence[float], period: int) -> list[float]:
    """Return the relative strength index."""
    changes = [b - a for a, b in pairwise(closes)]
    ups = wilder([change if change > 0 else 0.0 for change in changes], period)
    downs = wilder([-change if change < 0 else 0.0 for change in changes], period)
    return [nan, *(_strength(up, down) for up, down in zip(ups, downs, strict=True))]


def _strength(up: float, down: float) -> float:
    if up == 0 and down == 0:
        return 50.0
    return 100 * up / (up + down)


def vwap(rows: Sequence[Row]) -> list[float]:
    """Return the session's volume-weighted price; nan on a day that does not begin at 00:00 UTC."""
    column = []
    first = 0
    for index, row in enumerate(rows):
        if row[0] // DAY_MS != rows[first][0] // DAY_MS:
            first = index
        session = rows[first : index + 1]
        volume = sum(each[5] for each in session)
        if rows[first][0] % DAY_MS or volume == 0:
            column.append(nan)
        else:
            column.append(sum((high + low + close) / 3 * v for _, _, high, low, close, v in session) / volume)
    return column


def signals(rows: Sequence[Row], timeframe_ms: int, *, strict: bool = True) -> list[Signal]:
    """Return every candle on which the conditions met, and whether it was told."""
    closes = [row[4] for row in rows]
    fast, middle, slow = ema(closes, 9, 62), ema(closes, 21, 145), ema(closes, 50, 346)
    ranges, strength, session = atr(rows, 14), rsi(closes, 6), vwap(rows)
    found: list[Signal] = []
    told: dict[str, tuple[int, float]] = {}
    for i in range(2, len(rows)):
        for direction, sign in (("bullish", 1), ("bearish", -1)):

            def above(a: float, b: float, sign: int = sign) -> bool:
                return sign * a > sign * b

            def crossed(j: int, sign: int = sign) -> bool:
                before = sign * fast[j - 1] <= sign * middle[j - 1]
                return before and sign * fast[j] > sign * middle[j]

            if not ((crossed(i) or crossed(i - 1)) and above(fast[i], middle[i])):
                continue
            mean = sum(row[5] for row in rows[i - 19 : i + 1]) / 20 if i >= 19 else nan
            met = [
                rows[i][5] > 1.5 * mean,
                30 <= strength[i] <= 70,
                above(closes[i], slow[i]),
                above(closes[i], session[i]),
            ]
            if sum(met) < (4 if strict else 2):
                continue
            close_ms = rows[i][0] + timeframe_ms
            last = told.get(direction)
            moved = last is not None and abs(closes[i] - last[1]) / last[1] > 0.003
            sent = last is None or close_ms - last[0] >= 300_000 or moved
            if sent:
                told[direction] = (close_ms, closes[i])
            found.append(
                Signal(
                    close_ms, direction, closes[i], closes[i] - sign * 1.5 * ranges[i], closes[i] + sign * ranges[i],
                    ranges[i], strength[i], session[i], 1 + sum(met), sent,
                )
            )  # fmt: skip
    return found
