"""Horizontal bars beside each other as PNG: the storms of a cascade, a figure by venue.

Only the drawing process imports this (see `worker`).
"""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes

from teleglas.charts.canvas import BACKGROUND, FAINT, GREY, MARK, SIZE, WHITE, Canvas, pt
from teleglas.charts.frame import EDGE, LEFT, TONES, foot, header
from teleglas.charts.picture import BarRow, RowsPicture

__all__ = ["ROWS", "rows_png"]

ROWS: Final = 8
_TOP, _BOTTOM = 196, 924
_TALLEST: Final = 210
_MARK_Y: Final = 956


def rows_png(picture: RowsPicture) -> bytes:
    """Draw a picture of 1080 x 1080 pixels."""
    canvas = Canvas()
    header(canvas, picture)
    _legend(canvas, picture)
    rows = picture.rows[:ROWS]
    step = min(_TALLEST, (_BOTTOM - _TOP) / max(1, len(rows)))
    bottom = round(_TOP + step * max(1, len(rows)))
    axes = canvas.panel(LEFT, _TOP, EDGE, bottom)
    axes.set_ylim(bottom, _TOP)
    axes.set_xlim(*_range(picture))
    _marks(canvas, axes, picture, bottom)
    axes.axvline(0, color=GREY, linewidth=pt(3), zorder=1)
    for index, row in enumerate(rows):
        _row(canvas, axes, row, _TOP + step * (index + 0.5), step)
    foot(canvas, picture)
    return canvas.png()


def _row(canvas: Canvas, axes: Axes, row: BarRow, y: float, step: float) -> None:
    """Draw label and note, and the bar under them; few rows are drawn larger."""
    low, high = axes.get_xlim()
    color, size = TONES.get(row.tone, WHITE), round(min(40, max(32, step / 4)))
    height = min(52, max(30, step * 0.28))
    bar = y + size / 2 + 5
    axes.barh(bar, high - low, height=height, left=low, color=FAINT, linewidth=0, zorder=0, alpha=0.5)
    axes.barh(bar, row.value, height=height, color=color, linewidth=0, zorder=2)
    # The lines of zero and of the marks must not run through words.
    ground = {"facecolor": BACKGROUND, "edgecolor": "none", "pad": pt(5)}
    line = bar - height / 2 - size / 2 - 14
    note = canvas.text(EDGE, line, row.note, size=size, color=color, bold=True, align="right", bbox=ground)
    room = EDGE - LEFT - canvas.width(note) - 24
    canvas.text(LEFT, line, row.label, size=size, color=WHITE, room=room, bbox=ground)


def _legend(canvas: Canvas, picture: RowsPicture) -> None:
    x: float = LEFT
    for words, tone in picture.legend:
        drawn = canvas.text(x, 156, words, color=TONES.get(tone, WHITE), bold=True, room=EDGE - x)
        x += canvas.width(drawn) + 34
    if len(picture.rows) > ROWS:
        canvas.text(EDGE, 156, f"{len(picture.rows) - ROWS:,} more not drawn", size=27, align="right")


def _range(picture: RowsPicture) -> tuple[float, float]:
    """Return the ends of the value axis: zero, every bar and every mark are on it."""
    values = [0.0, *(row.value for row in picture.rows[:ROWS]), *(value for value, _ in picture.marks)]
    low, high = min(values), max(values)
    air = (high - low) * 0.03 or 1.0
    return (low - air if low < 0 else low), (high + air if high > 0 or low == high else high)


def _marks(canvas: Canvas, axes: Axes, picture: RowsPicture, bottom: int) -> None:
    low, high = axes.get_xlim()
    for value, words in picture.marks:
        axes.axvline(value, color=MARK, linewidth=pt(4), linestyle=(0, (2, 1)), zorder=3)
        x = LEFT + (value - low) / (high - low) * (EDGE - LEFT)
        drawn = canvas.text(
            x, min(bottom + 28, _MARK_Y), words, size=29, color=MARK, bold=True, align="center"
        )
        half = canvas.width(drawn) / 2
        drawn.set_x(min(max(x, LEFT + half), EDGE - half) / SIZE)
