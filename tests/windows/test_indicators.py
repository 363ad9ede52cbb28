"""Indicators: exact definitions, published examples, and what is not ready."""

from __future__ import annotations

import csv
import gzip
from itertools import pairwise
from math import isclose

import msgspec
import pytest

from teleglas.market import Candle
from tests.made_candles import DAY, MINUTE, walk
from tests.reference import candle_signals as slow
from ws_alert.windows.indicators import Atr, Ema, Indicators, Rsi, SessionVwap, VolumeMean, readings


def _rows(path):
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as text:
        return list(csv.DictReader(text))


def _candle(open_ms: int, high: float, low: float, close: float, volume: float = 1.0) -> Candle:
    return Candle(open_ms, MINUTE, close, high, low, close, volume)


def test_every_column_is_the_slow_definition():
    """Each value after each candle equals the one computed from whole columns."""
    candles = walk(700, start_ms=DAY - 200 * MINUTE)
    rows = [msgspec.structs.astuple(c)[:1] + msgspec.structs.astuple(c)[2:] for c in candles]
    closes = [c.close for c in candles]
    seen = readings(candles)
    columns = {
        "ema9": slow.ema(closes, 9, 62),
        "ema21": slow.ema(closes, 21, 145),
        "ema50": slow.ema(closes, 50, 346),
        "vwap": slow.vwap(rows),
        "atr": slow.atr(rows, 14),
        "rsi": slow.rsi(closes, 6),
    }
    for name, column in columns.items():
        for index, expected in enumerate(column):
            value = getattr(seen[index], name)
            if value is None:
                assert expected != expected, (name, index)  # noqa: PLR0124 - nan
            else:
                assert isclose(value, expected, rel_tol=1e-9), (name, index)


def test_ema_is_the_published_one(shared):
    """StockCharts' MACD sheet starts its means with the first close, as ours do."""
    fast, slow_mean = Ema(12, 1), Ema(26, 1)
    for row in _rows(shared / "data/indicators/stockcharts_cs-macd.csv"):
        fast.update(float(row["Close"]))
        slow_mean.update(float(row["Close"]))
        assert isclose(fast.last, float(row["short_ema"]), rel_tol=1e-8)
        assert isclose(slow_mean.last, float(row["long_ema"]), rel_tol=1e-8)


def test_vwap_is_the_published_one(shared):
    """StockCharts' VWAP sheet, read as one session."""
    vwap = SessionVwap()
    for number, row in enumerate(_rows(shared / "data/indicators/stockcharts_cs-vwap.csv")[:14]):
        volume = float(row["Volume"])
        vwap.update(_candle(DAY + number * MINUTE, float(row["High"]), float(row["Low"]), float(row["Close"]), volume))  # fmt: skip
        typical = (float(row["High"]) + float(row["Low"]) + float(row["Close"])) / 3
        assert isclose(typical, float(row["Typical Price"]), rel_tol=1e-5)
        if number == 0:
            assert isclose(vwap.value, float(row["vwap"]), rel_tol=1e-9)


def test_atr_converges_to_the_published_one(shared):
    """StockCharts counts the first candle's range too; the difference shrinks by 13/14 a candle."""
    atr = Atr.of(14)
    gaps = []
    for number, row in enumerate(_rows(shared / "data/indicators/stockcharts_cs-atr.csv")):
        atr.update(_candle(number * MINUTE, float(row["High"]), float(row["Low"]), float(row["Close"])))
        if atr.value is not None:
            gaps.append(atr.value - float(row["ATR"]))
    for before, after in pairwise(gaps):
        assert isclose(after, before * 13 / 14, abs_tol=1e-9)


def test_talib_agrees_after_the_warm_up(shared):
    """Means that are seeded otherwise agree once ours say that they are ready."""
    ema9, ema21, ema50 = Ema(9, 62), Ema(21, 145), Ema(50, 346)
    atr, rsi, vwap = Atr.of(14), Rsi.of(14), SessionVwap()
    for number, row in enumerate(_rows(shared / "data/indicators/talib_BTCUSDT_1m_first3000.csv.gz")):
        names = ("open", "high", "low", "close", "volume")
        candle = Candle(int(row["open_ts_ms"]), MINUTE, *(float(row[name]) for name in names))
        for mean in (ema9, ema21, ema50, rsi):
            mean.update(candle.close)
        atr.update(candle)
        vwap.update(candle)
        if number < 346:
            continue
        for mine, name in ((ema9, "ema9"), (ema21, "ema21"), (ema50, "ema50")):
            assert isclose(mine.value, float(row[name]), rel_tol=1e-6), (number, name)
        assert isclose(atr.value, float(row["atr14"]), rel_tol=1e-6)
        assert isclose(rsi.value, float(row["rsi14"]), rel_tol=1e-6)
        if vwap.value is not None:
            assert isclose(vwap.value, float(row["vwap_utcday"]), rel_tol=1e-9)


def test_ema_is_not_ready_before_its_candles():
    """One candle short there is no value, with it there is."""
    mean = Ema(9, 62)
    for _ in range(61):
        mean.update(5.0)
    assert mean.value is None
    mean.update(5.0)
    assert mean.value == 5.0


@pytest.mark.parametrize(("steps", "expected"), [((1,), 100.0), ((-1,), 0.0), ((0,), 50.0), ((3, -1), 75.0)])
def test_rsi_without_losses_gains_or_both(steps, expected):
    """100, 0 and 50 by definition; else the share of gains."""
    rsi, close = Rsi.of(6), 100.0
    rsi.update(close)
    for index in range(6):
        assert rsi.value is None
        close += steps[index % len(steps)]
        rsi.update(close)
    assert rsi.value == pytest.approx(expected)


def test_true_range_starts_at_the_second_candle():
    """The first candle has no close before it, so 14 ranges need 15 candles; gaps count."""
    atr = Atr.of(14)
    for number in range(14):
        atr.update(_candle(number * MINUTE, 12.0, 8.0, 10.0))
    assert atr.value is None
    atr.update(_candle(14 * MINUTE, 40.0, 38.0, 39.0))
    assert atr.value == pytest.approx((13 * 4 + 30) / 14)


def test_vwap_needs_a_day_from_its_beginning_and_volume():
    """A day that begins late has none until the next midnight; no volume, no price."""
    vwap = SessionVwap()
    vwap.update(_candle(DAY + MINUTE, 12, 8, 10))
    assert vwap.value is None
    vwap.update(_candle(DAY + 86_400_000, 12, 8, 10, 0.0))
    assert vwap.value is None
    vwap.update(_candle(DAY + 86_400_000 + MINUTE, 22, 18, 20, 3.0))
    vwap.update(_candle(DAY + 86_400_000 + 5 * MINUTE, 32, 28, 30, 1.0))
    assert vwap.value == pytest.approx(22.5)


def test_volume_mean_includes_the_current_candle():
    """The newest of twenty counts; a correction leaves nothing behind in the sum."""
    mean = VolumeMean(20, [])
    for _ in range(19):
        mean.update(1.0)
    assert mean.value is None
    mean.update(21.0)
    assert mean.value == 2.0


def test_what_is_missing_is_said():
    """How far the warm-up is, then why there is no VWAP, then nothing."""
    indicators = Indicators.fresh()
    candles = walk(500, start_ms=DAY + MINUTE)
    for candle in candles[:212]:
        indicators.update(candle)
    assert indicators.missing() == "warming up, 212 of 346"
    for candle in candles[212:]:
        indicators.update(candle)
    assert indicators.missing() == "no VWAP: the day's candles do not begin at 00:00 UTC"
    indicators.update(_candle(DAY + 86_400_000, 12, 8, 10, 0.0))
    assert indicators.missing() == "no VWAP: no volume yet"
    indicators.update(_candle(DAY + 86_400_000 + MINUTE, 12, 8, 10))
    assert not indicators.missing()
