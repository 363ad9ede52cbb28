"""Numbers and tables as a phone shows them: amounts of USD, percentages, columns within 32 cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from teleglas import numbers
from teleglas.telegram.text import escape

__all__ = ["COLUMNS", "clock", "day_time", "fits", "funding", "percent", "price", "ratio", "share", "signed_usd",
           "table", "usd", "width", "zone_name"]  # fmt: skip

COLUMNS = 32
"""Cells of a line of `<pre>` on a narrow phone (reference: telegram 1)."""

_GAP = 1
_LEAST_LABEL = 4
_MOST_USD = 1e15


def usd(amount: float) -> str:
    """Write an amount of USD: `$18.3M`."""
    return numbers.usd(round(max(-_MOST_USD, min(_MOST_USD, amount)) * 100))


def signed_usd(amount: float) -> str:
    """Write an amount with its sign: `+$1.20M`, `-$300K`, `$0`."""
    text = usd(amount)
    return f"+{text}" if amount > 0 and text != "$0" else text


def price(value: float) -> str:
    """Write a price of one coin; a dash for what cannot be one."""
    return numbers.price(value) if 0 < value < 1e15 else "–"


def percent(value: float, places: int = 2) -> str:
    """Write a change without a space, for columns: `+0.40%`; fewer decimals where there is no room."""
    if abs(value) >= 1000:
        places = 0
    elif abs(value) >= 100:
        places = min(places, 1)
    return numbers.percent(max(-1e6, min(1e6, value)), places, signed=True).replace(" ", "")


def funding(value: float) -> str:
    """Write a funding rate, in percent: `+0.0100%`."""
    return percent(value, 4)


def share(part: float, rest: float) -> str:
    """Write a part of part + rest as whole percent; a dash if both are zero."""
    total = part + rest
    return f"{part / total * 100:.0f}%" if total > 0 else "–"


def ratio(part: float, rest: float) -> str:
    """Write part divided by rest: `3.1`; a dash where that is not a number."""
    if rest <= 0 or part < 0:
        return "–"
    value = part / rest
    return f"{value:.2f}" if value < 100 else f"{min(value, 99_999):,.0f}"


def clock(ms: int, zone: tzinfo = UTC) -> str:
    """Write the time of day: `12:03:41`."""
    return _moment(ms, zone).strftime("%H:%M:%S")


def day_time(ms: int, zone: tzinfo = UTC) -> str:
    """Write day and time: `21 Nov 12:03` would need words, so `11-21 12:03`."""
    return _moment(ms, zone).strftime("%m-%d %H:%M")


def zone_name(zone: tzinfo, at_ms: int) -> str:
    """Write a time zone: its letters (`UTC`, `WIB`), else its distance (`UTC+3`)."""
    name = _moment(at_ms, zone).tzname() or "UTC"
    if name[:1] in "+-":
        sign, digits = name[0], name[1:]
        hours, minutes = int(digits[:2]), digits[2:]
        return f"UTC{sign}{hours}" + (f":{minutes}" if minutes else "")
    return name


def width(text: str) -> int:
    """Return how many cells of a fixed-width font a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return rows as `<pre>`: the first column left, the others right, at most 32 cells a line.

    Too long labels are cut, and then the last columns left out. No rows give an empty text.
    """
    if not rows:
        return ""
    given = [head, *rows] if head else rows
    columns = max(len(line) for line in given)
    lines = [[*line, *[""] * (columns - len(line))] for line in given]
    while columns > 1:
        numbers_width = sum(_widest(lines, at) + _GAP for at in range(1, columns))
        if numbers_width + _LEAST_LABEL <= COLUMNS:
            break
        columns -= 1
    room = COLUMNS - sum(_widest(lines, at) + _GAP for at in range(1, columns))
    label = min(room, _widest(lines, 0))
    widths = [_widest(lines, at) for at in range(columns)]
    spare = COLUMNS - label - sum(widths[1:columns])
    gap = max(_GAP, min(3, spare // max(1, columns - 1)))
    made = [
        _padded(_cut(line[0], label), label)
        + "".join(" " * gap + " " * (widths[at] - width(line[at])) + line[at] for at in range(1, columns))
        for line in lines
    ]
    return "<pre>" + "\n".join(escape(line.rstrip()) for line in made) + "</pre>"


def fits(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table shows these rows whole: no label cut, no column left out."""
    columns = max((len(line) for line in rows), default=0)
    lines = [[*line, *[""] * (columns - len(line))] for line in rows]
    return sum(_widest(lines, at) + _GAP for at in range(columns)) - _GAP <= COLUMNS


def _widest(lines: Sequence[Sequence[str]], column: int) -> int:
    return max(width(line[column]) for line in lines)


def _padded(text: str, cells: int) -> str:
    return text + " " * (cells - width(text))


def _cut(text: str, cells: int) -> str:
    text = " ".join(text.split())
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[:-1]
    return text + "…"


def _moment(ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone(zone)
