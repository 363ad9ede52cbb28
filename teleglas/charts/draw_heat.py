"""USD over time and price as a heat map with the price over it, as PNG.

Only the drawing process imports this (see `worker`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from teleglas.charts.canvas import BACKGROUND, MARK, WHITE, Canvas
from teleglas.charts.frame import EDGE, LEFT, RIGHT, foot, header, place, price_line, side_label, times
from teleglas.charts.picture import HeatPicture
from teleglas.charts.scale import price_ticks, short_zeros

__all__ = ["heat_png"]

_TOP, _BOTTOM = 152, 888
_COLORS: Final = "inferno"
_MARKED = 2
_CHAR, _ENOUGH = 19.0, 45.0
"""Pixels: the width of a letter of a mark, and the distance from which on it hides no price."""


def heat_png(picture: HeatPicture) -> bytes:
    """Draw a picture of 1080 x 1080 pixels; brighter is more."""
    canvas = Canvas()
    header(canvas, picture)
    axes = canvas.panel(LEFT, _TOP, RIGHT, _BOTTOM)
    low, high = _range(picture)
    _cells(axes, picture, low, high)
    if picture.price:
        price_line(axes, picture.price, outlined=True)
    axes.set_xlim(picture.columns[0], picture.to_ms)
    axes.set_ylim(low, high)
    for value, label in price_ticks(low, high, 8):
        side_label(canvas, place(value, low, high, _TOP, _BOTTOM), short_zeros(label))
    _marks(canvas, picture, low, high)
    times(canvas, picture.columns[0], picture.to_ms, 918, picture.clock)
    _scale(canvas, picture)
    foot(canvas, picture)
    return canvas.png()


def _range(picture: HeatPicture) -> tuple[float, float]:
    """Return the prices at the lower and upper edge: half a row beyond the first and last row."""
    step = (picture.rows[-1] - picture.rows[0]) / max(1, len(picture.rows) - 1) or picture.rows[0] * 0.001
    return picture.rows[0] - step / 2, picture.rows[-1] + step / 2


def _cells(axes: Axes, picture: HeatPicture, low: float, high: float) -> None:
    grid = np.zeros((len(picture.rows), len(picture.columns)))
    for column, row, amount in picture.cells:
        grid[row, column] += amount
    # The root lets the many small amounts be seen beside the few large ones.
    axes.imshow(
        np.sqrt(grid), origin="lower", aspect="auto", extent=(picture.columns[0], picture.to_ms, low, high),
        cmap=colormaps[_COLORS], interpolation="bilinear", vmin=0.0,
    )  # fmt: skip


def _marks(canvas: Canvas, picture: HeatPicture, low: float, high: float) -> None:
    used: list[float] = []
    for price, words in picture.marks:
        y = place(price, low, high, _TOP, _BOTTOM)
        if not _TOP + 20 < y < _BOTTOM - 20 or any(abs(y - other) < 60 for other in used):
            continue
        used.append(y)
        box = {"boxstyle": "round,pad=0.25", "facecolor": BACKGROUND, "edgecolor": MARK, "alpha": 0.85}
        width = len(words) * _CHAR
        # Beside the price where that leaves it visible, since where it went is half of the picture.
        if _room(picture, y, RIGHT - width, RIGHT, low, high) >= _room(
            picture, y, LEFT, LEFT + width, low, high
        ):
            canvas.text(RIGHT - 18, y, words, size=29, color=WHITE, bold=True, align="right", bbox=box)
        else:
            canvas.text(LEFT + 18, y, words, size=29, color=WHITE, bold=True, bbox=box)
        if len(used) == _MARKED:
            return


def _room(picture: HeatPicture, y: float, left: float, right: float, low: float, high: float) -> float:
    """Return how far the price stays away from a height between two places across, at most `_ENOUGH` pixels."""
    begin, length = picture.columns[0], picture.to_ms - picture.columns[0]
    away = [
        abs(place(price, low, high, _TOP, _BOTTOM) - y)
        for at, price in picture.price
        if left <= LEFT + (at - begin) / length * (RIGHT - LEFT) <= right
    ]
    return min([_ENOUGH, *away])


def _scale(canvas: Canvas, picture: HeatPicture) -> None:
    """Draw what the colours mean."""
    axes = canvas.panel(LEFT + 70, 950, EDGE - 150, 972)
    axes.imshow(np.linspace(0.0, 1.0, 256)[None, :], aspect="auto", cmap=colormaps[_COLORS])
    canvas.text(LEFT, 962, picture.low, size=27)
    canvas.text(EDGE, 962, picture.high, size=27, align="right")
