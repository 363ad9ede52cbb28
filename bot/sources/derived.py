"""What follows from the exchanges' rows: changes, ranges, RSI, sums of flows. Pure; rows oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bot import answers
from teleglas.indicators import rsi
from teleglas.venues.quotes import MINUTES, Candle, Day, Flow, InterestPoint

__all__ = [
    "BARS",
    "FLOW_WINDOWS",
    "closed",
    "cvd",
    "flows",
    "interest_changes",
    "interest_values",
    "price",
    "strength",
    "weighted",
]

BARS: Final = {"1h": ("5m", 12), "4h": ("15m", 16), "12h": ("30m", 24), "24h": ("1h", 24), "7d": ("4h", 42)}
"""Length of time -> the periods that a picture of it shows."""

FLOW_WINDOWS = {"5m": 1, "15m": 3, "1h": 12, "4h": 48}
"""Length of time -> periods of 5 min."""

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_CHANGES = {"5m": 5, "15m": 15, "1h": 60, "4h": 240}
_INTEREST_CHANGES_MS = {"1h": _HOUR_MS, "4h": 4 * _HOUR_MS, "24h": _DAY_MS}
_GAP_MS = 10 * _MINUTE_MS
_INTEREST_GAP_MS = 40 * _MINUTE_MS
_FLOW_STEP_MS = 5 * _MINUTE_MS
_HOURS = 24


def price(day: Day, minutes: Sequence[Candle], hours: Sequence[Candle], now_ms: int) -> answers.Price:
    """Return the price with its changes, and the range of 24 h and of 7 d.

    A change compares with the last full minute before that time; where no candle closed
    within ten minutes before it, the change is not known.
    """
    changes = {}
    for window, length in _CHANGES.items():
        before = _close_before(minutes, now_ms - length * _MINUTE_MS)
        if before is not None:
            changes[window] = (day.price / before - 1.0) * 100.0
    if day.open:
        changes["24h"] = (day.price / day.open - 1.0) * 100.0
    last_day = [row for row in hours if row.time_ms > now_ms - _DAY_MS]
    week = [row for row in hours if row.time_ms > now_ms - 7 * _DAY_MS]
    high, low = _range(week, day.price)
    day_high, day_low = _range(last_day, day.price)
    return answers.Price(
        day.price,
        changes,
        day_high if day.high is None else day.high,
        day_low if day.low is None else day.low,
        high,
        low,
    )


def closed(candles: Iterable[Candle], interval: str, now_ms: int) -> list[Candle]:
    """Return the candles that have ended."""
    length = MINUTES[interval] * _MINUTE_MS
    return [candle for candle in candles if candle.time_ms + length <= now_ms]


def strength(candles: Mapping[str, Sequence[Candle]], now_ms: int) -> dict[str, float]:
    """Return RSI(14) of the closed candles by interval; those without enough candles are left out."""
    found = {}
    for interval, rows in candles.items():
        value = rsi([row.close for row in closed(rows, interval, now_ms)])
        if value is not None:
            found[interval] = value
    return found


def flows(rows: Sequence[Flow], now_ms: int) -> tuple[answers.Flow, ...]:
    """Return the sums over each of `FLOW_WINDOWS`, from full periods of 5 min.

    A window is left out where a period of it is missing or the newest is over 15 min old.
    """
    ended = [row for row in rows if row.time_ms + _FLOW_STEP_MS <= now_ms]
    if not ended or ended[-1].time_ms + 4 * _FLOW_STEP_MS < now_ms:
        return ()
    found = []
    for window, periods in FLOW_WINDOWS.items():
        part = ended[-periods:]
        if len(part) == periods and part[-1].time_ms - part[0].time_ms == (periods - 1) * _FLOW_STEP_MS:
            found.append(
                answers.Flow(window, sum(row.buy_usd for row in part), sum(row.sell_usd for row in part))
            )
    return tuple(found)


def cvd(rows: Sequence[Flow], now_ms: int) -> float | None:
    """Return bought minus sold of the last 24 hours that have begun; None if hours are missing."""
    part = [row for row in rows if row.time_ms > now_ms - _DAY_MS]
    if len(part) < _HOURS:
        return None
    return sum(row.buy_usd - row.sell_usd for row in part)


def interest_changes(
    present: Mapping[str, float], past: Mapping[str, Sequence[InterestPoint]], now_ms: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return (percent by length of time over all venues with a past, percent of 24 h by venue).

    present: coins now. Both sides of a comparison cover the same venues.
    """
    together, alone = {}, {}
    for window, length in _INTEREST_CHANGES_MS.items():
        now = before = 0.0
        for venue, coins in present.items():
            then = _interest_at(past.get(venue, ()), now_ms - length)
            if not then:
                continue  # unknown, or a contract that was not open yet
            now, before = now + coins, before + then
            if window == "24h":
                alone[venue] = (coins / then - 1.0) * 100.0
        if before > 0.0:
            together[window] = (now / before - 1.0) * 100.0
    return together, alone


def interest_values(
    past: Sequence[Sequence[InterestPoint]], candles: Sequence[Candle], interval: str
) -> tuple[answers.Point, ...]:
    """Return USD over time: the coins of all venues at the prices of then, the first of each interval.

    Only times that every venue and the candles have, so that no venue's silence looks like a fall.
    """
    length = MINUTES[interval] * _MINUTE_MS
    prices = {row.time_ms // length: row.open for row in candles}
    tables = [{point.time_ms // length: point.coins for point in reversed(points)} for points in past]
    times = set(prices).intersection(*tables) if tables else set()
    return tuple(
        answers.Point(time * length, sum(table[time] for table in tables) * prices[time])
        for time in sorted(times)
    )


def weighted(rows: Iterable[answers.VenueFunding], weights: Mapping[str, float]) -> float | None:
    """Return the mean rate, percent per 8 h. weights: open interest by venue; None if none is known."""
    pairs = [(row.percent_8h, weights.get(row.venue, 0.0)) for row in rows if row.percent_8h is not None]
    weight = sum(each for _, each in pairs)
    return sum(percent * each for percent, each in pairs) / weight if weight > 0.0 else None


def _close_before(minutes: Sequence[Candle], at_ms: int) -> float | None:
    for row in reversed(minutes):
        ended = row.time_ms + _MINUTE_MS
        if ended <= at_ms:
            return row.close if row.close > 0.0 and at_ms - ended <= _GAP_MS else None
    return None


def _interest_at(points: Sequence[InterestPoint], at_ms: int) -> float | None:
    nearest = min(points, key=lambda point: abs(point.time_ms - at_ms), default=None)
    if nearest is None or abs(nearest.time_ms - at_ms) > _INTEREST_GAP_MS:
        return None
    return nearest.coins


def _range(rows: Sequence[Candle], now: float) -> tuple[float | None, float | None]:
    if not rows:
        return None, None
    return max(*(row.high for row in rows), now), min(*(row.low for row in rows), now)
