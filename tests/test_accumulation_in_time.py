"""Whale accumulation is judged at every large order, of whichever side."""

from __future__ import annotations

from teleglas.market import Instrument, TakerSide
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import Kind
from ws_alert.rules import Rules

START_MS = 1_700_000_040_000
DOGE = Instrument("a", "DOGEUSDT", "DOGE")


def test_an_order_of_the_other_side_may_make_the_price_flat() -> None:
    """Three sells within 0.15 of 100.00 are no flat price; one buy at 100.15 makes the same range less than 0.15 %."""
    engine = AlertEngine(Rules(), {}, ["chat"])
    rows = (
        (TakerSide.SELL, 100.1501),
        (TakerSide.SELL, 100.15),
        (TakerSide.SELL, 100.0),
        (TakerSide.BUY, 100.15),
    )
    for place, (side, price) in enumerate(rows):
        assert not [phase for phase in engine.phases if phase.kind is Kind.WHALE_ACCUMULATION_WINDOW]
        engine.file_trade(DOGE, START_MS + place, side, price, "20000")
    found = [phase for phase in engine.phases if phase.kind is Kind.WHALE_ACCUMULATION_WINDOW]
    assert [(phase.direction, phase.event_ms, phase.usd, phase.count) for phase in found] == [
        ("sell", START_MS + 3, 60_000_00, 3)
    ]
