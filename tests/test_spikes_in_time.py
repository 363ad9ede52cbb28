"""Volume spikes made of ordinary orders only, which silence follows: found without any further event of the coin."""

from __future__ import annotations

import pytest

from teleglas.market import Instrument, TakerSide
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import Kind
from ws_alert.rules import Rules

START_MS = 1_700_000_040_000  # a full minute
BTC = Instrument("a", "BTCUSDT", "BTC")


def usual() -> AlertEngine:
    """Return an engine that knows seven hours of BTC, of $200,000 a minute: a spike is $1.6M."""
    made = AlertEngine(Rules(), {}, ["chat"])
    first = START_MS // 60_000 - 422
    for minute in range(first, first + 420):
        made.baselines.close(minute, [("BTC", 200_000_00)], looked=True, interest=None)
    made.advance(START_MS)
    return made


def trade(engine: AlertEngine, at_ms: int, usd: str) -> None:
    """Feed one taker buy."""
    engine.file_trade(BTC, START_MS + at_ms, TakerSide.BUY, 100.0, usd)


def found(engine: AlertEngine, until_ms: int) -> list[tuple[int, int, int]]:
    """Let the silence last so long; return (engine's time, event time, cents) of each beginning, times since the start."""
    began = []
    while (due := engine.next_deadline()) is not None and due <= START_MS + until_ms:
        engine.phases.clear()
        engine.advance(due)
        began += [
            (due - START_MS, phase.event_ms - START_MS, phase.usd)
            for phase in engine.phases
            if phase.kind is Kind.VOLUME_SPIKE and phase.phase == "start"
        ]
    return began


@pytest.mark.parametrize(("last", "spikes"), [("79999.99", False), ("80000", True)])
def test_a_spike_is_found_when_its_last_second_is_over(last: str, spikes: bool) -> None:
    """To the cent, at the end of the second in which it was reached: no order of it was large."""
    engine = usual()
    for second in range(19):
        trade(engine, second * 1000 + 300, "80000")
    trade(engine, 19_999, last)
    assert not engine.phases
    assert found(engine, 59_999) == ([(20_000, 20_000, 1_600_000_00)] if spikes else [])


def test_a_burst_within_one_second_is_found_at_the_full_minute() -> None:
    """No deadline is spent on ordinary seconds, so what nothing announced is looked for once a minute."""
    engine = usual()
    for _ in range(20):
        trade(engine, 10_500, "80000")
    assert found(engine, 59_999) == []
    assert found(engine, 60_000) == [(60_000, 11_000, 1_600_000_00)]


def test_a_second_is_judged_by_its_end_however_late_the_next_one_begins() -> None:
    """Otherwise the oldest of its minute would have left before anybody looked."""
    engine = usual()
    trade(engine, 500, "80000")
    for _ in range(19):
        trade(engine, 50_500, "80000")
    assert not engine.phases
    trade(engine, 59_999 + 2_000, "1")
    # the full minute came first
    assert [(phase.event_ms - START_MS, phase.usd) for phase in engine.phases] == [(51_000, 1_600_000_00)]
    engine = usual()
    trade(engine, 500, "80000")
    for _ in range(19):
        trade(engine, 50_500, "80000")
    trade(engine, 58_000, "1")
    assert [(phase.event_ms - START_MS, phase.usd) for phase in engine.phases] == [(51_000, 1_600_000_00)]


def test_an_ordinary_second_costs_no_deadline() -> None:
    """Below half of a spike only the full minute waits, whatever the coin's seconds are."""
    engine = usual()
    for second in range(9):
        trade(engine, second * 1000, "80000")
        assert engine.next_deadline() == START_MS + 60_000
    for second in (9, 10):
        trade(engine, second * 1000, "80000")
    assert engine.next_deadline() == START_MS + 11_000


def test_a_spike_found_in_time_is_not_found_again_by_the_minute() -> None:
    """Its episode ends one window after the second that was judged."""
    engine = usual()
    for second in range(40):
        trade(engine, second * 1000, "80000")
    assert found(engine, 100_000) == []
    ended = [phase for phase in engine.phases if phase.phase == "end" and phase.kind is Kind.VOLUME_SPIKE]
    assert [(phase.event_ms - START_MS, phase.usd) for phase in ended] == [(40_000, 3_200_000_00)]
    assert engine.now_ms == START_MS + 100_000
