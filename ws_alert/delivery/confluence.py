"""What a candle confluence says and shows: evidence and reference levels, no advice (SPEC 5, 6).

Plain text, one fact a line, as in `wording` and `evidence`.
"""

from __future__ import annotations

from teleglas import numbers
from teleglas.charts.picture import CandlePicture, Curve, Level
from ws_alert.delivery.phrases import asset, name, venue
from ws_alert.messages import Alert, CandleChart, ConfluenceFacts

__all__ = ["details", "lines", "news", "picture"]

_CONDITIONS = {
    "volume": "volume above 1.5x its mean of 20",
    "rsi": "RSI between 30 and 70",
    "ema50": "close on the trend's side of EMA50",
    "vwap": "close on the trend's side of VWAP",
}


def news(alert: Alert, facts: ConfluenceFacts) -> str:
    """Return the first line, without the coin."""
    return (
        f"{name(alert.direction)} confluence on the {facts.timeframe} candle of {name(facts.symbol)}"
        f" at {numbers.price(facts.entry)}, confidence {facts.confidence} of 5"
    )


def lines(facts: ConfluenceFacts) -> list[str]:
    """Return the lines under it, four."""
    stop, reward = numbers.percent(facts.stop_percent), f"{facts.risk_reward:.3f}"
    return [
        f"Entry {numbers.price(facts.entry)} · stop {numbers.price(facts.stop)} ({stop} away) · target {numbers.price(facts.target)}",
        f"Risk-reward {reward}: break-even needs {_break_even(facts)} wins before fees",
        f"RSI(6) {_rsi(facts.rsi)} · volume {_ratio(facts)} its mean · ATR(14) {numbers.price(facts.atr)} · bias {facts.bias}",
        f"EMA 9/21/50 {_level(facts.ema9)} / {_level(facts.ema21)} / {_level(facts.ema50)} · VWAP {_level(facts.vwap)}",
    ]


def details(alert: Alert, facts: ConfluenceFacts) -> list[str]:
    """Return the evidence: the cross, the conditions, and where the levels come from."""
    above = "above" if alert.direction == "bullish" else "below"
    when = "on this candle" if not facts.crossed else "one candle earlier"
    held = [words for key, words in _CONDITIONS.items() if key not in facts.failed]
    failed = [words for key, words in _CONDITIONS.items() if key in facts.failed]
    opened = numbers.clock(alert.event_ms - alert.candles.timeframe_ms) if alert.candles else ""
    found = [
        f"Cross: EMA9 went {above} EMA21 {when} and is still there",
        f"Held: {'; '.join(held)}",
        f"Did not hold: {'; '.join(failed)}" if failed else f"Mode {facts.mode}: all five conditions held",
        "Levels are computed from the close: stop 1.5 ATR, target 1.0 ATR away",
    ]
    if opened:
        found.append(f"Closed candle {opened} to {numbers.clock(alert.event_ms)} UTC{_where(facts)}")
    return found


def picture(alert: Alert, facts: ConfluenceFacts, chart: CandleChart) -> CandlePicture:
    """Return the candles that fired, with the means and the levels."""
    span = numbers.span(len(chart.candles) * chart.timeframe_ms)
    return CandlePicture(
        title=f"{asset(alert)}  {name(alert.direction)} confluence",
        subtitle=f"{_series(facts)} · confidence {facts.confidence} of 5 · RSI {_rsi(facts.rsi)} · volume {_ratio(facts)}",
        sources=f"risk-reward {facts.risk_reward:.3f}: break-even needs {_break_even(facts)} wins before fees",
        footer=f"{facts.timeframe} candles · {span} · UTC · {numbers.utc(alert.event_ms)[:-4]}",
        bucket_ms=chart.timeframe_ms,
        candles=chart.candles,
        curves=(
            Curve("EMA9", chart.ema9),
            Curve("EMA21", chart.ema21),
            Curve("EMA50", chart.ema50),
            Curve("VWAP", chart.vwap),
        ),
        levels=(
            Level("target", facts.target, 1),
            Level("entry", facts.entry, 0),
            Level("stop", facts.stop, -1),
        ),
        simulated=alert.simulated,
    )


def _break_even(facts: ConfluenceFacts) -> str:
    return numbers.percent(100 / (1 + facts.risk_reward), 0)


def _rsi(value: float | None) -> str:
    return "not ready" if value is None else f"{value:.1f}"


def _ratio(facts: ConfluenceFacts) -> str:
    return "unknown" if facts.volume_ratio is None else f"{int(facts.volume_ratio * 10) / 10:.1f}x"


def _level(value: float | None) -> str:
    return "not ready" if value is None else numbers.price(value)


def _series(facts: ConfluenceFacts) -> str:
    return " ".join(
        filter(None, (venue(facts.venue, 12) if facts.venue else "", name(facts.symbol), facts.timeframe))
    )


def _where(facts: ConfluenceFacts) -> str:
    return f" on {venue(facts.venue)}" if facts.venue else ", from a file"
