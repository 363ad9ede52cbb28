"""The market's picture: bars on both sides, what was not recorded, and the assets with the most."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from teleglas.charts import canvas
from teleglas.charts.draw_market import market_png
from teleglas.charts.picture import MarketPicture, MarketRow
from teleglas.charts.pool import ChartPool

HOUR = 3_600_000
START = 1_795_219_200_000
FLOW, ASSETS, CALLOUT = (43, 198, 882, 544), (233, 712, 852, 972), (480, 152, 882, 196)
PICTURE = MarketPicture(
    title="$412M liquidated", subtitle="24 h", sources="our own tape", footer="1 h bars", from_ms=START,
    to_ms=START + 24 * HOUR, bucket_ms=HOUR,
    bars=tuple((START + i * HOUR, (i % 7 + 1) * 10**8, (i % 5 + 1) * 2 * 10**8) for i in range(24)),
    up="shorts $120M", down="longs $292M", gaps=(), gap="not recorded",
    ticks=tuple((START + i * HOUR, f"{i:02}:00") for i in (0, 6, 12, 18, 24)), shade_ms=START + 20 * HOUR,
    callout="busiest 20:00 $38.1M", heading="Most liquidated",
    rows=(MarketRow("BTC", "$182M", 40 * 10**8, 142 * 10**8), MarketRow("ETH", "$9M", 9 * 10**8, 0)),
)  # fmt: skip


def look(**changes: object) -> Image.Image:
    """Draw and decode the picture with these changes."""
    image = Image.open(io.BytesIO(market_png(msgspec.structs.replace(PICTURE, **changes))))
    image.load()
    return image.convert("RGB")


def pixels(image: Image.Image, color: str, box: tuple[int, int, int, int]) -> int:
    """Count the pixels of exactly one colour in a part of the picture."""
    wanted = tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))
    return sum(number for number, found in image.crop(box).getcolors(1080 * 1080) or [] if found == wanted)


def hour(at: int) -> tuple[int, int, int, int]:
    """Return where an hour of the day is drawn."""
    width = (882 - 43) / 24
    return (round(43 + at * width) + 1, 198, round(43 + (at + 1) * width) - 1, 544)


def test_a_square_with_both_sides_and_the_assets():
    """A reader sees shorts above, longs below, the busiest hour marked, and a bar for each asset."""
    image = look()
    assert image.size == (1080, 1080)
    for color in (canvas.UP, canvas.DOWN):
        assert pixels(image, color, FLOW) > 5_000
        assert pixels(image, color, ASSETS) > 1_000
    assert pixels(image, canvas.MARK, CALLOUT) > 500
    assert pixels(image, canvas.MARK, (820, 78, 1080, 126)) == 0
    assert pixels(look(simulated=True), canvas.MARK, (820, 78, 1080, 126)) > 4_000


def test_bars_are_where_their_hours_are():
    """An hour without liquidations is empty, its neighbours are not."""
    image = look(
        bars=tuple((at, 0, 0) if i == 9 else (at, up, down) for i, (at, up, down) in enumerate(PICTURE.bars))
    )
    assert pixels(image, canvas.UP, hour(9)) == 0
    assert pixels(image, canvas.UP, hour(8)) > 100
    assert pixels(image, canvas.DOWN, hour(10)) > 100


def test_what_was_not_recorded_is_not_left_blank():
    """Hours without a record are hatched and named, so that nobody takes them for quiet ones."""
    bars = tuple(
        (at, 0, 0) if 6 <= i < 12 else (at, up, down) for i, (at, up, down) in enumerate(PICTURE.bars)
    )
    image = look(bars=bars, gaps=((START + 6 * HOUR, START + 12 * HOUR),))
    for at in range(6, 12):
        assert pixels(image, canvas.FAINT, hour(at)) > 5_000
    assert pixels(image, canvas.FAINT, hour(13)) < 500
    whole = look(bars=(), rows=(), gaps=((START, START + 24 * HOUR),), shade_ms=None, callout="")
    assert pixels(whole, canvas.WHITE, FLOW) > 300
    assert pixels(whole, canvas.UP, FLOW) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"bars": ((START, 0, 1),)},
        {"bars": ((START, 10**16, 1), (START + HOUR, 1, 10**16))},
        {"to_ms": START},
        {"rows": (MarketRow("X", "$0", 0, 0),)},
        {"gaps": tuple((START + i * HOUR, START + i * HOUR + 60_000) for i in range(24))},
    ],
)
def test_thin_and_extreme_data_are_drawn(changes):
    """One cent, a huge range, no span, an empty row, many short gaps: each is a whole picture."""
    assert look(**changes).size == (1080, 1080)


@settings(max_examples=5, deadline=None)
@given(words=st.text(max_size=200))
def test_no_text_breaks_or_leaves_its_place(words):
    """Any name, in any script, of any length, keeps clear of our mark and of the amounts."""
    row = MarketRow(words, "", 10**8, 10**8)
    image = look(
        title=words, subtitle=words, sources=words, footer=words, callout=words, heading=words, rows=(row,)
    )
    assert pixels(image, canvas.WHITE, (860, 0, 1080, 80)) == 0
    assert pixels(image, canvas.WHITE, (233, 712, 1080, 972)) == 0


async def test_the_drawing_process_draws_it():
    """The worker tells the pictures apart."""
    pool = ChartPool(timeout_s=60)
    try:
        drawn = await pool.draw(PICTURE)
    finally:
        await pool.close()
    assert drawn is not None
    assert drawn.startswith(b"\x89PNG")
