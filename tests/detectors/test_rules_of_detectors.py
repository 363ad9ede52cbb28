"""The rules at their borders: to the cent, to the share, to the count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.market import PositionSide, TakerSide
from tests.reference.alert_decisions import score_v2 as exact_score
from ws_alert.detectors.event_pattern_detector import EventPatternDetector
from ws_alert.detectors.global_radar_engine import (
    GlobalRadarEngine,
    band,
    part,
    score_v1,
    score_v2,
    volatility,
)
from ws_alert.detectors.hit import tier_by_multiple
from ws_alert.detectors.liquidation_storm_detector import LiquidationStormDetector, intensity
from ws_alert.detectors.whale_cluster_detector import WhaleClusterDetector
from ws_alert.messages import EventRow, Pattern, Tier
from ws_alert.rules import Rules
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents

RULES = Rules()
T = 1_700_000_000_000


def events(asset: str = "BTC", *, longs=(), shorts=(), buys=(), sells=()) -> AssetEvents:
    """Return windows with these dollars at one moment."""
    found = AssetEvents(asset, RULES.groups.of(asset), RULES.window_ms)
    for side, amounts in ((PositionSide.LONG, longs), (PositionSide.SHORT, shorts)):
        for usd in amounts:
            found.add_liquidation(side, EventRow("binance", "X", side.value, round(usd * 100), 1.0, T))
    for taker, amounts in ((TakerSide.BUY, buys), (TakerSide.SELL, sells)):
        for usd in amounts:
            found.add_order(taker, EventRow("bybit", "X", taker.value, round(usd * 100), 1.0, T))
    return found


def storm(found: AssetEvents, side=PositionSide.LONG):
    """Return the storm that is firing."""
    return LiquidationStormDetector(RULES, Baselines()).detect(found, side, T)


def cluster(found: AssetEvents):
    """Return the cluster that is firing."""
    return WhaleClusterDetector(RULES, Baselines()).detect(found, T)


@pytest.mark.parametrize(("asset", "usd"), [("BTC", 2e6), ("SOL", 1e6), ("POL", 5e5), ("WIF", 5e5)])
def test_storm_needs_its_usd_and_two_liquidations(asset, usd) -> None:
    """A cent less, or one liquidation alone, is no storm; the other side does not help."""
    assert storm(events(asset, longs=[usd - 1, 1])).usd == usd * 100
    assert storm(events(asset, longs=[usd - 1, 0.99], shorts=[usd])) is None
    assert storm(events(asset, longs=[usd * 3])) is None


@pytest.mark.parametrize(
    ("multiple", "steps"), [(1, 1), (1.99, 1), (2, 2), (4, 4), (7.99, 4), (8, 8), (30, 8)]
)
def test_intensity_is_a_power_of_two_of_the_threshold(multiple, steps) -> None:
    """1x, 2x, 4x, 8x."""
    assert intensity(int(multiple * 10_000), 10_000) == steps


@pytest.mark.parametrize(
    ("asset", "usd", "count", "share"),
    [("BTC", 3e6, 3, 0.7), ("XRP", 1.5e6, 3, 0.65), ("DOT", 5e5, 2, 0.6), ("WIF", 5e5, 2, 0.6)],
)
def test_cluster_needs_usd_count_and_dominance(asset, usd, count, share) -> None:
    """Exactly the share fires; a cent less of it, of the sum, or one order less does not."""
    small, large = usd * (1 - share), usd * share
    sells = [small]
    buys = [large - 20_000 * (count - 2), *[20_000] * (count - 2)]
    found = cluster(events(asset, buys=buys, sells=sells))
    assert (found.direction, found.usd, found.count) == ("buy", usd * 100, count)
    assert found.facts.dominance == pytest.approx(share)
    assert cluster(events(asset, buys=[buys[0] - 0.01, *buys[1:]], sells=[small + 0.01])) is None
    assert cluster(events(asset, buys=[buys[0] - 0.01, *buys[1:]], sells=sells)) is None
    assert cluster(events(asset, buys=[usd] * (count - 1))) is None
    assert cluster(events(asset, sells=[usd] * count)).direction == "sell"


def test_balanced_is_ignored_whatever_the_settings() -> None:
    """Equal sides have no direction, even where half of the flow would dominate."""
    rules = Rules.model_validate({"thresholds": {"whale_cluster": {
        "majors_usd": 100, "large_cap_usd": 100, "mid_cap_usd": 100, "majors_dominance": 0.5}}})  # fmt: skip
    found = events(buys=[1e6, 1e6], sells=[2e6])
    assert WhaleClusterDetector(rules, Baselines()).detect(found, T) is None


def test_single_events_fire_at_their_threshold() -> None:
    """To the cent, by group, with the multiple's tier."""
    detector = EventPatternDetector(RULES, Baselines())
    found = events("SOL")
    row = EventRow("okx", "X", "short", 30_000_000, 1.0, T)
    hit = detector.liquidation(found, row)
    assert (hit.direction, hit.count, hit.venues, hit.tier) == ("short", 1, (("okx", 30_000_000),), Tier.INFO)
    assert detector.liquidation(found, EventRow("okx", "X", "short", 29_999_999, 1.0, T)) is None
    assert detector.trade(found, EventRow("okx", "X", "buy", 200_000_000, 1.0, T)).tier is Tier.URGENT
    assert detector.trade(found, EventRow("okx", "X", "buy", 49_999_999, 1.0, T)) is None


@pytest.mark.parametrize(
    ("usd", "tier"),
    [
        (99, Tier.NONE),
        (100, Tier.INFO),
        (199, Tier.INFO),
        (200, Tier.WATCH),
        (399, Tier.WATCH),
        (400, Tier.URGENT),
    ],
)
def test_tier_by_multiple(usd, tier) -> None:
    """1x INFO, 2x WATCH, 4x URGENT."""
    assert tier_by_multiple(usd, 100) is tier


def radar(**flow):
    """Return the radar's hit on these flows."""
    found = events(**flow)
    storms = [hit for side in PositionSide if (hit := storm(found, side))]
    return GlobalRadarEngine(RULES.window_ms).detect(found, storms, cluster(found), T)


def test_radar_needs_both() -> None:
    """A storm or a cluster by itself is its own message."""
    assert radar(longs=[1e6, 1e6]) is None
    assert radar(buys=[1e6, 1e6, 1e6]) is None


@pytest.mark.parametrize(
    ("flow", "direction"),
    [
        ({"longs": [1e6, 1e6], "buys": [3e6, 1e5, 1e5]}, "bullish"),
        ({"longs": [1e6, 1e6 + 1], "buys": [2.8e6, 1e5, 1e5]}, "neutral"),
        ({"longs": [1e6, 1e6], "buys": [2.8e6, 1e5, 1e5]}, "bullish"),
        ({"longs": [1e6, 1e6], "sells": [3e6, 1e5, 1e5]}, "bearish"),
        ({"shorts": [1e6, 1e6], "sells": [3e6, 1e5, 1e5]}, "bearish"),
        ({"shorts": [1e6, 1e6], "buys": [3e6, 1e5, 1e5]}, "bullish"),
    ],
)
def test_pressure_is_the_sign_of_all_flow(flow, direction) -> None:
    """Neutral under a fifth of the sum; 0.2 itself has a sign."""
    hit = radar(**flow)
    assert hit.direction == direction
    assert (hit.usd, hit.count) == (sum(sum(part) for part in flow.values()) * 100, 5)


def test_the_larger_storm_is_the_radars() -> None:
    """Both sides may storm; the long one among equals."""
    flow = {"longs": [1e6, 1e6], "buys": [3e6, 1e5, 1e5]}
    assert radar(**flow, shorts=[1e6, 2e6]).facts.storm_side == "short"
    assert radar(**flow, shorts=[1e6, 1e6]).facts.storm_side == "long"


def test_convergence_is_twice_both() -> None:
    """Both at twice their minimum; one alone is not enough."""
    assert radar(longs=[2e6, 2e6], buys=[5e6, 5e5, 5e5]).facts.pattern is Pattern.CONVERGENCE
    assert radar(longs=[2e6, 1e6], buys=[5e6, 5e5, 5e5]).facts.pattern is Pattern.STORM_AND_CLUSTER


def test_score_v1_is_the_products_example() -> None:
    """SPEC 2: 5.2M storm and 3M cluster at MAJORS = 1.13; one alone has no bonus."""
    assert score_v1(5.2 / 2, 1) == pytest.approx(0.5 + 1 / 3 + 0.3)
    assert score_v1(9, 0.5) == pytest.approx(0.5 + 0.5 / 3)


@given(st.integers(1, 10**13), st.integers(1, 10**13))
def test_score_v2_is_the_exact_one(storm_usd, cluster_usd) -> None:
    """The float agrees with forty decimal digits to nine places."""
    exact = exact_score(storm_usd, 200_000_000, cluster_usd, 300_000_000)
    assert score_v2(storm_usd / 200_000_000, cluster_usd / 300_000_000) == pytest.approx(
        float(exact), abs=1e-9
    )


def test_all_bands_are_reachable() -> None:
    """Both at their minimum are weak or moderate; sixteen times gives the most that a part can give."""
    assert part(16) == part(1000) == 0.8
    assert [band(score) for score in (0.349, 0.35, 0.599, 0.6, 0.779, 0.78)] == [
        "weak", "moderate", "moderate", "strong", "strong", "extreme"]  # fmt: skip


@pytest.mark.parametrize(
    ("range_pct", "word"),
    [
        (None, "unknown"),
        (0.29, "low"),
        (0.3, "medium"),
        (0.8, "high"),
        (1.99, "high"),
        (2.0, "extreme"),
        ((100.3 - 100.0) / 100.0 * 100, "medium"),
        ((5000.3 - 4985.3) / 5000 * 100, "medium"),
    ],
)
def test_words_of_volatility(range_pct, word) -> None:
    """Borders belong to the higher word."""
    assert volatility(range_pct) == word
