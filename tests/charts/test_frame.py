"""What every picture of ours is framed by."""

from __future__ import annotations

from itertools import pairwise

import pytest

from teleglas.charts.canvas import Canvas
from teleglas.charts.frame import LABEL_X, times
from teleglas.charts.picture import Clock

NOON = 1_795_262_400_000


@pytest.mark.parametrize("span_s", [60, 65, 90, 300, 600])
def test_times_of_an_axis_never_run_into_one_another(span_s) -> None:
    """Wherever the round moments lie: the last one is moved to the left of the prices, or left out."""
    for offset_s in range(0, 60, 4):
        canvas, from_ms = Canvas(), NOON + offset_s * 1_000
        times(canvas, from_ms, from_ms + span_s * 1_000, 957, Clock())
        *told, _zone = canvas._figure.texts
        shown = [text.get_window_extent() for text in told if text.get_visible()]
        assert len(shown) >= 2
        assert all(left.x1 + 10 <= right.x0 for left, right in pairwise(shown)), offset_s
        assert all(box.x0 >= 9 and box.x1 <= LABEL_X for box in shown)
