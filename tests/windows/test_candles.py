"""A candle series: any order in, one series out; bounded, correctable, restorable."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.market import Candle
from tests.made_candles import DAY, MINUTE, walk
from ws_alert.windows.candles import (
    KEPT,
    CandleSeries,
    SeriesMemory,
    is_possible,
    timeframe_ms,
    timeframe_name,
)
from ws_alert.windows.indicators import readings

CANDLES = walk(600, start_ms=DAY - 400 * MINUTE)


def _series(candles) -> CandleSeries:
    series = CandleSeries()
    for candle in candles:
        series.add(candle)
    return series


def test_readings_are_those_of_the_whole_history():
    """What was trimmed is still remembered by the means."""
    series = _series(CANDLES)
    assert len(series.candles) == KEPT
    assert series.readings == readings(CANDLES)[-KEPT:]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_order_of_arrival_does_not_matter(data):
    """Late candles join their place: the series is that of the sorted candles, to the last bit."""
    candles = CANDLES[: data.draw(st.integers(2, KEPT))]
    shuffled = data.draw(st.permutations(candles))
    series = CandleSeries()
    cut = data.draw(st.integers(0, len(shuffled)))
    series.merge(shuffled[:cut])
    for candle in shuffled[cut:]:
        series.add(candle)
    assert series.candles == candles
    assert series.readings == readings(candles)


@settings(max_examples=40, deadline=None)
@given(index=st.integers(600 - KEPT, 599), close=st.floats(90_000, 99_000), memory=st.booleans())
def test_a_correction_is_as_if_it_had_been_right_at_once(index, close, memory):
    """Everything after it is computed again, also behind a restart."""
    right = msgspec.structs.replace(CANDLES[index], close=close)
    series = _series(CANDLES)
    if memory:
        stored = msgspec.json.decode(msgspec.json.encode(series.memory()), type=SeriesMemory)
        series = CandleSeries.restored(stored)
        assert series.readings == readings(CANDLES)[-KEPT:]
    series.add(right)
    expected = [*CANDLES[:index], right, *CANDLES[index + 1 :]]
    assert series.readings == readings(expected)[-KEPT:]


def test_what_is_older_than_anything_kept_changes_nothing():
    """It cannot be joined to means that have gone on; it is counted."""
    series = _series(CANDLES)
    before = list(series.readings)
    series.add(msgspec.structs.replace(CANDLES[10], close=1.0))
    assert (series.readings, series.late) == (before, 1)


def test_history_may_come_after_the_first_streamed_candle():
    """At the start the stream is first: older candles go before it."""
    series = CandleSeries()
    series.add(CANDLES[-1])
    series.merge(CANDLES[:300])
    series.merge(CANDLES[300:-1])
    assert series.readings == readings(CANDLES)[-KEPT:]


def test_holes_are_known():
    """How many candles never came before one that did."""
    series = _series([CANDLES[0], CANDLES[1], CANDLES[4]])
    assert [series.missing_before(index) for index in range(3)] == [0, 0, 2]


def test_a_chart_ends_with_the_candle_that_fired():
    """Later candles are not drawn; one that is not kept draws nothing."""
    series = _series(CANDLES)
    chart = series.chart(CANDLES[-3].open_ms)
    assert chart is not None
    assert chart.candles[-1][0] == CANDLES[-3].open_ms
    assert len(chart.candles) == len(chart.ema50) == len(chart.vwap)
    assert series.chart(CANDLES[0].open_ms) is None


def test_timeframes():
    """Names are lengths that divide a day."""
    for name in ("1m", "3m", "5m", "15m", "1h", "4h", "1d"):
        assert timeframe_name(timeframe_ms(name)) == name
    assert timeframe_name(timeframe_ms("60m")) == "1h"
    for wrong in ("", "m", "0m", "7m", "5h", "1w", "-1m", "1.5m", "²m"):
        with pytest.raises(ValueError, match=r"divide|timeframe"):
            timeframe_ms(wrong)


@pytest.mark.parametrize(
    "fields",
    [{"close": math.nan}, {"high": math.inf}, {"open": 0.0}, {"low": -1.0}, {"volume": -1.0}, {"volume": math.nan},
     {"high": 1.0}, {"open_ms": DAY + 1}],
)  # fmt: skip
def test_impossible_candles(fields):
    """NaN, infinity, zero prices, a high below the low, and a time off the grid."""
    plain = Candle(DAY, MINUTE, 10.0, 12.0, 8.0, 11.0, 0.0)
    assert is_possible(plain)
    assert not is_possible(msgspec.structs.replace(plain, **fields))
