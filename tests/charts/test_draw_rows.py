"""Horizontal bars, and the zone and levels of a picture of bars over time: looked at by their pixels."""

from __future__ import annotations

import io

import msgspec
import pytest
from PIL import Image

from teleglas.charts import canvas
from teleglas.charts.draw import png
from teleglas.charts.draw_rows import ROWS, rows_png
from teleglas.charts.picture import BarRow, Level, RowsPicture
from teleglas.charts.pool import ChartPool

PANEL, BELOW, PILL = (43, 196, 1042, 924), (43, 930, 1042, 980), (820, 78, 1080, 126)
PRICES, TAGS = (43, 152, 882, 628), (890, 152, 1080, 628)


@pytest.fixture(scope="module")
def rates() -> RowsPicture:
    """Return funding of five venues, one of which pays the other way."""
    rows = tuple(
        BarRow(f"Venue {value}", f"{value} %", value, -1 if value > 0 else 1)
        for value in (0.15, 0.1, 0.04, 0.01, -0.05)
    )
    return RowsPicture(
        title="BTC  funding per 8 h", subtitle="longs pay shorts", sources="5 venues", footer="2026-11-21", rows=rows,
        legend=(("longs pay", -1), ("shorts pay", 1)), marks=((0.1, "threshold 0.1 %"),),
    )  # fmt: skip


def seen(drawn: bytes) -> Image.Image:
    """Decode."""
    image = Image.open(io.BytesIO(drawn))
    image.load()
    return image.convert("RGB")


def pixels(image: Image.Image, color: str, box: tuple[int, int, int, int]) -> int:
    """Count the pixels of exactly one colour in a part of the picture."""
    wanted = tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))
    counted = image.crop(box).getcolors(1080 * 1080) or []
    return sum(number for number, found in counted if found == wanted)


def test_bars_have_their_side_and_length(rates):
    """Both colours, more of the larger side, and the threshold's line with its name below."""
    image = seen(rows_png(rates))
    assert image.size == (1080, 1080)
    down, up = pixels(image, canvas.DOWN, PANEL), pixels(image, canvas.UP, PANEL)
    assert down > 5 * up > 5_000
    assert pixels(image, canvas.MARK, PANEL) > 500
    assert pixels(image, canvas.MARK, BELOW) > 300
    bare = seen(rows_png(msgspec.structs.replace(rates, marks=())))
    assert pixels(bare, canvas.MARK, PANEL) == 0


async def test_the_drawing_process_knows_rows_zones_and_levels(rates, picture):
    """What the alert process sends arrives whole: drawn there as here."""
    levels = (Level("zone low", 97_380.0, 0), Level("invalidation", 97_233.9, -1))
    zoned = msgspec.structs.replace(picture, zone=(97_380.0, 97_400.0), levels=levels)
    pool = ChartPool(timeout_s=40)
    try:
        drawn = await pool.draw(rates), await pool.draw(zoned)
    finally:
        await pool.close()
    assert [seen(each).tobytes() for each in drawn] == [
        seen(rows_png(rates)).tobytes(),
        seen(png(zoned)).tobytes(),
    ]


def test_only_a_simulated_picture_says_so(rates):
    """The mark is there and nowhere else."""
    assert pixels(seen(rows_png(msgspec.structs.replace(rates, simulated=True))), canvas.MARK, PILL) > 4_000
    assert pixels(seen(rows_png(rates)), canvas.MARK, PILL) == 0


def test_what_has_no_room_is_counted(rates):
    """Eight rows are drawn; that there are more is said, and they change nothing else."""
    many = tuple(BarRow(f"Coin {index}", "$1M", 20.0 - index, -1) for index in range(ROWS + 5))
    more = seen(rows_png(msgspec.structs.replace(rates, rows=many, marks=())))
    eight = seen(rows_png(msgspec.structs.replace(rates, rows=many[:ROWS], marks=())))
    told = (700, 136, 1060, 176)
    assert pixels(more, canvas.GREY, told) > pixels(eight, canvas.GREY, told) == 0
    assert more.crop(PANEL).tobytes() == eight.crop(PANEL).tobytes()


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (BarRow("nothing", "0 %", 0.0),),
        (BarRow("one", "1", 1e-12), BarRow("huge", "1", 1e15)),
        (BarRow("down", "-1", -1e9, -1),),
        (BarRow("<b>$x$ " * 40, "note " * 30, 1.0, 1), BarRow("\n\u202e币", "", -1.0, -1)),
    ],
)
def test_thin_and_extreme_rows_are_drawn(rates, rows):
    """No row, zero, a huge range, one side only, any words: each is a whole picture."""
    for marks in ((), rates.marks):
        assert seen(rows_png(msgspec.structs.replace(rates, rows=rows, marks=marks))).size == (1080, 1080)


def test_zone_and_levels_are_marked_with_their_prices(picture):
    """The zone is shaded over the whole width, and each level has a tag in its colour beside the axis."""
    plain = seen(png(picture))
    levels = (
        Level("zone low", 97_380.0, 0),
        Level("zone high", 97_400.0, 0),
        Level("invalidation", 97_233.9, -1),
    )
    marked = seen(png(msgspec.structs.replace(picture, zone=(97_380.0, 97_400.0), levels=levels)))
    assert pixels(marked, canvas.WHITE, TAGS) - pixels(plain, canvas.WHITE, TAGS) > 6_000  # two tags' ground
    assert pixels(marked, canvas.WHITE, PRICES) > 1_000  # their lines and names
    shaded = seen(png(msgspec.structs.replace(picture, zone=(97_380.0, 97_400.0))))
    background = tuple(int(canvas.BACKGROUND[i : i + 2], 16) for i in (1, 3, 5))
    rows = [
        y
        for y in range(160, 620)
        if sum(shaded.getpixel((x, y)) != background for x in range(50, 880, 10)) > 70
    ]
    assert len(rows) > 20


@pytest.mark.parametrize(
    ("zone", "prices"),
    [
        ((97_400.0, 97_400.0), (97_400.0, 97_253.9)),
        ((1e-12, 1e9), (1e-12, 1e9)),
        ((97_000.0, 97_001.0), (97_000.0,) * 8),
    ],
)
def test_thin_and_extreme_zones_are_drawn(picture, zone, prices):
    """A zone of one price, a huge one, and many levels on one price are whole pictures."""
    levels = tuple(Level(f"level {index}", price, 0) for index, price in enumerate(prices))
    drawn = seen(png(msgspec.structs.replace(picture, zone=zone, levels=levels)))
    assert drawn.size == (1080, 1080)
    flat = msgspec.structs.replace(picture, price=(), zone=zone, levels=levels)
    assert seen(png(flat)).size == (1080, 1080)
