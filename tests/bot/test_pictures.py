"""What a picture says agrees with the words beside it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bot.answers import (
    COINGLASS,
    EXCHANGES,
    TAPE,
    Block,
    Candle,
    Funding,
    FundingPoint,
    LiquidationBar,
    Missing,
    OpenInterest,
    Point,
    Price,
    Reason,
)
from bot.replies import FundingReply, InterestReply, LiquidationReply
from bot.views import pictures
from bot.views.origin import Context
from teleglas.charts.picture import Clock
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
    """The axis is in the reader's zone, and so is what is written beside it."""
    context = Context(load_words("bot")["id"], NOW, ZoneInfo("Asia/Jakarta"))
    bars = Block(tuple(LiquidationBar(START + i * HOUR, 5.0, 7.0) for i in range(6)), source=COINGLASS, as_of_ms=NOW)
    drawn = pictures.liquidations(LiquidationReply("BTC", "4h", UNKNOWN, price(1.0), UNKNOWN, bars, CANDLES), context)
    assert drawn is not None
    assert (drawn.footer, drawn.callout) == ("00:10:00 WIB", "terbesar $12, 19:00")
    assert drawn.clock == Clock(7 * HOUR, "WIB")


def test_a_young_record_is_not_dated_back_to_its_first_bar():
    """The first bar begins at the full hour; the record began later, and the picture says so."""
    bars = Block(tuple(LiquidationBar(START + i * HOUR, 5.0, 7.0) for i in range(2)), source=TAPE, as_of_ms=NOW,
                 since_ms=START + HOUR // 4, coverage=1.0)  # fmt: skip
    drawn = pictures.liquidations(LiquidationReply("BTC", "4h", UNKNOWN, price(1.0), UNKNOWN, bars, CANDLES), CONTEXT)
    assert drawn is not None
    assert drawn.subtitle == "liquidations since 11-21 12:15"


@pytest.mark.parametrize(
    ("source", "venues", "stale", "last"),
    [
        (EXCHANGES, ("OKX", "Bybit"), False, (NOW, 2e9)),
        (EXCHANGES, ("OKX",), False, (START + 5 * HOUR, 1e9)),
        (COINGLASS, ("OKX", "Bybit"), False, (START + 5 * HOUR, 1e9)),
        (EXCHANGES, ("OKX", "Bybit"), True, (START + 5 * HOUR, 1e9)),
    ],
)
def test_open_interest_ends_at_the_amount_of_the_words(source, venues, stale, last):
    """The line leads to the amount that the headline tells, if that is of the same markets and of now."""
    points = Block(tuple(Point(START + i * HOUR, 1e9) for i in range(6)), source=EXCHANGES, venues=("Bybit", "OKX"), as_of_ms=NOW)
    total = Block(OpenInterest(2e9), source=source, venues=venues, as_of_ms=NOW, stale=stale)
    drawn = pictures.open_interest(InterestReply("BTC", "24h", total, price(1.0), points, CANDLES), CONTEXT)
    assert drawn is not None
    assert (drawn.figure[-1], drawn.latest) == (last, "$2.00B" if last[1] == 2e9 else "$1.00B")


def test_funding_drawn_is_told_apart_from_funding_now():
    """The bars are settled rates of one source; the mean of now, which the words tell, is named so."""
    history = Block(tuple(FundingPoint(START + i * HOUR, 0.01) for i in range(6)), source=EXCHANGES, venues=("OKX",), as_of_ms=NOW)
    rates = Block(Funding((), 0.0023), source=EXCHANGES, as_of_ms=NOW)
    drawn = pictures.funding(FundingReply("BTC", rates, history, CANDLES), CONTEXT)
    assert drawn is not None
    assert (drawn.subtitle, drawn.latest) == ("funding, 7d; now +0.0023% per 8 h", "+0.0100%")
