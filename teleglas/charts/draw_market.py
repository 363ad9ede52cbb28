"""The market over a span as PNG: what was liquidated by time above, by asset below.

Only the drawing process imports this (see `worker`).
"""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes

from teleglas.charts.canvas import DOWN, FAINT, GREY, MARK, UP, WHITE, Canvas, pt
from teleglas.charts.frame import EDGE, LABEL_X, LEFT, RIGHT, foot, header, place, zone_label
from teleglas.charts.picture import MarketPicture, MarketRow
from teleglas.charts.scale import usd_ticks

__all__ = ["market_png"]

_TOP, _BOTTOM = 152, 590
_TIMES_Y, _HEADING_Y = 626, 686
_STRIP = 46
"""Pixels kept free above and below the bars, where their names stand."""

_ROWS_TOP, _ROW_STEP, _ROW_HEIGHT = 712, 52, 34
_NAME_WIDTH, _VALUE_WIDTH = 190, 190
_LEAST_LABELLED: Final = 40
_AIR: Final = _STRIP / (_BOTTOM - _TOP)
_MIDDLE: Final = (_TOP + _BOTTOM) / 2
_LEAST_CALLOUT: Final = 150
_TEXT = 29


def market_png(picture: MarketPicture) -> bytes:
    """Draw a picture of 1080 x 1080 pixels."""
    canvas = Canvas()
    header(canvas, picture)
    _flow(canvas, picture)
    _times(canvas, picture)
    _assets(canvas, picture)
    foot(canvas, picture)
    return canvas.png()


def _flow(canvas: Canvas, picture: MarketPicture) -> None:
    axes = canvas.panel(LEFT, _TOP, RIGHT, _BOTTOM)
    axes.set_xlim(picture.from_ms, max(picture.to_ms, picture.from_ms + 1))
    up = max((row[1] for row in picture.bars), default=0)
    down = max((row[2] for row in picture.bars), default=0)
    strip = (up + down or 1) * _STRIP / (_BOTTOM - _TOP - 2 * _STRIP)
    low, high = -down - strip, up + strip
    axes.set_ylim(low, high)
    for value, label in usd_ticks(up, down, 6):
        zero = value == 0
        axes.axhline(value, color=GREY if zero else FAINT, linewidth=pt(2), zorder=3 if zero else 0)
        canvas.text(LABEL_X, place(value, low, high, _TOP, _BOTTOM), label, size=_TEXT)
    if picture.shade_ms is not None:
        end = picture.shade_ms + picture.bucket_ms
        axes.axvspan(picture.shade_ms, end, _AIR, 1 - _AIR, color=MARK, alpha=0.2, linewidth=0)
    middles = [row[0] + picture.bucket_ms / 2 for row in picture.bars]
    width = picture.bucket_ms * 0.8
    axes.bar(middles, [row[1] for row in picture.bars], width=width, color=UP, linewidth=0)
    axes.bar(middles, [-row[2] for row in picture.bars], width=width, color=DOWN, linewidth=0)
    _gaps(canvas, axes, picture)
    _names(canvas, picture)


def _gaps(canvas: Canvas, axes: Axes, picture: MarketPicture) -> None:
    """Hatch what was not recorded: an empty place there is no quiet one."""
    span = max(1, picture.to_ms - picture.from_ms)
    box = {"boxstyle": "round,pad=0.3", "facecolor": FAINT, "edgecolor": "none"}
    for start, end in picture.gaps:
        axes.axvspan(
            start, end, _AIR, 1 - _AIR, facecolor=FAINT, edgecolor=GREY, hatch="//", linewidth=0, zorder=2
        )
        wide = (end - start) / span * (RIGHT - LEFT)
        if wide < _LEAST_LABELLED:
            continue
        x = LEFT + ((start + end) / 2 - picture.from_ms) / span * (RIGHT - LEFT)
        words = canvas.text(
            x, _MIDDLE, picture.gap, size=_TEXT, color=WHITE, bold=True, align="center", bbox=box
        )
        if canvas.width(words) > wide - 16:
            words.set(rotation=90, va="center")


def _names(canvas: Canvas, picture: MarketPicture) -> None:
    top, bottom = _TOP + _STRIP / 2 - 4, _BOTTOM - _STRIP / 2 + 4
    drawn = canvas.text(LEFT + 8, top, f"▲ {picture.up}", size=30, color=UP, bold=True)
    canvas.text(LEFT + 8, bottom, f"▼ {picture.down}", size=30, color=DOWN, bold=True, room=RIGHT - LEFT)
    room = RIGHT - LEFT - canvas.width(drawn) - 50
    if picture.callout and room > _LEAST_CALLOUT:
        canvas.text(RIGHT - 4, top, picture.callout, size=30, color=MARK, bold=True, align="right", room=room)


def _times(canvas: Canvas, picture: MarketPicture) -> None:
    span = max(1, picture.to_ms - picture.from_ms)
    for at, label in picture.ticks:
        if not picture.from_ms <= at <= picture.to_ms:
            continue
        x = LEFT + (at - picture.from_ms) / span * (RIGHT - LEFT)
        drawn = canvas.text(x, _TIMES_Y, label, size=_TEXT, align="center")
        if x - canvas.width(drawn) / 2 < 10:
            drawn.set_horizontalalignment("left")
    if picture.zone:
        zone_label(canvas, _TIMES_Y, picture.zone)


def _assets(canvas: Canvas, picture: MarketPicture) -> None:
    canvas.text(LEFT, _HEADING_Y, picture.heading, size=30, color=WHITE, bold=True, room=EDGE - LEFT)
    left, right = LEFT + _NAME_WIDTH, EDGE - _VALUE_WIDTH
    height = _ROW_STEP * max(1, len(picture.rows))
    axes = canvas.panel(left, _ROWS_TOP, right, _ROWS_TOP + height)
    axes.set_xlim(0, max((row.up_cents + row.down_cents for row in picture.rows), default=1) or 1)
    axes.set_ylim(height, 0)
    for index, row in enumerate(picture.rows):
        _asset(canvas, axes, row, index)


def _asset(canvas: Canvas, axes: Axes, row: MarketRow, index: int) -> None:
    middle = (index + 0.5) * _ROW_STEP
    axes.barh(middle, row.down_cents, height=_ROW_HEIGHT, color=DOWN, linewidth=0)
    axes.barh(middle, row.up_cents, left=row.down_cents, height=_ROW_HEIGHT, color=UP, linewidth=0)
    y = _ROWS_TOP + middle
    canvas.text(LEFT, y, row.label, size=_TEXT, color=WHITE, bold=True, room=_NAME_WIDTH - 16)
    canvas.text(EDGE, y, row.value, size=_TEXT, color=WHITE, align="right", room=_VALUE_WIDTH - 16)
