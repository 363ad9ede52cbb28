"""Where the ticks of an axis stand and what they say. Pure: no matplotlib here."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from teleglas import numbers

__all__ = ["nice_step", "padded", "price_ticks", "short_zeros", "time_ticks", "usd_ticks"]

_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_DAY_S = 86_400
_LEADING_ZEROS = re.compile(r"0\.(0{3,})(?=[1-9])")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def nice_step(span: float, wanted: int) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that cuts `span` (> 0) into at most `wanted` parts."""
    rough = span / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))


def padded(low: float, high: float) -> tuple[float, float]:
    """Widen a price range by a little air; a flat one by 0.1 % so that it lies in the middle."""
    air = (high - low) * 0.06 or abs(high) * 0.001 or 1.0
    return low - air, high + air


def price_ticks(low: float, high: float, wanted: int) -> list[tuple[float, str]]:
    """Return (price, label) within low..high, with as many decimals as the step needs."""
    step = nice_step(high - low, wanted)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    exact = Decimal(f"{step:.0e}")
    places = max(0, -exact.adjusted())
    return [(index * step, short_zeros(f"{exact * index:,.{places}f}")) for index in range(first, last + 1)]


def short_zeros(price: str) -> str:
    """Write the zeros of a very small price as a count, as exchanges do: `0.00001365` is `0.0₄1365`."""
    zeros = _LEADING_ZEROS.match(price)
    return f"0.0{str(len(zeros[1])).translate(_SUBSCRIPTS)}{price[zeros.end() :]}" if zeros else price


def usd_ticks(up: int, down: int, wanted: int) -> list[tuple[int, str]]:
    """Return (cents, label) from -down to up; labels carry no sign because the sides are named."""
    span = up + down
    if span <= 0:
        return [(0, "0")]
    step = max(1, round(nice_step(span, wanted)))
    ticks = range(-(down // step), up // step + 1)
    return [(index * step, numbers.usd_short(abs(index) * step) if index else "0") for index in ticks]


def time_ticks(from_ms: int, to_ms: int, wanted: int, ahead_ms: int = 0) -> list[tuple[int, str]]:
    """Return (ms, label) at round moments of a zone that is `ahead_ms` of UTC.

    Seconds are told only where the step needs them.
    """
    span_s = max(1, (to_ms - from_ms) // 1000)
    days = math.ceil(span_s / wanted / _DAY_S) * _DAY_S
    step_s = next((step for step in _TIME_STEPS_S if span_s / step <= wanted), days)
    step = step_s * 1000
    first = -(-(from_ms + ahead_ms) // step) * step - ahead_ms
    return [(at, _time_label(at + ahead_ms, step_s)) for at in range(first, to_ms + 1, step)]


def _time_label(at_ms: int, step_s: int) -> str:
    if step_s >= _DAY_S:
        return numbers.date(at_ms)[5:]
    return numbers.clock(at_ms) if step_s < 60 else numbers.clock(at_ms)[:5]
