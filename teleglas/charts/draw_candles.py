"""A candle picture as PNG: candles with their means, volume below, and the last candle's levels.

Only the drawing process imports this (see `worker`).
"""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes

from teleglas import numbers
from teleglas.charts.canvas import BACKGROUND, DOWN, FAINT, GREY, MARK, SIZE, UP, WHITE, Canvas, pt
from teleglas.charts.frame import TAG_HEIGHT, mark_levels, times
from teleglas.charts.picture import CandlePicture
from teleglas.charts.scale import padded, price_ticks, short_zeros

__all__ = ["candles_png"]

_LEFT, _RIGHT, _EDGE = 43, 882, SIZE - 38
_PRICE_TOP, _PRICE_BOTTOM = 206, 760
_VOLUME_TOP, _VOLUME_BOTTOM = 782, 920
_LABEL_X: Final = _RIGHT + 14
_ROOM_AFTER: Final = 9
"""Empty candles at the right, over which the levels are drawn."""

_CURVES: Final = {"EMA9": "#4fc3f7", "EMA21": "#ba68c8", "EMA50": "#ff9f43", "VWAP": WHITE}


def candles_png(picture: CandlePicture) -> bytes:
    """Draw a candle picture of 1080 x 1080 pixels."""
    canvas = Canvas()
    _header(canvas, picture)
    _prices(canvas, picture)
    _volumes(canvas, picture)
    times(canvas, *_span(picture), 956, picture.clock)
    canvas.text(_LEFT, 1006, picture.sources, size=27, room=_EDGE - _LEFT)
    canvas.text(_EDGE, 1050, picture.footer, size=27, align="right", room=_EDGE - _LEFT)
    return canvas.png()


def _header(canvas: Canvas, picture: CandlePicture) -> None:
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
    x: float = _LEFT
    for curve in picture.curves:
        last = curve.values[-1] if curve.values else None
        words = f"{curve.name} {'not ready' if last is None else short_zeros(numbers.price(last))}"
        x += canvas.width(canvas.text(x, 158, words, size=27, color=_CURVES.get(curve.name, GREY))) + 26


def _span(picture: CandlePicture) -> tuple[int, int]:
    first, last = picture.candles[0][0], picture.candles[-1][0]
    return first, last + (1 + _ROOM_AFTER) * picture.bucket_ms


def _prices(canvas: Canvas, picture: CandlePicture) -> None:
    axes = canvas.panel(_LEFT, _PRICE_TOP, _RIGHT, _PRICE_BOTTOM)
    axes.set_xlim(*_span(picture))
    levels = [level.price for level in picture.levels]
    low, high = padded(
        min([row[3] for row in picture.candles] + levels), max([row[2] for row in picture.candles] + levels)
    )
    axes.set_ylim(low, high)
    last = picture.candles[-1][0]
    axes.axvspan(last, last + picture.bucket_ms, color=MARK, alpha=0.18, linewidth=0)
    _bodies(axes, picture, low, high)
    middles = [row[0] + picture.bucket_ms / 2 for row in picture.candles]
    for curve in picture.curves:
        values = [float("nan") if value is None else value for value in curve.values]
        axes.plot(
            middles, values, color=_CURVES.get(curve.name, GREY), linewidth=pt(4),
            linestyle=(0, (3, 1.5)) if curve.name == "VWAP" else "-",
        )  # fmt: skip
    taken = mark_levels(
        canvas, axes, picture.levels, (last, _span(picture)[1]), top=_PRICE_TOP, bottom=_PRICE_BOTTOM
    )
    for value, label in price_ticks(low, high, 6):
        y = _y(value, low, high)
        axes.axhline(value, color=FAINT, linewidth=pt(2), zorder=0)
        if all(abs(y - other) > TAG_HEIGHT for other in taken):
            canvas.text(_LABEL_X, y, label, room=SIZE - 8 - _LABEL_X)


def _y(value: float, low: float, high: float) -> float:
    return _PRICE_BOTTOM - (value - low) / (high - low) * (_PRICE_BOTTOM - _PRICE_TOP)


def _bodies(axes: Axes, picture: CandlePicture, low: float, high: float) -> None:
    bucket = picture.bucket_ms
    first, last = _span(picture)
    pixels = bucket / (last - first) * (_RIGHT - _LEFT)
    least = (high - low) * 3 / (_PRICE_BOTTOM - _PRICE_TOP)
    middles = [row[0] + bucket / 2 for row in picture.candles]
    colors = [UP if close >= opened else DOWN for _, opened, _, _, close, _ in picture.candles]
    axes.vlines(
        middles, [row[3] for row in picture.candles], [row[2] for row in picture.candles],
        colors=colors, linewidth=pt(min(4, max(2, pixels / 6))),
    )  # fmt: skip
    heights = [max(abs(close - opened), least) for _, opened, _, _, close, _ in picture.candles]
    bottoms = [(row[1] + row[4] - height) / 2 for row, height in zip(picture.candles, heights, strict=True)]
    axes.bar(middles, heights, bottom=bottoms, width=bucket * 0.8, color=colors, linewidth=0)


def _volumes(canvas: Canvas, picture: CandlePicture) -> None:
    axes = canvas.panel(_LEFT, _VOLUME_TOP, _RIGHT, _VOLUME_BOTTOM)
    axes.set_xlim(*_span(picture))
    most = max(row[5] for row in picture.candles)
    axes.set_ylim(0, most * 1.1 or 1)
    axes.axhline(0, color=GREY, linewidth=pt(3))
    last = picture.candles[-1][0]
    axes.axvspan(last, last + picture.bucket_ms, color=MARK, alpha=0.18, linewidth=0)
    axes.bar(
        [row[0] + picture.bucket_ms / 2 for row in picture.candles],
        [row[5] for row in picture.candles],
        width=picture.bucket_ms * 0.8,
        color=[UP if close >= opened else DOWN for _, opened, _, _, close, _ in picture.candles],
        alpha=0.7,
        linewidth=0,
    )
    canvas.text(_LABEL_X, (_VOLUME_TOP + _VOLUME_BOTTOM) / 2, "volume", size=27, room=SIZE - 8 - _LABEL_X)
