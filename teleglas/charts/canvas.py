"""A dark square of 1,080 pixels to draw on: colours, sizes in pixels, and text that is measured.

Made for a phone, where it is shown 360 pixels wide: no text under 27 pixels, no
hairlines, because Telegram recompresses photos.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.text import Text

__all__ = ["BACKGROUND", "DOWN", "FAINT", "GREY", "MARK", "SIZE", "UP", "WHITE", "Canvas", "pt"]

SIZE: Final = 1080
_DPI: Final = 200

BACKGROUND: Final = "#131722"
FAINT: Final = "#2a2e39"
GREY: Final = "#9598a1"
WHITE: Final = "#d1d4dc"
MARK: Final = "#fcb900"
UP: Final = "#26a69a"
DOWN: Final = "#ef5350"

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_FONT_FILES = {False: str(_FONTS / "DejaVuSans.ttf"), True: str(_FONTS / "DejaVuSans-Bold.ttf")}


class Canvas:
    """One picture being drawn. Coordinates are pixels from the top left corner."""

    def __init__(self) -> None:
        self._figure = Figure(figsize=(SIZE / _DPI, SIZE / _DPI), dpi=_DPI, facecolor=BACKGROUND)
        FigureCanvasAgg(self._figure)

    def panel(self, left: int, top: int, right: int, bottom: int) -> Axes:
        """Return empty axes without frame and ticks."""
        box = (left / SIZE, 1 - bottom / SIZE, (right - left) / SIZE, (bottom - top) / SIZE)
        axes = self._figure.add_axes(box, facecolor="none")
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
        return axes

    def text(
        self, x: float, y: float, words: str, *, size: int = 29, color: str = GREY, bold: bool = False,
        align: str = "left", room: float | None = None, **more: Any,
    ) -> Text:  # fmt: skip
        """Write one line, vertically centred on y. With `room` the end is cut where it would be wider."""
        font = FontProperties(fname=_FONT_FILES[bold], size=pt(size))
        words = _drawable(words, bold=bold)
        drawn = self._figure.text(
            x / SIZE, 1 - y / SIZE, words, fontproperties=font, color=color, parse_math=False,
            ha=align, va="center_baseline", **more,
        )  # fmt: skip
        while room is not None and len(words) > 1 and self.width(drawn) > room:
            words = words[:-2].rstrip() + "…"
            drawn.set_text(words)
        return drawn

    @staticmethod
    def width(drawn: Text) -> float:
        """Return how many pixels wide a text is."""
        return float(drawn.get_window_extent().width)

    def png(self) -> bytes:
        """Return the finished picture."""
        out = io.BytesIO()
        self._figure.savefig(out, format="png", facecolor=BACKGROUND)
        return out.getvalue()


def pt(pixels: float) -> float:
    """Turn pixels into matplotlib's points."""
    return pixels * 72 / _DPI


def _drawable(words: str, *, bold: bool) -> str:
    # A missing glyph would be an empty box and a warning; a mark of direction would turn the line around.
    font = get_font(_FONT_FILES[bold])
    return "".join(c if font.get_char_index(ord(c)) else "?" for c in words if c.isprintable())
