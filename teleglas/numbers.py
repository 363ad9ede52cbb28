"""Numbers as traders read them: `$18.3M`, `97,525.5`, `0.0000138`, `30 s`, `12:03:10`.

One format in every language and channel, because readers compare with the screens of
their exchanges. Amounts are integer cents, times Unix ms UTC, prices USD of one coin.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

__all__ = [
    "age",
    "clock",
    "count",
    "date",
    "percent",
    "price",
    "score",
    "span",
    "times",
    "usd",
    "usd_short",
    "utc",
    "window",
]

_UNITS = ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "K"), (Decimal(1), ""))
_SIGNIFICANT = 6
"""Digits of a price: enough for 97,525.5, and beyond every venue's tick for small coins' moves."""


def usd(cents: int, *, cut: bool = False) -> str:
    """Write an amount with three significant digits: `$18.3M`, `$512K`, `$1.00M`, `$95`.

    cut: cut off instead of rounding, so that "at least $18.2M" is true of 18.29 million.
    """
    sign = "-" if cents < 0 else ""
    dollars = Decimal(abs(cents)).scaleb(-2)
    if dollars < 100:
        return f"{sign}${dollars:.{0 if cents % 100 == 0 else 2}f}"
    # Rounded before the unit is chosen: $999,999 is $1.00M, never $1000K.
    rounded = dollars.quantize(
        Decimal(1).scaleb(dollars.adjusted() - 2), ROUND_DOWN if cut else ROUND_HALF_UP
    )
    unit, letter = next(each for each in _UNITS if rounded >= each[0])
    scaled = rounded / unit
    return f"{sign}${scaled:,.{max(0, 2 - scaled.adjusted())}f}{letter}"


def usd_short(cents: int) -> str:
    """Write an amount without needless zeros: `$2M`, `$1.5M`, `$500K`; for thresholds and axes."""
    text = usd(cents)
    if text[-1].isdigit() or "." not in text:
        return text
    return text[:-1].rstrip("0").rstrip(".") + text[-1]


def price(value: float) -> str:
    """Write a price with six significant digits, without exponent or trailing zeros: `97,525.5`, `0.0000138`.

    Digits before the point are never cut. The value is finite and positive.
    """
    exact = Decimal(repr(float(value)))
    places = max(0, _SIGNIFICANT - 1 - exact.adjusted())
    text = f"{exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: float, places: int = 2, *, signed: bool = False) -> str:
    """Write a percentage (5.0 is five percent): `62 %`, with `signed` also `+0.40 %`."""
    rounded = round(value, places) + 0.0  # turns -0.0 into 0.0
    return f"{rounded:+.{places}f} %" if signed else f"{rounded:.{places}f} %"


def times(value: int, base: int) -> str:
    """Write how many times `base` a value is, cut to one decimal: just under double never reads `2.0x`."""
    tenths = value * 10 // base
    return f"{tenths // 10:,}.{tenths % 10}x"


def score(value: float) -> str:
    """Write a score with two decimals."""
    return f"{value:.2f}"


def count(number: int, noun: str) -> str:
    """Write a counted thing: `1 liquidation`, `1,212 liquidations`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(ms: int) -> str:
    """Write a length of time in at most two units: `30 s`, `2 min 10 s`, `1 h 5 min`, `3 d`."""
    seconds = max(0, ms) // 1000
    if seconds < 60:
        return f"{seconds} s"
    for unit, name, small, small_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= unit:
            rest = seconds % unit // small
            return f"{seconds // unit:,} {name}" + (f" {rest} {small_name}" if rest else "")
    raise AssertionError("a minute or more has a unit")


def window(ms: int) -> str:
    """Write a length of time as traders name windows, cut: `45s`, `11m`, `3h`, `3h20m`."""
    minutes = max(0, ms) // 60_000
    if minutes < 1:
        return f"{max(0, ms) // 1000}s"
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}m"
    return f"{hours}h{rest}m" if rest else f"{hours}h"


def age(ms: int) -> str:
    """Write a latency: `84 ms`, `2.4 s`, then as `span`."""
    if ms < 1000:
        return f"{max(0, ms)} ms"
    return f"{ms // 100 / 10:.1f} s" if ms < 60_000 else span(ms)


def clock(ms: int) -> str:
    """Write the time of day in UTC, cut to the second: `12:03:10`."""
    return _moment(ms).strftime("%H:%M:%S")


def date(ms: int) -> str:
    """Write the day in UTC: `2026-11-21`."""
    return _moment(ms).strftime("%Y-%m-%d")


def utc(ms: int) -> str:
    """Write day and time: `2026-11-21 12:03:10 UTC`."""
    return f"{date(ms)} {clock(ms)} UTC"


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)
