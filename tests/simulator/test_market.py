"""The market model: determinism, the laws that were fitted, and what the scenarios make of them."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest

from simulator.fitting.estimators import size_law
from simulator.listings import assets
from simulator.market import Liquidation, Mark, Market, Trade
from simulator.parameters import load, provenance
from simulator.scenarios import SCENARIOS, Intensity, Phase, Scenario
from tests.simulator import reference

BUSY = Scenario("busy", Intensity(trade_rate=2.0, trade_size=1.0, liquidation_rate=40.0))


def market(scenario=BUSY, seed=1):
    """Return a fresh market."""
    return Market(assets(), load(), scenario, seed)


def test_same_seed_gives_the_same_events_however_time_is_cut():
    """One long step and many short ones give identical events; another seed gives others."""
    whole = market().until(5_000)
    parts = market()
    pieces = [event for now in range(7, 5_007, 7) for event in parts.until(min(now, 5_000))]
    key = [(event.at_ms, type(event), getattr(event, "quantity", None), getattr(event, "price", None)) for event in whole]
    again = [(event.at_ms, type(event), getattr(event, "quantity", None), getattr(event, "price", None)) for event in pieces]
    assert key == again
    assert [event.at_ms for event in market(seed=2).until(5_000)] != [event.at_ms for event in whole]


def test_events_come_in_order_of_time():
    """A reader may rely on times that never fall."""
    times = [event.at_ms for event in market().until(5_000)]
    assert times == sorted(times)


def test_trade_sizes_follow_the_fitted_law():
    """The sizes of ordinary BTC orders, scaled back, have the body and tail that were fitted."""
    parameters = load()
    calm = Scenario("calm", Intensity(trade_rate=2.0, trade_size=1.0, liquidation_rate=0.0))
    scale = (assets()[0].turnover / 2.3e10) ** parameters.trade_size_exponent
    orders = [event for event in market(calm).until(100_000) if isinstance(event, Trade)]
    sizes = [order.usd / scale for order in orders if order.listing.symbol == "BTCUSDT"]
    above = [size for size in sizes if size > parameters.trade_tail_from]
    assert len(above) / len(sizes) == pytest.approx(parameters.trade_tail_share, rel=0.3)
    hill = 1 / fmean(math.log(size / parameters.trade_tail_from) for size in above)
    assert hill == pytest.approx(parameters.trade_tail_index, rel=0.35)
    inside = sorted(size for size in sizes if size > 1_000)
    assert math.log(inside[len(inside) // 2]) > parameters.trade_log_mean


def test_one_forced_order_sets_off_others_mostly_of_its_side():
    """The number of orders per immigrant is 1 / (1 - branching), and neighbours share their side."""
    parameters = load()
    calm = Scenario("calm", Intensity(trade_rate=0.0, liquidation_rate=60.0))
    rate = 60.0 * parameters.liquidation_base_rate
    weights = sum((asset.turnover / 2.3e10) ** parameters.trade_rate_exponent for asset in assets())
    forced = [event for event in market(calm).until(120_000) if isinstance(event, Liquidation)]
    per_immigrant = len(forced) / (rate * weights * 120)
    assert per_immigrant == pytest.approx(1 / (1 - parameters.hawkes_branching), rel=0.12)


def test_forced_selling_pushes_the_price_down():
    """A wave of liquidated longs leaves the price lower than a calm market of the same seed."""
    wave = Phase(0, 20, ("SOL",), {"liquidation_rate": 200, "liquidation_size": 100, "long_share": 1.0})
    flushed = market(Scenario("wave", Intensity(), (wave,)))
    flushed.until(20_000)
    assert flushed.price("SOL") < assets_price("SOL") * 0.999


def test_shock_moves_the_price_as_the_scenario_says():
    """A fall of 0.1 % a second for 10 s leaves the price about 1 % lower."""
    fall = Phase(0, 10, ("SOL",), {"drift": -0.001})
    shocked = market(Scenario("fall", Intensity(), (fall,)))
    shocked.until(15_000)
    assert shocked.price("SOL") == pytest.approx(assets_price("SOL") * 0.99, rel=0.004)


def assets_price(name):
    """Return where a coin's price starts."""
    return next(asset.price for asset in assets() if asset.name == name)


def test_prices_are_told_each_second_for_every_coin():
    """Marks are what the venues' mark prices come from."""
    marks = [event for event in market().until(3_000) if isinstance(event, Mark)]
    assert len(marks) == 3 * len(assets())
    assert {mark.at_ms for mark in marks} == {1000, 2000, 3000}


def test_catalogue_has_a_scaled_and_a_foreign_symbol_and_three_venues():
    """About forty coins, among them 1000PEPE, a name that is not ASCII and an inverse contract."""
    listings = [listing for asset in assets() for listing in asset.listings]
    assert 38 <= len(assets()) <= 45
    assert {listing.venue for listing in listings} == {"binance", "bybit", "okx"}
    assert any(listing.symbol == "1000PEPEUSDT" and listing.scale == 1000 for listing in listings)
    assert any(not listing.symbol.isascii() for listing in listings)
    assert [listing.symbol for listing in listings if listing.inverse] == ["BTC-USD-SWAP"]


def test_every_parameter_names_its_file_or_says_why_it_is_assumed():
    """A fitted parameter has source, interval and fit; an assumed one a reason."""
    entries = provenance()
    assert set(entries) == set(load().__dataclass_fields__)
    for name, entry in entries.items():
        if "assumed" in entry:
            assert len(entry["assumed"]) > 20, name
            continue
        low, high = entry["interval"]
        assert low * 0.9 <= entry["estimate"] <= high * 1.1, name
        assert entry["source"].startswith("data/")
        assert entry["fit"]


def test_fit_finds_the_law_that_made_a_sample():
    """The estimator gets back mean, deviation and tail of a sample of a known law."""
    draw = np.random.default_rng(1)
    body = np.exp(draw.normal(6.0, 1.5, 40_000))
    body = body[body < 5_000]
    tail = 5_000 * (1 - draw.random(len(body) // 19)) ** (-1 / 1.8)
    law = size_law(np.concatenate([body, tail]), tail=0.05)
    assert law.log_mean == pytest.approx(6.0, abs=0.1)
    assert law.log_sd == pytest.approx(1.5, abs=0.1)
    assert law.index == pytest.approx(1.8, abs=0.15)
    assert law.ks < 0.02


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_demo_shows_all_five_kinds_within_70_seconds(seed):
    """With the default thresholds every seed's demo tells of each kind."""
    told = reference.told(reference.findings(reference.stream("demo", seed, 68)))
    assert {kind for _, kind, _, _ in told} == set(reference.ORDER)


def test_quiet_market_fires_nothing():
    """No rule holds at any moment of two calm minutes."""
    assert reference.findings(reference.stream("quiet", 1, 120)) == []


def test_numbered_storms_have_known_size_and_nothing_else_fires():
    """Each storm is on a coin of its own, two equal orders of longs, dollars plus its number in cents."""
    seen = reference.stream("numbered", 5, 20)
    plan = SCENARIOS["numbered"].numbered
    sums = {}
    for row in seen:
        if row.forced:
            sums[row.asset] = sums.get(row.asset, 0) + round(row.usd * 100)
    complete = {f"N{number:04d}": plan.usd * 100 + number for number in range(1, 31)}
    assert {asset: sums[asset] for asset in complete} == complete
    assert {asset for _, _, asset, _ in reference.findings(seen)} <= set(sums)


def test_periodic_scenario_repeats_its_phases():
    """After its period a scenario begins again, and intensities end where the next phase starts."""
    soak = SCENARIOS["soak"]
    assert soak.at("BTC", 30_000.0)[0] == soak.at("BTC", 630_000.0)[0]
    assert soak.at("BTC", 30_000.0)[0] != soak.at("BTC", 100_000.0)[0]
    assert soak.at("BTC", 610_000.0)[1] == 620_000.0
