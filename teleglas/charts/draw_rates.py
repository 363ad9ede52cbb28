"""Shares with their intervals as PNG, each against what it would have to be."""

from __future__ import annotations

from typing import Final

from teleglas.charts.canvas import DOWN, FAINT, GREY, MARK, SIZE, UP, WHITE, Canvas, pt
from teleglas.charts.picture import RatesPicture

__all__ = ["rates_png"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 43, SIZE - 38, 150, 900

_AIR: Final = 0.05
"""Of the axis beyond what is drawn on it, so that what stands at 0 or 100 % is seen whole."""


def rates_png(picture: RatesPicture) -> bytes:
    """Draw a picture of 1080 x 1080 pixels."""
    canvas = Canvas()
    mark = canvas.text(_RIGHT, 45, "TELEGLAS", size=29, color=MARK, bold=True, align="right")
    room = _RIGHT - _LEFT - canvas.width(mark) - 30
    canvas.text(_LEFT, 45, picture.title, size=44, color=WHITE, bold=True, room=room)
    canvas.text(_LEFT, 100, picture.subtitle, size=27, room=_RIGHT - _LEFT)
    axes = canvas.panel(_LEFT, _TOP, _RIGHT, _BOTTOM)
    bounds = [
        picture.par,
        *(value for row in picture.rows for value in (row.low, row.high, min(1.0, row.needed))),
    ]
    low, high = max(-_AIR, min(bounds) - _AIR), min(1 + _AIR, max(bounds) + _AIR)
    axes.set_xlim(low, high)
    axes.set_ylim(_BOTTOM, _TOP)
    axes.axvline(picture.par, color=GREY, linewidth=pt(4), linestyle=":", zorder=1)
    for tenth in range(11):
        if low <= tenth / 10 <= high:
            x = _LEFT + (tenth / 10 - low) / (high - low) * (_RIGHT - _LEFT)
            axes.axvline(tenth / 10, color=FAINT, linewidth=pt(2), zorder=0)
            canvas.text(x, 934, f"{tenth * 10} %", size=27, align="center")
    step: Final = (_BOTTOM - _TOP) / max(1, len(picture.rows))
    for index, row in enumerate(picture.rows):
        y = _TOP + step * index + min(62, step * 0.75)
        # A record is only good or bad where its whole interval lies on one side.
        color = UP if row.low > row.needed else DOWN if row.high < row.needed else GREY
        axes.hlines(y, row.low, row.high, color=color, linewidth=pt(10))
        axes.plot([row.rate], [y], marker="o", markersize=pt(22), color=color)
        if row.needed <= 1:
            axes.vlines(row.needed, y - 16, y + 16, color=MARK, linewidth=pt(5))
        else:
            canvas.text(_RIGHT, y, "never", size=27, color=MARK, align="right")
        right = canvas.text(_RIGHT, y - 36, row.note, size=27, align="right")
        canvas.text(_LEFT, y - 36, row.label, size=27, color=WHITE, room=_RIGHT - _LEFT - canvas.width(right) - 30)  # fmt: skip
    if not picture.rows:
        canvas.text(SIZE / 2, (_TOP + _BOTTOM) / 2, "no alert reached a level", align="center")
    more = f" · {picture.more} more rows in the table" if picture.more else ""
    canvas.text(_LEFT, 985, f"yellow: needed to break even, {picture.sources}{more}", size=27, color=MARK, room=_RIGHT - _LEFT)  # fmt: skip
    canvas.text(_RIGHT, 1043, picture.footer, size=27, align="right", room=_RIGHT - _LEFT)
    return canvas.png()
