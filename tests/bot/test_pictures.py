"""What a picture says agrees with the words beside it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bot.answers import COINGLASS, Block, Candle, LiquidationBar, Missing, Point, Price, Reason
from bot.replies import InterestReply, LiquidationReply
from bot.views import pictures
from bot.views.origin import Context
from teleglas.language import load_words

HOUR = 3_600_000
START = 1_795_262_400_000
NOW = START + 5 * HOUR + 600_000
UNKNOWN: Block = Block(missing=Missing(Reason.NO_ANSWER, "OKX"))
CANDLES = Block(tuple(Candle(START + i * HOUR, 100.0 + i, 102.0 + i, 99.0 + i, 101.0 + i) for i in range(6)))
CONTEXT = Context(load_words("bot")["en"], NOW)


def price(value: float, **more) -> Block[Price]:
    """Return a price that was told now."""
    return Block(Price(value, {}), source=COINGLASS, as_of_ms=NOW, **more)


@pytest.mark.parametrize("value", [97.5, 106.25, 130.0])
def test_a_line_ends_at_the_price_of_the_title(value):
    """The line leads to the price that the title tells, at its time; candles of hours end earlier."""
    points = Block(tuple(Point(START + i * HOUR, 1e9) for i in range(6)), source=COINGLASS, as_of_ms=NOW)
    drawn = pictures.open_interest(InterestReply("BTC", "24h", UNKNOWN, price(value), points, CANDLES), CONTEXT)
    assert drawn is not None
    assert drawn.price[-1] == (NOW, value)
    assert drawn.to_ms == NOW
    assert [at for at, _ in drawn.price] == sorted({at for at, _ in drawn.price})
    assert float(drawn.title.removeprefix("BTC $")) == value


def test_a_candle_closes_at_the_price_of_the_title():
    """The last candle closes at the title's price and reaches to it; an old price changes nothing."""
    bars = Block(tuple(LiquidationBar(START + i * HOUR, 5.0, 7.0) for i in range(6)), source=COINGLASS, as_of_ms=NOW)
    reply = LiquidationReply("BTC", "4h", UNKNOWN, price(120.0), UNKNOWN, bars, CANDLES)
    drawn = pictures.liquidations(reply, CONTEXT)
    assert drawn is not None
    assert drawn.price[-1] == (START + 5 * HOUR, 104.0, 120.0, 120.0)
    old = pictures.liquidations(LiquidationReply("BTC", "4h", UNKNOWN, price(120.0, stale=True), UNKNOWN, bars, CANDLES), CONTEXT)
    assert old is not None
    assert old.price[-1] == (START + 5 * HOUR, 104.0, 107.0, 106.0)


def test_the_picture_says_since_when_its_bars_count():
    """Whole bars seldom add up to the window of the words, so the picture names its own beginning."""
    bars = Block(tuple(LiquidationBar(START + i * HOUR, 5.0, 7.0) for i in range(6)), source=COINGLASS, as_of_ms=NOW)
    drawn = pictures.liquidations(LiquidationReply("BTC", "4h", UNKNOWN, price(1.0), UNKNOWN, bars, CANDLES), CONTEXT)
    assert drawn is not None
    assert drawn.subtitle == "liquidations since 11-21 12:00"


def test_times_in_a_picture_are_of_its_axis():
    """Axes are drawn in UTC: what is written beside them is not in the reader's zone, and says so."""
    context = Context(load_words("bot")["id"], NOW, ZoneInfo("Asia/Jakarta"))
    bars = Block(tuple(LiquidationBar(START + i * HOUR, 5.0, 7.0) for i in range(6)), source=COINGLASS, as_of_ms=NOW)
    drawn = pictures.liquidations(LiquidationReply("BTC", "4h", UNKNOWN, price(1.0), UNKNOWN, bars, CANDLES), context)
    assert drawn is not None
    assert (drawn.footer, drawn.callout) == ("17:10:00 UTC", "terbesar $12, 12:00")
