"""The drawing itself: looked at by its pixels, in the colours that must be there."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from teleglas.charts import canvas
from teleglas.charts.draw import png
from teleglas.charts.picture import Picture


def look(picture: Picture) -> Image.Image:
    """Draw and decode."""
    image = Image.open(io.BytesIO(png(picture)))
    image.load()
    return image.convert("RGB")


def pixels(image: Image.Image, color: str, box: tuple[int, int, int, int]) -> int:
    """Count the pixels of exactly one colour in a part of the picture."""
    wanted = tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))
    counted = image.crop(box).getcolors(1080 * 1080) or []
    return sum(number for number, found in counted if found == wanted)


HEADER, PILL = (700, 20, 1080, 70), (820, 78, 1080, 126)
CHART, STRIPS = (43, 150, 882, 628), (43, 662, 882, 920)


def test_a_picture_is_a_square_with_mark_candles_and_bars(picture):
    """A reader sees 1080 x 1080 pixels: our mark, candles of both colours, bars on both sides, the call-out."""
    image = look(picture)
    assert image.size == (1080, 1080)
    assert pixels(image, canvas.MARK, HEADER) > 500
    assert pixels(image, canvas.UP, CHART) > 500
    assert pixels(image, canvas.DOWN, CHART) > 500
    assert pixels(image, canvas.UP, STRIPS) > 2_000
    assert pixels(image, canvas.DOWN, STRIPS) > 2_000
    assert pixels(image, canvas.MARK, STRIPS) > 500


def test_only_a_simulated_picture_says_so(picture):
    """What is simulated can never be taken for the market, nor the market for a simulation."""
    assert pixels(look(msgspec.structs.replace(picture, simulated=True)), canvas.MARK, PILL) > 4_000
    assert pixels(look(picture), canvas.MARK, PILL) == 0


def test_nothing_known_is_said_not_left_blank(picture):
    """Without any price the panel says that the price is unknown; without bars the sides read `none`."""
    image = look(msgspec.structs.replace(picture, price=(), bars=()))
    assert pixels(image, canvas.GREY, CHART) > 500
    assert pixels(image, canvas.UP, CHART) == 0
    assert pixels(image, canvas.DOWN, STRIPS) > 200


def test_the_callout_stands_on_the_side_that_fired(picture):
    """Shorts and buys are told above zero, longs and sells below."""
    above, below = (500, 662, 882, 706), (500, 876, 882, 920)
    assert pixels(look(picture), canvas.MARK, above) == 0
    raised = look(msgspec.structs.replace(picture, callout_up=True))
    assert pixels(raised, canvas.MARK, above) > 500
    assert pixels(raised, canvas.MARK, below) == 0


def test_a_side_is_cut_only_where_its_bars_are_lower_bounds(picture):
    """$14.753M is $14.8M, as in the words beside it; of a sampled feed it is $14.7M at least."""

    def told(cents: int, *, sampled: bool) -> bytes:
        shown = msgspec.structs.replace(picture, bars=((picture.bars[0][0], 0, cents),), sampled=sampled)
        return look(shown).crop((20, 876, 440, 920)).tobytes()

    assert told(1_475_337_344, sampled=True) == told(1_470_000_000, sampled=False)
    assert told(1_475_337_344, sampled=False) == told(1_480_000_000, sampled=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"price": ((1_795_262_400_000, 1.0, 1.0, 1.0),)},
        {"bars": ((1_795_262_400_000, 0, 1),)},
        {"price": ((1_795_262_400_000, 1e-12, 1e-12, 1e-12), (1_795_262_405_000, 1e9, 1e9, 1e9))},
        {"price": tuple((1_795_262_400_000 + i * 1_000, 9.0, 11.0, 10.0) for i in range(600)), "bucket_ms": 1_000},
        {"to_ms": 1_795_262_400_000},
        {"bars": ((1_795_262_400_000, 10**15, 1), (1_795_262_405_000, 1, 10**15))},
    ],
)  # fmt: skip
def test_thin_and_extreme_data_are_drawn(picture, changes):
    """One row, one cent, a huge range, many points, no time span: each is a whole picture."""
    assert look(msgspec.structs.replace(picture, **changes)).size == (1080, 1080)


def test_many_points_become_a_line(picture):
    """Candles narrower than four pixels would blur, so a line is drawn."""
    rows = tuple((picture.from_ms + i * 1_000, 9.0, 11.0, 10.0 + i % 2) for i in range(600))
    image = look(msgspec.structs.replace(picture, price=rows, bucket_ms=1_000))
    assert pixels(image, canvas.WHITE, CHART) > 500
    assert pixels(image, canvas.UP, (43, 150, 880, 628)) == 0


@settings(max_examples=5, deadline=None)
@given(words=st.text(max_size=300))
def test_no_text_breaks_or_leaves_its_place(picture, words):
    """Any name, in any script, of any length, with `$` or marks of direction, keeps clear of our mark."""
    image = look(
        msgspec.structs.replace(
            picture, title=words, subtitle=words, sources=words, footer=words, callout=words
        )
    )
    assert image.size == (1080, 1080)
    assert pixels(image, canvas.WHITE, (860, 0, 1080, 80)) == 0


def test_dollars_are_not_mathematics(picture):
    """Two `$` in one line are amounts: no letter between them is set in italics or lost."""
    plain = look(msgspec.structs.replace(picture, subtitle="longs $134.9M · shorts $96.3M"))
    bare = look(msgspec.structs.replace(picture, subtitle="longs S134.9M · shorts S96.3M"))
    box = (43, 80, 900, 125)
    widths = [
        image.crop(box).convert("L").point(lambda v: 255 if v > 90 else 0).getbbox()[2]
        for image in (plain, bare)
    ]
    assert abs(widths[0] - widths[1]) < 6
