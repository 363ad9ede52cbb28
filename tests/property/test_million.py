"""A few of the million random histories of every detector (`python -m tests.reference.million`), and that they would notice."""

from __future__ import annotations

import os

import pytest

from tests.reference.million.drive import Difference, Tally, compared
from tests.reference.million.families import FAMILIES, KINDS
from ws_alert.detectors import (
    market_cascade_detector,
    oi_divergence_detector,
    order_flow_analyzer,
    stop_hunt_detector,
    volume_spike_detector,
    whale_accumulation_detector,
)
from ws_alert.detectors.usd_floor import UsdFloor
from ws_alert.signals import episodes
from ws_alert.windows import interest, sample_history
from ws_alert.windows.event_window import EventWindow

HISTORIES = int(os.environ.get("TELEGLAS_HISTORIES", "600"))
"""Of each family."""


@pytest.mark.parametrize("family", FAMILIES)
def test_every_history_is_judged_as_its_definition_says(family: str) -> None:
    """Every finding with its figures, tier and facts, and every end of an episode, in order; most histories find something."""
    tally = Tally()
    compared(FAMILIES[family](), 1, HISTORIES, tally)
    for kind in (kind for kind, its in KINDS.items() if its == family):
        assert tally.reached[kind] >= HISTORIES // 25, (
            f"{kind} fired in {tally.reached[kind]} of {tally.histories}"
        )


_DIRECTIONS = {
    "large_liquidation": ("long", "short"),
    "liquidation_storm": ("long", "short", "1x", "2x", "4x", "8x"),
    "stop_hunt": ("long", "short"),
    "market_cascade": ("long", "short"),
    "funding_extreme": ("long", "short"),
    "whale_trade": ("buy", "sell"),
    "whale_cluster": ("buy", "sell"),
    "order_flow": ("buy", "sell"),
    "whale_accumulation_window": ("buy", "sell"),
    "global_radar": (
        "bullish",
        "bearish",
        "neutral",
        "moderate",
        "strong",
        "extreme",
        "convergence",
        "storm_and_cluster",
    ),
    "volume_spike": ("neutral",),
    "oi_divergence": ("neutral",),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_direction_tier_and_band_is_reached(family: str) -> None:
    """Otherwise the histories would prove nothing of it."""
    tally = Tally()
    compared(FAMILIES[family](), 2, 5000 if family == "spine" else 1200, tally)
    for kind in (kind for kind, its in KINDS.items() if its == family):
        # a hunt's score is above 70 by its rule
        tiers = ("WATCH", "URGENT") if kind == "stop_hunt" else ("INFO", "WATCH", "URGENT")
        missing = [word for word in (*_DIRECTIONS[kind], *tiers) if not tally.reached[f"{kind} {word}"]]
        assert not missing, f"{kind}: {missing}"


def _a_cent_more(self, events, side, usd):
    return _reached(self, events, side, usd - 1)


_reached = UsdFloor.reached


def _a_millisecond_longer(self, row, newest_ms):
    self._window_ms = 30_001
    return _added(self, row, newest_ms)


_added = EventWindow.add

WRONG = [
    ("spine", UsdFloor, "reached", _a_cent_more),
    ("spine", EventWindow, "add", _a_millisecond_longer),
    ("spine", stop_hunt_detector, "ABSORB_MS", 29_999),
    ("flow", order_flow_analyzer, "FLOW_MS", 299_000),
    ("flow", whale_accumulation_detector, "ACCUMULATION_MS", 180_001),
    ("flow", episodes, "LOW", 0.81),
    ("flow", episodes, "LOW_MS", 60_001),
    ("spikes", volume_spike_detector, "_LEAST_HISTORY", 361),
    ("spikes", volume_spike_detector, "SPIKE_MS", 60_001),
    ("adaptive", sample_history, "_ONE_IN", 180),
    ("adaptive", UsdFloor, "reached", _a_cent_more),
    ("cascades", market_cascade_detector, "SPAN_MS", 60_001),
    ("funding", interest, "_POLLS_HELD", 2.99999),
    ("divergence", oi_divergence_detector, "SPAN_MS", 900_001),
    ("divergence", oi_divergence_detector, "OLDEST_MS", 1_499_999),
]


@pytest.mark.parametrize(("family", "place", "name", "wrong"), WRONG)
def test_an_engine_that_is_wrong_by_the_least_is_found(monkeypatch, family, place, name, wrong) -> None:
    """A cent, a millisecond, a sample, a per cent: the next million would not pass."""
    monkeypatch.setattr(place, name, wrong)
    with pytest.raises(Difference, match="the engine and the definition differ"):
        compared(FAMILIES[family](), 1, 40_000, Tally())
