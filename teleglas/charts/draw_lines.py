"""A price with another figure below it, and an overview in tiles, as PNG.

Only the drawing process imports this (see `worker`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from matplotlib.patches import FancyBboxPatch

from teleglas import numbers
from teleglas.charts.canvas import DOWN, FAINT, GREY, MARK, UP, WHITE, Canvas, pt
from teleglas.charts.frame import (
    EDGE,
    LABEL_X,
    LEFT,
    RIGHT,
    foot,
    header,
    place,
    price_axis,
    price_line,
    times,
)
from teleglas.charts.picture import LinePicture, OverviewPicture, Tile
from teleglas.charts.scale import nice_step, padded

__all__ = ["lines_png", "overview_png"]

_PRICE_TOP, _PRICE_BOTTOM = 152, 528
_FIGURE_TOP, _FIGURE_BOTTOM = 612, 920
_BLUE: Final = "#4fc3f7"
_TONES: Final = {1: UP, -1: DOWN, 0: WHITE}


def lines_png(picture: LinePicture) -> bytes:
    """Draw a picture of 1080 x 1080 pixels."""
    canvas = Canvas()
    header(canvas, picture)
    _price(canvas, picture, _PRICE_TOP, _PRICE_BOTTOM)
    canvas.text(
        LEFT, 568, f"{picture.name} {picture.latest}", size=32, color=MARK, bold=True, room=EDGE - LEFT
    )
    _figure(canvas, picture)
    times(canvas, picture.from_ms, picture.to_ms, 956, picture.clock)
    foot(canvas, picture)
    return canvas.png()


def overview_png(picture: OverviewPicture) -> bytes:
    """Draw a price line with tiles of figures below it."""
    canvas = Canvas()
    header(canvas, picture)
    _price(canvas, picture, 152, 540)
    times(canvas, picture.from_ms, picture.to_ms, 576, picture.clock)
    columns, gap = 4, 16
    width = (EDGE - LEFT - gap * (columns - 1)) / columns
    for index, tile in enumerate(picture.tiles[:8]):
        left = LEFT + index % columns * (width + gap)
        top = 622 + index // columns * 176
        _tile(canvas, tile, left, top, width)
    foot(canvas, picture)
    return canvas.png()


def _price(canvas: Canvas, picture: LinePicture | OverviewPicture, top: int, bottom: int) -> None:
    axes = canvas.panel(LEFT, top, RIGHT, bottom)
    axes.set_xlim(picture.from_ms, max(picture.to_ms, picture.from_ms + 1))
    if not picture.price:
        canvas.text((LEFT + RIGHT) / 2, (top + bottom) / 2, "price unknown", align="center")
        return
    price_line(axes, picture.price)
    low, _ = axes.get_ylim()
    first, last = picture.price[0][1], picture.price[-1][1]
    color = UP if last >= first else DOWN
    axes.fill_between(
        [at for at, _ in picture.price],
        [value for _, value in picture.price],
        low,
        color=color,
        alpha=0.16,
        linewidth=0,
    )
    price_axis(canvas, axes, last, color, top, bottom)


def _figure(canvas: Canvas, picture: LinePicture) -> None:
    axes = canvas.panel(LEFT, _FIGURE_TOP, RIGHT, _FIGURE_BOTTOM)
    axes.set_xlim(picture.from_ms, max(picture.to_ms, picture.from_ms + 1))
    values = [value for _, value in picture.figure]
    low, high = padded(
        min([*values, 0.0] if picture.as_bars else values), max([*values, 0.0] if picture.as_bars else values)
    )
    axes.set_ylim(low, high)
    if picture.as_bars:
        step = min((after[0] - before[0] for before, after in pairwise(picture.figure)), default=1)
        axes.bar(
            [at + step / 2 for at, _ in picture.figure], values, width=step * 0.8,
            color=[UP if value >= 0 else DOWN for value in values], linewidth=0,
        )  # fmt: skip
        axes.axhline(0, color=GREY, linewidth=pt(2))
    else:
        axes.plot([at for at, _ in picture.figure], values, color=_BLUE, linewidth=pt(6))
        axes.fill_between([at for at, _ in picture.figure], values, low, color=_BLUE, alpha=0.16, linewidth=0)
    step_size = nice_step(high - low, 4)
    first = int(low // step_size) + 1
    for index in range(first, int(high // step_size) + 1):
        value = index * step_size
        axes.axhline(value, color=FAINT, linewidth=pt(2), zorder=0)
        y = place(value, low, high, _FIGURE_TOP, _FIGURE_BOTTOM)
        canvas.text(LABEL_X, y, _label(value, step_size, picture.unit), size=27)


def _label(value: float, step: float, unit: str) -> str:
    if unit == "usd":
        return numbers.usd_short(round(value * 100))
    places = 0
    while places < 6 and abs(step * 10**places - round(step * 10**places)) > 1e-9:
        places += 1
    return f"{value + 0.0:.{places}f}%"


def _tile(canvas: Canvas, tile: Tile, left: float, top: float, width: float) -> None:
    axes = canvas.panel(round(left), round(top), round(left + width), round(top + 160))
    axes.set_xlim(0, width)
    axes.set_ylim(0, 160)
    shape = FancyBboxPatch(
        (4, 4), width - 8, 152, boxstyle="round,pad=0,rounding_size=14", facecolor=FAINT, linewidth=0
    )
    axes.add_patch(shape)
    canvas.text(left + 18, top + 46, tile.label, size=27, room=width - 36)
    size = 42
    while canvas.width(drawn := canvas.text(left + 18, top + 108, tile.value, size=size, color=_TONES[tile.tone],
                                            bold=True)) > width - 36 and size > 24:  # fmt: skip
        drawn.remove()
        size -= 2
