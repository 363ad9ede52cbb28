"""The candle picture: candles, means and levels are really there, also where values are missing."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from teleglas.charts.canvas import DOWN, UP
from teleglas.charts.draw_candles import candles_png
from teleglas.charts.picture import CandlePicture, Curve, Level
from teleglas.charts.pool import ChartPool
from tests.made_candles import MINUTE, walk
from ws_alert.windows.candles import CandleSeries


def picture(count: int = 500, **fields) -> CandlePicture:
    """Return a picture of a walk's last candles."""
    series = CandleSeries()
    for candle in walk(count):
        series.add(candle)
    chart = series.chart(series.candles[-1].open_ms)
    assert chart is not None
    close = chart.candles[-1][4]
    curves = (Curve("EMA9", chart.ema9), Curve("EMA21", chart.ema21), Curve("EMA50", chart.ema50), Curve("VWAP", chart.vwap))  # fmt: skip
    levels = (Level("target", close + 60, 1), Level("entry", close, 0), Level("stop", close - 90, -1))
    plain = {"title": "BTC", "subtitle": "1m", "sources": "s", "footer": "f", "bucket_ms": MINUTE,
             "candles": chart.candles, "curves": curves, "levels": levels}  # fmt: skip
    return CandlePicture(**(plain | fields))


def colors(drawn: bytes) -> dict[tuple[int, int, int], int]:
    """Count the pixels of each colour."""
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size == (1080, 1080)
        found = image.convert("RGB").getcolors(1 << 21)
    return {color: count for count, color in found}


def rgb(code: str) -> tuple[int, int, int]:
    """Return a colour's parts."""
    return tuple(int(code[place : place + 2], 16) for place in (1, 3, 5))


def test_candles_means_and_levels_are_drawn():
    """Both directions, three means, and the level's tags leave pixels of their colour."""
    seen = colors(candles_png(picture()))
    for code in (UP, DOWN, "#4fc3f7", "#ba68c8", "#ff9f43"):
        assert seen.get(rgb(code), 0) > 300, code


def test_a_mean_that_is_not_ready_is_not_drawn():
    """With thirty candles no mean is ready: their colours appear in the legend only."""
    young, old = colors(candles_png(picture(30))), colors(candles_png(picture()))
    for code in ("#4fc3f7", "#ba68c8", "#ff9f43"):
        assert young.get(rgb(code), 0) < old[rgb(code)]


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_candle_can_be_drawn(count):
    """Also without volume, and with all levels at one price."""
    one = picture(count)
    flat = tuple((row[0], 5.0, 5.0, 5.0, 5.0, 0.0) for row in one.candles)
    levels = tuple(Level(name, 5.0, tone) for name, tone in (("target", 1), ("entry", 0), ("stop", -1)))
    assert colors(candles_png(picture(count, candles=flat, levels=levels, simulated=True)))


async def test_the_drawing_process_draws_it():
    """The worker tells the pictures apart."""
    pool = ChartPool(timeout_s=60)
    try:
        drawn = await pool.draw(picture())
    finally:
        await pool.close()
    assert drawn is not None
    assert drawn.startswith(b"\x89PNG")
