"""How strong a finding is by its own measure: what score v2 is read off, and what is kept beside its outcome."""

from __future__ import annotations

import pytest

from tests.outbox.alerts import alert, decisions, send
from ws_alert.messages import (
    AccumulationFacts,
    Action,
    CascadeFacts,
    ConfluenceFacts,
    DivergenceFacts,
    Finding,
    FundingFacts,
    Kind,
    SpikeFacts,
    StormFacts,
    Tier,
    Verdict,
)
from ws_alert.outbox.outbox import commit_of
from ws_alert.signals.track_record import strength

CONFLUENCE = ConfluenceFacts(
    "binance", "BTCUSDT", "5m", 100.0, 99.0, 101.0, 1.0, 50.0, 100.0, 1.0, 1.0, 1.0, 2.0, "bullish", 4, 0, "scored"
)  # fmt: skip


def finding(kind, facts, **values):
    """Return 6 million against a threshold of 2 million."""
    fields = {
        "kind": kind, "asset": "BTC", "direction": "long", "episode_ms": 1, "event_ms": 1, "received_ms": 1,
        "window_ms": 30_000, "usd": 600_000_000, "count": 6, "venues": (), "threshold_usd": 200_000_000,
        "threshold_count": 3, "tier": Tier.WATCH, "facts": facts,
    }  # fmt: skip
    return Finding(**(fields | values))


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (finding(Kind.LIQUIDATION_STORM, StormFacts(2)), 3.0),
        (finding(Kind.LIQUIDATION_STORM, StormFacts(2), threshold_usd=0), None),
        (finding(Kind.GLOBAL_RADAR, StormFacts(2), score=0.65), 0.65),
        (finding(Kind.STOP_HUNT, StormFacts(2), score=90.0), 90.0),
        (finding(Kind.CANDLE_CONFLUENCE, CONFLUENCE), 4.0),
        (finding(Kind.MARKET_CASCADE, CascadeFacts((), 7, 40, 1, 1)), 7.0),
        (finding(Kind.FUNDING_EXTREME, FundingFacts((), -0.15, "okx", None, 0.1)), pytest.approx(1.5)),
        (finding(Kind.WHALE_ACCUMULATION_WINDOW, AccumulationFacts(1, 6, 0, 0, 0.1), threshold_usd=0), 2.0),
        (finding(Kind.VOLUME_SPIKE, SpikeFacts(1, 1, 1, 2.0, 500)), None),
        (finding(Kind.OI_DIVERGENCE, DivergenceFacts("okx", 1, 2, 3.0, (), 1, 2, 1.0, 0, 1)), None),
    ],
)
def test_each_kind_has_its_measure(found, wanted):
    """A score, a multiple, a count; none where the kind calls nothing."""
    assert strength(found) == wanted


def test_what_is_sent_begins_an_outcome():
    """With the prices and the strength of the alert, and the event that decided; edits and drops begin none."""
    told = alert("a", prices=(("BTC", 100.0),), strength=3.5, tier=Tier.URGENT)
    begun = Verdict(
        Action.SEND, "first", "42", Kind.CANDLE_CONFLUENCE, "BTC", "bullish", 7, 5, 1, 1, Tier.INFO, None, (), 9,
        alert=told, confluence=CONFLUENCE,
    )  # fmt: skip
    edited = Verdict(
        Action.EDIT,
        "ended",
        "42",
        Kind.STOP_HUNT,
        "BTC",
        "long",
        7,
        5,
        1,
        1,
        Tier.INFO,
        None,
        (),
        9,
        alert=told,
    )
    (outcome,) = commit_of(decisions(begun, edited)).outcomes
    assert (outcome.kind, outcome.direction, outcome.timeframe) == ("candle_confluence", "bullish", "5m")
    assert (outcome.episode_ms, outcome.event_ms, outcome.tier) == (5, 7, Tier.URGENT)
    assert (outcome.strength, outcome.prices) == (3.5, (("BTC", 100.0),))
    assert commit_of(decisions(send("b"), send("c"))).outcomes[0].timeframe == ""
