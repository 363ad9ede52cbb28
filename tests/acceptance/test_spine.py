"""What comes through the sockets is decided as its replay is, whatever the venues do to it."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from simulator.faults import FaultStep
from simulator.patterns.long_views import long_views
from tests.acceptance.bench import committed, kinds, learned, replayed, running, states
from ws_alert.messages import FeedState

ALL_KINDS = {"large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster", "global_radar"}
MARKET_KINDS = ALL_KINDS | {
    "market_cascade", "stop_hunt", "order_flow", "whale_accumulation_window", "volume_spike", "funding_extreme",
    "oi_divergence",
}  # fmt: skip
POLLED = {"funding_extreme", "oi_divergence"}
SPEED = 6.0

TROUBLE = (
    FaultStep(8, "all", "duplicate", 0.05),
    FaultStep(10, "all", "malformed", 0.02),
    FaultStep(12, "all", "reorder", 6),
    FaultStep(20, "bybit", "drop"),
    FaultStep(22, "binance", "clock_jump", 7_000, 10),
    FaultStep(28, "okx", "clock_jump", -9_000, 10),
    FaultStep(34, "okx", "drop"),
    FaultStep(36, "okx", "refuse_ws", 503, 20),
    FaultStep(40, "bybit", "stall", 1, 15),
    FaultStep(46, "binance", "drop"),
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_demo_shows_every_kind(tmp_path, seed):
    """A scenario sets intensities only, and still all five kinds come out beside others; the replay decides the same."""
    async with running(tmp_path, scenario="demo", seed=seed, speed=SPEED) as bench:
        await bench.until_market(70)
    decided = committed(tmp_path)
    assert kinds(decided) >= ALL_KINDS
    assert decided == replayed(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_demo_shows_all_twelve_once_its_past_is_learned(tmp_path, seed):
    """Also a volume spike and a divergence of open interest, which only an engine that knows the hours before can see."""
    learned(tmp_path, long_views(seed))
    venues = ("binance", "bybit", "okx")
    async with running(tmp_path, scenario="demo", seed=seed, speed=SPEED, interest=venues) as bench:
        await bench.until_market(70)
        # the polls keep their own pace, however fast the market goes
        await bench.until(lambda: bench.pipeline.tally.alerts.keys() >= POLLED)
    assert kinds(committed(tmp_path)) == MARKET_KINDS


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "key"), [(11, ""), (12, "simulated-standard")])
async def test_faults_change_no_decision_of_the_replay(tmp_path, seed, key):
    """Doubled, shuffled, broken and late rows, lost connections, polls: the journal decides the same again."""
    async with running(tmp_path, scenario="storm", seed=seed, speed=4.0, faults=TROUBLE, key=key) as bench:
        await bench.until_market(65)
        refused = Counter({reason.value: n for reason, n in bench.pipeline._engine.intake.refused.items()})
    decided = committed(tmp_path)
    assert len(decided) > 20
    assert decided == replayed(tmp_path)
    assert refused["duplicate"] > 10
    assert refused["malformed"] > 10
    seen = states(tmp_path)
    assert FeedState.DOWN in seen["bybit", "liquidations"]
    assert FeedState.POLLING in seen["okx", "trades"]


async def test_a_quiet_market_alerts_nobody(tmp_path):
    """Ordinary trades and forced orders below every threshold lead to no decision at all."""
    async with running(tmp_path, scenario="quiet", seed=5, speed=5.0) as bench:
        await bench.until(lambda: bench.pipeline._engine.intake.now_ms > 0)
        await bench.until_market(30)
        frames = bench.world.summary()["venues"]["binance"]["frames"]
    assert frames > 500
    assert committed(tmp_path) == []


@pytest.mark.slow
async def test_stop_hunts_of_known_truth_come_through_the_sockets(tmp_path):
    """Those that were absorbed are told, each once; those that only look similar are not; the replay decides the same."""
    async with running(tmp_path, scenario="stop_hunt", seed=1, speed=8.0) as bench:
        pattern, start_ms = bench.world.pattern, bench.world.start_ms
        await bench.until_market(pattern.length_ms / 1000 - 60)
    decided = committed(tmp_path)
    sent = [
        line for line in map(json.loads, decided) if line["kind"] == "stop_hunt" and line["action"] == "send"
    ]
    wanted = [case for case in pattern.truth(start_ms)["cases"] if case["fires"]]
    assert {(line["asset"], line["direction"]) for line in sent if line["reason"] != "grew"} == {
        (case["asset"], case["direction"]) for case in wanted
    }
    times = {case["asset"]: range(case["from_ms"], case["to_ms"] + 1) for case in wanted}
    assert all(line["episode_ms"] in times[line["asset"]] for line in sent)
    assert decided == replayed(tmp_path)
