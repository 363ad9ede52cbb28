"""A picture's values in, a PNG out: price candles above, forced or large flow below.

Only the drawing process imports this (see `worker`): matplotlib costs 100 MB.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from teleglas import numbers
from teleglas.charts.canvas import BACKGROUND, DOWN, FAINT, GREY, MARK, SIZE, UP, WHITE, Canvas, pt
from teleglas.charts.frame import mark_levels, times
from teleglas.charts.picture import Level, Picture
from teleglas.charts.scale import padded, price_ticks, short_zeros, usd_ticks

__all__ = ["png", "warm_up"]

_LEFT, _RIGHT, _EDGE = 43, 882, SIZE - 38
_PRICE_TOP, _PRICE_BOTTOM = 152, 628
_BARS_TOP, _BARS_BOTTOM = 662, 920
_STRIP = 44
"""Pixels kept free above and below the bars, where their names stand."""
_LABEL_X = _RIGHT + 14


def png(picture: Picture) -> bytes:
    """Draw a picture as PNG of 1080 x 1080 pixels."""
    canvas = Canvas()
    _header(canvas, picture)
    _price(canvas, picture)
    _bars(canvas, picture)
    times(canvas, picture.from_ms, picture.to_ms, 956, picture.clock)
    canvas.text(_LEFT, 1006, picture.sources, size=27, room=_EDGE - _LEFT)
    canvas.text(_EDGE, 1050, picture.footer, size=27, align="right", room=_EDGE - _LEFT)
    return canvas.png()


def warm_up() -> None:
    """Draw a picture of nothing, so that fonts and code are loaded before the first alert."""
    png(
        Picture(
            "",
            "",
            "",
            "",
            0,
            60_000,
            1000,
            ((0, 1.0, 1.0, 1.0),),
            ((0, 1, 1),),
            "",
            "",
            0,
            0,
            "",
            callout_up=True,
        )
    )


def _header(canvas: Canvas, picture: Picture) -> None:
    mark = canvas.text(_EDGE, 45, "TELEGLAS", size=29, color=MARK, bold=True, align="right")
    room = _EDGE - _LEFT - canvas.width(mark) - 30
    canvas.text(_LEFT, 45, picture.title, size=44, color=WHITE, bold=True, room=room)
    room = _EDGE - _LEFT
    if picture.simulated:
        box = {"boxstyle": "round,pad=0.25", "facecolor": MARK, "edgecolor": MARK}
        pill = canvas.text(
            _EDGE - 8, 101, "SIMULATED", size=27, color=BACKGROUND, bold=True, align="right", bbox=box
        )
        room -= canvas.width(pill) + 40
    canvas.text(_LEFT, 100, picture.subtitle, room=room)


def _span(axes: Axes, picture: Picture) -> None:
    axes.set_xlim(picture.from_ms, max(picture.to_ms, picture.from_ms + 1))
    # At least six pixels, or a single event's moment could not be seen.
    least = (picture.to_ms - picture.from_ms) * 6 / (_RIGHT - _LEFT)
    left = min(picture.shade_from_ms, picture.shade_to_ms - least)
    axes.axvspan(left, picture.shade_to_ms, color=MARK, alpha=0.13, linewidth=0)


def _price(canvas: Canvas, picture: Picture) -> None:
    axes = canvas.panel(_LEFT, _PRICE_TOP, _RIGHT, _PRICE_BOTTOM)
    _span(axes, picture)
    if not picture.price:
        middle = (_PRICE_TOP + _PRICE_BOTTOM) / 2
        canvas.text((_LEFT + _RIGHT) / 2, middle, "price unknown: no trade seen in this span", align="center")
        return
    marked = [level.price for level in picture.levels] + list(picture.zone or ())
    low, high = padded(
        min([*marked, *(min(row[1:]) for row in picture.price)]),
        max([*marked, *(max(row[1:]) for row in picture.price)]),
    )
    axes.set_ylim(low, high)
    if picture.zone:
        axes.axhspan(*_thick(picture.zone, low, high), color=MARK, alpha=0.22, linewidth=0)
    _candles(axes, picture)
    last = picture.price[-1][3]
    rose = last >= (picture.price[-2][3] if len(picture.price) > 1 else last)
    taken = _tags(canvas, axes, picture, last, rose=rose)
    for value, label in price_ticks(low, high, 6):
        y = _y(value, low, high, _PRICE_TOP, _PRICE_BOTTOM)
        axes.axhline(value, color=FAINT, linewidth=pt(2), zorder=0)
        if all(abs(y - other) > 40 for other in taken):
            _side_label(canvas, y, label)


def _thick(zone: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    # At least six pixels, or a zone of one price could not be seen.
    more = max(0.0, (high - low) * 6 / (_PRICE_BOTTOM - _PRICE_TOP) - (zone[1] - zone[0])) / 2
    return zone[0] - more, zone[1] + more


def _tags(canvas: Canvas, axes: Axes, picture: Picture, last: float, *, rose: bool) -> list[float]:
    """Write the last price, with the levels where there are any; return where the tags stand."""
    if picture.levels:
        levels = [*picture.levels, Level("last", last, 1 if rose else -1)]
        return mark_levels(
            canvas, axes, levels, axes.get_xlim(), top=_PRICE_TOP, bottom=_PRICE_BOTTOM, names_left=True
        )
    low, high = axes.get_ylim()
    y = _y(last, low, high, _PRICE_TOP, _PRICE_BOTTOM)
    box = {"boxstyle": "round,pad=0.22", "facecolor": UP if rose else DOWN, "edgecolor": "none"}
    _side_label(canvas, y, short_zeros(numbers.price(last)), color=BACKGROUND, bold=True, bbox=box)
    return [y]


def _side_label(canvas: Canvas, y: float, label: str, **style: Any) -> None:
    size, room = 29, SIZE - (12 if style else 8) - _LABEL_X
    # A long price is better read small than cut.
    while canvas.width(drawn := canvas.text(_LABEL_X, y, label, size=size, **style)) > room and size > 18:
        drawn.remove()
        size -= 1


def _y(value: float, low: float, high: float, top: int, bottom: int) -> float:
    return bottom - (value - low) / (high - low) * (bottom - top)


def _candles(axes: Axes, picture: Picture) -> None:
    bucket = picture.bucket_ms
    pixels = bucket / max(1, picture.to_ms - picture.from_ms) * (_RIGHT - _LEFT)
    middles = [row[0] + bucket / 2 for row in picture.price]
    if pixels < 4:
        axes.fill_between(
            middles, [row[1] for row in picture.price], [row[2] for row in picture.price],
            color=WHITE, alpha=0.25, linewidth=0,
        )  # fmt: skip
        axes.plot(middles, [row[3] for row in picture.price], color=WHITE, linewidth=pt(4))
        return
    bottom, top = axes.get_ylim()
    least = (top - bottom) * 3 / (_PRICE_BOTTOM - _PRICE_TOP)
    opened = picture.price[0][3]
    lows, heights, colors = [], [], []
    for _, _, _, closed in picture.price:
        height = max(abs(closed - opened), least)
        lows.append((opened + closed - height) / 2)
        heights.append(height)
        colors.append(UP if closed >= opened else DOWN)
        opened = closed
    axes.vlines(
        middles, [row[1] for row in picture.price], [row[2] for row in picture.price],
        colors=colors, linewidth=pt(min(4, max(2, pixels / 6))),
    )  # fmt: skip
    axes.bar(middles, heights, bottom=lows, width=bucket * 0.8, color=colors, linewidth=0)


def _bars(canvas: Canvas, picture: Picture) -> None:
    axes = canvas.panel(_LEFT, _BARS_TOP, _RIGHT, _BARS_BOTTOM)
    _span(axes, picture)
    up = max((row[1] for row in picture.bars), default=0)
    down = max((row[2] for row in picture.bars), default=0)
    strip = (up + down or 1) * _STRIP / (_BARS_BOTTOM - _BARS_TOP - 2 * _STRIP)
    low, high = -down - strip, up + strip
    axes.set_ylim(low, high)
    for value, label in usd_ticks(up, down, 4):
        axes.axhline(
            value, color=GREY if value == 0 else FAINT, linewidth=pt(2), zorder=3 if value == 0 else 0
        )
        canvas.text(_LABEL_X, _y(value, low, high, _BARS_TOP, _BARS_BOTTOM), label)
    middles = [row[0] + picture.bucket_ms / 2 for row in picture.bars]
    # At least four pixels, or one small bucket in a long span could not be seen.
    width = max(picture.bucket_ms * 0.8, (picture.to_ms - picture.from_ms) * 4 / (_RIGHT - _LEFT))
    axes.bar(middles, [row[1] for row in picture.bars], width=width, color=UP, linewidth=0)
    axes.bar(middles, [-row[2] for row in picture.bars], width=width, color=DOWN, linewidth=0)
    _side(canvas, picture, up=True)
    _side(canvas, picture, up=False)


def _side(canvas: Canvas, picture: Picture, *, up: bool) -> None:
    y = _BARS_TOP + _STRIP / 2 - 4 if up else _BARS_BOTTOM - _STRIP / 2 + 4
    total = sum(row[1 if up else 2] for row in picture.bars)
    told = numbers.usd(total, cut=picture.sampled) if total else "none"
    words = f"▲ {picture.up} {told}" if up else f"▼ {picture.down} {told}"
    color = UP if up else DOWN
    name = canvas.text(_LEFT + 8, y, words, size=30, color=color, bold=True)
    if picture.callout_up != up:
        return
    room = _RIGHT - _LEFT - canvas.width(name) - 50
    canvas.text(_RIGHT - 4, y, picture.callout, size=30, color=MARK, bold=True, align="right", room=room)
