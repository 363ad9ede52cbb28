"""A confluence's message: every field of SPEC 6, no advice, and the candles that fired."""

from __future__ import annotations

import re

import msgspec
import pytest

from teleglas.charts.picture import CandlePicture
from tests.made_candles import walk
from ws_alert.alert_engine import AlertEngine
from ws_alert.delivery.render import render, render_digest
from ws_alert.messages import Alert, Digest, DigestLine, Kind
from ws_alert.rules import Rules
from ws_alert.sources.candle_files import parse
from ws_alert.sources.decoders import decoders


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    """Return alerts of both directions and several confidences, as the engine released them."""
    engine = AlertEngine(Rules.model_validate({"scanner": {"mode": "scored"}}), decoders({}), ["chat"])
    instrument = parse("BTCUSDT:1m=x").instrument
    found = []
    for candle in walk(2_500, seed=3):
        engine.file_candle(instrument, candle)
        found += [verdict.alert for verdict in engine.drain() if verdict.alert]
    assert {alert.direction for alert in found} == {"bullish", "bearish"}
    assert {alert.facts.confidence for alert in found} == {3, 4, 5}
    return found


def test_every_field_is_shown(alerts):
    """Type, levels, ATR, RSI, VWAP, EMAs, volume ratio, risk-reward with its meaning, stop distance, bias, confidence."""
    for alert in alerts:
        html, facts = render(alert).html, alert.facts
        first = html.splitlines()[0]
        assert alert.direction in first
        assert f"confidence {facts.confidence} of 5" in first
        assert "1m candle of BTCUSDT" in first
        for part in (
            "Entry",
            "stop",
            "target",
            "ATR(14)",
            "RSI(6)",
            "VWAP",
            "EMA 9/21/50",
            "volume",
            f"bias {facts.bias}",
        ):
            assert part in html, part
        assert "Risk-reward 0.667: break-even needs 60 % wins before fees" in html
        assert re.search(r"stop [\d,.]+ \(\d+\.\d\d % away\)", html)
        assert "#BTC #candle_confluence" in html
        assert len(html) <= 3_800
        assert len(render(alert).caption) <= 1_000


def test_what_did_not_hold_is_said(alerts):
    """A scored alert names the conditions that failed; nothing sounds like advice."""
    for alert in alerts:
        html = render(alert).html
        assert ("Did not hold: " in html) == bool(alert.facts.failed)
        assert not re.search(r"(?i)\b(buy now|sell now|guarantee|safe|should|profit)\b", html)


def test_the_picture_is_of_the_candles_that_fired(alerts):
    """From WATCH up: the last candle drawn is the one that closed at the event; levels in their colours."""
    for alert in alerts:
        picture = render(alert).picture
        assert (picture is not None) == (alert.facts.confidence == 5)
        if picture is not None:
            assert isinstance(picture, CandlePicture)
            assert picture.candles[-1][0] + picture.bucket_ms == alert.event_ms
            assert picture.candles[-1][4] == alert.facts.entry
            assert {level.name: level.price for level in picture.levels} == {
                "entry": alert.facts.entry, "stop": alert.facts.stop, "target": alert.facts.target,
            }  # fmt: skip


def test_what_is_not_ready_is_said(alerts):
    """No VWAP and no EMA50 read `not ready`, never 0."""
    facts = msgspec.structs.replace(alerts[0].facts, vwap=None, ema50=None, rsi=None, volume_ratio=None)
    html = render(msgspec.structs.replace(alerts[0], facts=facts, candles=None)).html
    assert html.count("not ready") == 3
    assert "volume unknown" in html
    assert render(msgspec.structs.replace(alerts[0], facts=facts, candles=None)).picture is None


def test_it_survives_the_outbox(alerts):
    """The alert is stored as JSON and comes back whole."""
    stored = msgspec.json.encode(alerts[0])
    assert msgspec.json.decode(stored, type=Alert) == alerts[0]


def test_a_digest_line_has_no_amount(alerts):
    """A confluence has no USD: none is shown, not $0."""
    line = DigestLine(Kind.CANDLE_CONFLUENCE, "BTC", "bullish", alerts[0].event_ms, 0)
    html = render_digest(Digest("d", "chat", "budget", line.event_ms, line.event_ms, (line,))).html
    assert "candle confluence (bullish)" in html
    assert "$" not in html
