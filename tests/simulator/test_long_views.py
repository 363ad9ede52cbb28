"""The demo's market holds what looks back further than the demo lasts, and a past in which to see it."""

from __future__ import annotations

import json

import pytest

from simulator.coinglass.ledger import Ledger
from simulator.feeds import History, VenueClock
from simulator.listings import assets
from simulator.market import Market, Trade
from simulator.parameters import load
from simulator.patterns.long_views import TRADES_MS, long_views, with_long_views
from simulator.scenarios import QUIET_USD, SCENARIOS
from simulator.tape import START_MS, write
from teleglas.storage.store import open_store
from ws_alert.alert_engine import AlertEngine
from ws_alert.learning import learn
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.interest_files import InterestFiles, parse
from ws_alert.sources.replay import feed, replay
from ws_alert.sources.tapes import Tapes

SEEDS = (1, 2, 3, 4, 5)
MINUTE = 60_000


def told(pattern):
    """Return (kind, coin, direction) of what is true of a pattern."""
    return {(case.kind, case.asset, case.direction) for case in pattern.cases if case.fires}


def found(engine, files, since_ms):
    """Feed the part of a pattern's files from a time on; return (kind, coin, direction) of what begins."""
    refuse = engine.intake.refuse
    levels = InterestFiles([parse(str(files["funding"]))], [parse(str(files["open-interest"]))], refuse)
    rows = [*Tapes((), [files["trades"]], refuse).rows(), *levels.rows()]
    begun = set()
    for row in sorted(rows, key=lambda row: row[:4]):
        if row.ts_ms >= since_ms:
            feed(engine, row)
            begun |= {(phase.kind.value, phase.asset, phase.direction) for phase in engine.phases}
            engine.phases.clear()
    return begun


@pytest.mark.parametrize("seed", SEEDS)
def test_each_of_the_three_is_found_once_and_nothing_else(tmp_path, seed) -> None:
    """With the default rules, through the files that a replay reads, hours and all."""
    pattern, out = long_views(seed), tmp_path / "findings.jsonl"
    files = write(pattern, tmp_path)
    replay(
        journals=(), liquidations=(), trades=[files["trades"]], funding=[parse(str(files["funding"]))],
        interest=[parse(str(files["open-interest"]))], out=tmp_path / "out.jsonl", findings=out, rules=None,
    )  # fmt: skip
    starts = [
        row
        for row in map(json.loads, out.read_text(encoding="utf-8").splitlines())
        if row["phase"] == "start"
    ]
    assert {(row["kind"], row["asset"], row["direction"]) for row in starts} == told(pattern)
    assert len(starts) == len(pattern.cases) == 3
    cases = {case.kind: case for case in pattern.cases}
    for row in starts:
        case = cases[row["kind"]]
        assert START_MS + case.from_ms <= row["episode_ms"] <= START_MS + case.to_ms


@pytest.mark.parametrize("seed", SEEDS)
def test_the_past_is_quiet_and_what_was_learned_of_it_is_needed(tmp_path, seed) -> None:
    """Nothing begins before the start. Only an engine that learned it finds all three afterwards; funding has no past."""
    pattern = long_views(seed)
    whole, past = write(pattern, tmp_path / "all"), write(pattern, tmp_path / "past", past=True)
    assert "funding" not in past
    before = tmp_path / "before.jsonl"
    interest = [parse(str(past["open-interest"]))]
    replay(
        journals=(), liquidations=(), trades=[past["trades"]], funding=(), interest=interest,
        out=tmp_path / "out.jsonl", findings=before, rules=None,
    )  # fmt: skip
    assert before.read_text(encoding="utf-8") == ""
    store = open_store(f"sqlite:///{tmp_path}/alert.db")
    learned = learn(
        store, Rules(), liquidations=(), trades=[past["trades"]], interest=interest, now_ms=START_MS
    )
    assert learned.minutes * MINUTE == TRADES_MS
    assert not learned.refused
    engine = AlertEngine(Rules(), decoders({}), ["1"])
    assert {kind for kind, *_ in found(engine, whole, START_MS)} == {"funding_extreme"}
    engine = AlertEngine(Rules(), decoders({}), ["1"])
    engine.remember(store.load_baselines())
    engine.advance(START_MS - 1)
    assert not engine.phases, "without a market nothing begins"
    store.close()
    assert found(engine, whole, START_MS) == told(pattern)


def test_the_hours_before_are_those_that_the_candles_tell() -> None:
    """Each quarter of an hour of the coin sums up to the turnover of its candle, in orders that nobody calls large."""
    pattern = long_views(1)
    coin = next(case.asset for case in pattern.cases if case.kind == "volume_spike")
    asset = next(asset for asset in assets() if asset.name == coin)
    ledger = Ledger((asset,), VenueClock(0), History({}, {}))
    for begin in range(-TRADES_MS, 0, 15 * MINUTE):
        usd = sum(order.usd for order in pattern.orders if begin <= order.at_ms < begin + 15 * MINUTE)
        assert usd == pytest.approx(sum(ledger.flow(ledger.contracts, begin, begin + 15 * MINUTE)), rel=0.005)
    assert max(order.usd for order in pattern.orders) <= QUIET_USD


def test_a_seed_is_another_choice_and_the_same_one_again() -> None:
    """Coins, venues and orders depend on the seed alone; the rest of the demo never happens to these coins."""
    assert long_views(7) == long_views(7)
    assert len({frozenset(case.asset for case in long_views(seed).cases) for seed in range(20)}) > 10
    busy = {asset for phase in SCENARIOS["demo"].phases for asset in phase.assets}
    assert not busy & {case.asset for seed in range(20) for case in long_views(seed).cases}


def test_the_market_of_the_demo_has_the_burst_and_is_otherwise_what_it_was() -> None:
    """Every other coin trades and is liquidated as without it, order by order."""
    plain, seed = SCENARIOS["demo"], 3
    scenario = with_long_views(plain, seed)
    coin = next(case.asset for case in long_views(seed).cases if case.kind == "volume_spike")
    listed = assets()
    events = Market(listed, load(), scenario, seed).until(70_000)
    before = Market(listed, load(), plain, seed).until(70_000)

    def others(seen):
        return [event for event in seen if hasattr(event, "listing") and event.listing.asset != coin]

    assert others(events) == others(before)
    burst = [event for event in events if isinstance(event, Trade) and event.listing.asset == coin]
    minute = [event.usd for event in burst if 14_000 <= event.at_ms <= 60_000]
    assert sum(minute) > 1_000_000 * 2
    assert all(order.at_ms >= 0 for order in scenario.orders)
