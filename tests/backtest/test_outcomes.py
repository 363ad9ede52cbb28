"""What became of an alert: pessimistic, after costs, with honest intervals."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from rich.console import Console

from teleglas.charts.draw_rates import rates_png
from teleglas.charts.picture import RateRow, RatesPicture
from teleglas.market import Candle
from tests.made_candles import MINUTE, walk, write
from ws_alert.backtest import report
from ws_alert.backtest.outcomes import Costs, Trade, baseline, break_even, follow, rate_of
from ws_alert.backtest.scanner import backtest
from ws_alert.rules import Rules
from ws_alert.sources.candle_files import parse
from ws_alert.windows.indicators import readings

FREE = Costs(0, 0)
LONG, SHORT = Trade(1, 100.0, 98.5, 101.0), Trade(-1, 100.0, 101.5, 99.0)


def _candle(opened: float, high: float, low: float) -> Candle:
    return Candle(0, MINUTE, opened, high, low, opened, 1.0)


@pytest.mark.parametrize(
    ("trade", "candles", "won", "net"),
    [
        (LONG, [_candle(100, 101, 99)], True, 0.01),
        (LONG, [_candle(100, 100.9, 98.6), _candle(100, 100.5, 98.5)], False, -0.015),
        (LONG, [_candle(100, 102, 98)], False, -0.015),  # both in one candle: the stop
        (LONG, [_candle(97, 98, 96)], False, -0.03),  # opened beyond the stop: filled there
        (LONG, [_candle(103, 104, 102)], True, 0.01),  # a target is never filled better
        (SHORT, [_candle(100, 101.4, 99)], True, 0.01),
        (SHORT, [_candle(100, 101.5, 98)], False, -0.015),
        (SHORT, [_candle(102, 103, 101)], False, -0.02),
    ],
)
def test_which_level_comes_first(trade, candles, won, net):
    """Target or stop, the worse where a candle does not tell."""
    outcome = follow(trade, candles, FREE)
    assert outcome is not None
    assert outcome.won is won
    assert outcome.net == pytest.approx(net)
    assert outcome.candles == len(candles)


def test_an_end_before_either_level_is_no_outcome():
    """What is still open counts neither way."""
    assert follow(LONG, [_candle(100, 100.5, 99)], FREE) is None


def test_costs():
    """Fees on both sides; slippage at the entry and at the stop, not at the target."""
    costs = Costs(5, 2)
    assert follow(LONG, [_candle(100, 101, 99)], costs).net == pytest.approx(0.01 - 0.0012)
    assert follow(LONG, [_candle(100, 100, 98)], costs).net == pytest.approx(-0.015 - 0.0014)


def test_break_even_is_sixty_percent_before_costs():
    """By construction of the levels; costs raise it, above one when the target does not pay them."""
    assert break_even([LONG, SHORT], FREE) == pytest.approx(0.6)
    assert break_even([LONG], Costs(10, 0)) == pytest.approx(0.017 / (0.008 + 0.017))
    assert break_even([LONG], Costs(60, 0)) > 1


def test_rate_sums_up():
    """Wins, the share, and the mean return."""
    found = [
        (LONG, follow(LONG, [_candle(100, 101, 99)], FREE)),
        (LONG, follow(LONG, [_candle(100, 100, 98)], FREE)),
    ]
    rate = rate_of(found, FREE)
    assert (rate.n, rate.wins, rate.rate) == (2, 1, 0.5)
    assert rate.mean_net == pytest.approx(-0.0025)


def test_a_walk_without_drift_reaches_the_target_about_as_often_as_it_must():
    """The baseline of any candle lies near 60 %: the levels alone decide it, no signal does."""
    candles = walk(3_000, seed=7)
    found = baseline(candles, [reading.atr for reading in readings(candles)], FREE, (1.5, 1.0))
    assert 0.5 < rate_of(found, FREE).rate < 0.66


def test_the_report_is_of_the_alerts_that_live_would_send(tmp_path):
    """Every told alert is in the sum; types and confidences are its parts; table and picture are made."""
    file = parse(f"BTCUSDT:1m={write(tmp_path / 'c.csv', walk(2_000))}")
    found = backtest([file], Rules.model_validate({"scanner": {"mode": "scored"}}), Costs(2, 1))
    total = {
        (line.group, line.what): line.still_open + (line.rate.n if line.rate else 0) for line in found.lines
    }
    assert total["", "all"] > 20
    assert total["type", "bullish"] + total["type", "bearish"] == total["", "all"]
    assert sum(n for (group, _), n in total.items() if group == "confidence") == total["", "all"]
    console = Console(record=True, width=100, file=(tmp_path / "table.txt").open("w"))
    report.show(found, console)
    told = console.export_text()
    console.file.close()
    assert "target first" in told
    assert "break" in told
    drawn = report.picture(found)
    assert all(0 <= row.low <= row.rate <= row.high <= 1 for row in drawn.rows)
    with Image.open(io.BytesIO(rates_png(drawn))) as image:
        assert image.size == (1080, 1080)


def test_what_the_scanner_refuses_or_replaces_spoils_no_figure(tmp_path):
    """An impossible candle is left out, a repeated stretch counts once, and order makes no difference to the baseline."""
    candles = walk(600)
    broken = candles[:]
    broken[100] = Candle(candles[100].open_ms, MINUTE, *[float("nan")] * 5)
    line = {
        name: backtest([parse(f"BTCUSDT:1m={write(tmp_path / name, rows)}")], Rules(), FREE).lines[-1].rate
        for name, rows in (
            ("whole", candles),
            ("hole", [*candles[:100], *candles[101:]]),
            ("broken", broken),
            ("twice", [*candles[:300], *candles[250:]]),
            ("backwards", candles[::-1]),
        )
    }
    assert line["whole"].n > 1_000
    assert line["broken"] == line["hole"]
    assert line["twice"] == line["backwards"] == line["whole"]


@pytest.mark.parametrize("needed", [0.6, 0.99, 1.4])
def test_the_needed_share_is_seen_wherever_it_lies(needed):
    """A mark on the axis, or the word where no share would do; both in the one colour that nothing else on the axes has."""
    rows = (RateRow("BTCUSDT 1m", "n=9", 0.5, 0.3, 0.7, needed),)
    png = rates_png(RatesPicture("title", "subtitle", "sources", "footer", rows, par=0.6))
    with Image.open(io.BytesIO(png)) as image:
        colors = image.convert("RGB").crop((43, 185, 1080, 900)).getcolors(1_000_000)
    assert sum(n for n, (r, g, b) in colors if r > 200 and 140 < g < 200 and b < 60) > 100


def test_no_candles_are_said(tmp_path):
    """A file with nothing but its header gives no date of 1970."""
    console = Console(record=True, width=100, file=(tmp_path / "table.txt").open("w"))
    report.show(backtest([parse(f"BTCUSDT:1m={write(tmp_path / 'c.csv', [])}")], Rules(), FREE), console)
    console.file.close()
    assert "no candles" in console.export_text()


def test_no_alert_is_said(tmp_path):
    """A file too short for any signal gives a table that says so, and a picture."""
    file = parse(f"BTCUSDT:1m={write(tmp_path / 'c.csv', walk(10))}")
    found = backtest([file], Rules(), FREE)
    assert found.lines[0].rate is None
    console = Console(record=True, width=100, file=(tmp_path / "table.txt").open("w"))
    report.show(found, console)
    console.file.close()
    assert "no record" in console.export_text()
    assert rates_png(report.picture(found)).startswith(b"\x89PNG")
