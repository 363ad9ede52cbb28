"""What pictures of the command bot have in common: header, footer, time axis, price axis, a price line.

Only the drawing process imports this (see `worker`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke

from teleglas import numbers
from teleglas.charts.canvas import BACKGROUND, DOWN, FAINT, GREY, MARK, SIZE, UP, WHITE, Canvas, pt
from teleglas.charts.picture import Clock, Level
from teleglas.charts.scale import padded, price_ticks, short_zeros, time_ticks

__all__ = ["EDGE", "LABEL_X", "LEFT", "RIGHT", "TAG_HEIGHT", "TONES", "Titled", "foot", "header", "mark_levels",
           "place", "price_axis", "price_line", "side_label", "times", "zone_label"]  # fmt: skip

LEFT: Final = 43
RIGHT: Final = 882
EDGE: Final = SIZE - 38
LABEL_X: Final = RIGHT + 14
TAG_HEIGHT: Final = 42
TONES: Final = {1: UP, -1: DOWN, 0: WHITE}

_SMALLEST = 18
_BETWEEN_TIMES = 14


class Titled(Protocol):
    """What every picture says about itself."""

    @property
    def title(self) -> str: ...  # noqa: D102 - told in `picture`
    @property
    def subtitle(self) -> str: ...  # noqa: D102
    @property
    def sources(self) -> str: ...  # noqa: D102
    @property
    def footer(self) -> str: ...  # noqa: D102
    @property
    def simulated(self) -> bool: ...  # noqa: D102


def header(canvas: Canvas, picture: Titled) -> None:
    """Write title, subtitle, our mark, and whether the market is simulated."""
    mark = canvas.text(EDGE, 45, "TELEGLAS", size=29, color=MARK, bold=True, align="right")
    room = EDGE - LEFT - canvas.width(mark) - 30
    canvas.text(LEFT, 45, picture.title, size=44, color=WHITE, bold=True, room=room)
    room = EDGE - LEFT
    if picture.simulated:
        box = {"boxstyle": "round,pad=0.25", "facecolor": MARK, "edgecolor": MARK}
        pill = canvas.text(
            EDGE - 8, 101, "SIMULATED", size=27, color=BACKGROUND, bold=True, align="right", bbox=box
        )
        room -= canvas.width(pill) + 40
    canvas.text(LEFT, 100, picture.subtitle, room=room)


def foot(canvas: Canvas, picture: Titled) -> None:
    """Write where the figures are from, and the time of the picture."""
    canvas.text(LEFT, 1006, picture.sources, size=27, room=EDGE - LEFT)
    canvas.text(EDGE, 1050, picture.footer, size=27, align="right", room=EDGE - LEFT)


def times(canvas: Canvas, from_ms: int, to_ms: int, y: float, clock: Clock) -> None:
    """Write the time axis centred on y, and its zone at the right edge. A time without room of its own is left out."""
    span, free = max(1, to_ms - from_ms), 10.0
    for at, label in time_ticks(from_ms, to_ms, 5, clock.ahead_ms):
        x = LEFT + (at - from_ms) / span * (RIGHT - LEFT)
        drawn = canvas.text(x, y, label, align="center")
        begin = x - canvas.width(drawn) / 2
        if x + canvas.width(drawn) / 2 > LABEL_X - 10:
            drawn.set_horizontalalignment("right")
            begin = x - canvas.width(drawn)
        if begin < free:
            drawn.set_visible(False)
        else:
            free = begin + canvas.width(drawn) + _BETWEEN_TIMES
    zone_label(canvas, y, clock.name)


def zone_label(canvas: Canvas, y: float, name: str) -> None:
    """Say at the right edge in which zone the times of an axis are."""
    canvas.text(EDGE, y, name, size=27, color=GREY, align="right", room=EDGE - LABEL_X)


def place(value: float, low: float, high: float, top: float, bottom: float) -> float:
    """Return the pixel row of a value of an axis."""
    return bottom - (value - low) / (high - low) * (bottom - top)


def side_label(canvas: Canvas, y: float, label: str, **style: Any) -> None:
    """Write at the right edge, smaller where it would not fit."""
    size, room = 29, SIZE - (12 if style else 8) - LABEL_X
    while (
        canvas.width(drawn := canvas.text(LABEL_X, y, label, size=size, **style)) > room and size > _SMALLEST
    ):
        drawn.remove()
        size -= 1


def price_axis(canvas: Canvas, axes: Axes, last: float, color: str, top: int, bottom: int) -> None:
    """Write round prices beside the axes, and the last price in a box of this colour."""
    low, high = axes.get_ylim()
    tag_y = place(last, low, high, top, bottom)
    box = {"boxstyle": "round,pad=0.22", "facecolor": color, "edgecolor": "none"}
    side_label(canvas, tag_y, short_zeros(numbers.price(last)), color=BACKGROUND, bold=True, bbox=box)
    for value, label in price_ticks(low, high, 6):
        y = place(value, low, high, top, bottom)
        axes.axhline(value, color=FAINT, linewidth=pt(2), zorder=0)
        if abs(y - tag_y) > 40:
            side_label(canvas, y, label)


def mark_levels(
    canvas: Canvas, axes: Axes, levels: Sequence[Level], span: tuple[float, float], *,
    top: int, bottom: int, names_left: bool = False,
) -> list[float]:  # fmt: skip
    """Draw each level over the span of the time axis, with its price in a tag; return where the tags stand.

    names_left: names stand at the left on their own ground, for axes without room after the last candle.
    """
    low, high = axes.get_ylim()
    ranked = sorted(levels, key=lambda level: -level.price)
    places = _apart([place(level.price, low, high, top, bottom) for level in ranked], bottom)
    for level, y in zip(ranked, places, strict=True):
        color = TONES.get(level.tone, WHITE)
        axes.hlines(level.price, *span, color=color, linewidth=pt(4), linestyle=(0, (2, 1)))
        box = {"boxstyle": "round,pad=0.22", "facecolor": color, "edgecolor": "none"}
        side_label(canvas, y, short_zeros(numbers.price(level.price)), color=BACKGROUND, bold=True, bbox=box)
        if names_left:
            ground = {
                "boxstyle": "round,pad=0.15",
                "facecolor": BACKGROUND,
                "edgecolor": "none",
                "alpha": 0.8,
            }
            canvas.text(LEFT + 10, y, level.name, size=27, color=color, bold=True, bbox=ground)
        else:
            canvas.text(RIGHT - 2, y - 24, level.name, size=27, color=color, bold=True, align="right")
    return places


def _apart(places: list[float], bottom: float) -> list[float]:
    """Push places (ascending) apart so that no tag covers another, and keep them in the panel."""
    kept: list[float] = []
    for each in places:
        kept.append(max(each, kept[-1] + TAG_HEIGHT) if kept else each)
    excess = max(0.0, kept[-1] - bottom) if kept else 0.0
    return [each - excess for each in kept]


def price_line(
    axes: Axes, points: Sequence[tuple[int, float]], *, color: str = WHITE, outlined: bool = False
) -> None:
    """Draw a price; the y range is set to hold it with a little air."""
    low, high = padded(min(value for _, value in points), max(value for _, value in points))
    axes.set_ylim(low, high)
    effects = [Stroke(linewidth=pt(12), foreground=BACKGROUND), Normal()] if outlined else None
    axes.plot(
        [at for at, _ in points], [value for _, value in points], color=color, linewidth=pt(6),
        solid_joinstyle="round", path_effects=effects,
    )  # fmt: skip
