"""Thresholds that follow the asset's own normal, and volume spikes, at their borders and against slow definitions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.market import PositionSide, TakerSide
from tests.shelf import SERIES, note
from ws_alert.detectors.event_pattern_detector import EventPatternDetector
from ws_alert.detectors.liquidation_storm_detector import LiquidationStormDetector
from ws_alert.detectors.usd_floor import UsdFloor
from ws_alert.detectors.volume_spike_detector import VolumeSpikeDetector
from ws_alert.detectors.whale_cluster_detector import WhaleClusterDetector
from ws_alert.messages import EventRow, Kind, Normal, Tier
from ws_alert.rules import Rules
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents

START = 1_790_000_000_000 // 60_000
NOW_S = (START + 2_000) * 60
FIXED = 2_000_000_00


def rules(mode: str, **spike) -> Rules:
    """Return the default amounts in a mode."""
    return Rules.model_validate({"thresholds": {"mode": mode, "volume_spike": spike}})


def history(usual: int, *, minutes: int = 1_500) -> Baselines:
    """Return the normals of BTC whose every sample was `usual` cents."""
    found = Baselines()
    for minute in range(START, START + minutes):
        note(found, minute, {("BTC", kind, side): usual for kind, side in SERIES})
        found.close(minute, [("BTC", 1)], looked=True, interest=None)
    return found


def events(asset="BTC", *, longs=(), buys=(), sells=()) -> AssetEvents:
    """Return windows with these cents at one moment."""
    found = AssetEvents(asset, "majors", 30_000)
    for usd in longs:
        found.add_liquidation(PositionSide.LONG, EventRow("a", asset, "long", usd, 1.0, NOW_S * 1000))
    for side, amounts in ((TakerSide.BUY, buys), (TakerSide.SELL, sells)):
        for usd in amounts:
            found.add_order(side, EventRow("a", asset, side.value, usd, 1.0, NOW_S * 1000))
    return found


KNOWN = {usual: history(usual) for usual in (100_000_00, 500_000_01, FIXED, 5_000_000_00)}
UNKNOWN = {"nothing": Baselines(), "too short": history(5_000_000_00, minutes=1_439)}


@pytest.mark.parametrize(
    ("mode", "usual", "needed", "threshold"),
    [
        ("fixed", 100_000_00, FIXED, FIXED),
        ("fixed", 5_000_000_00, FIXED, FIXED),
        ("both", 100_000_00, FIXED, FIXED),
        ("both", FIXED, FIXED, FIXED),
        ("both", 5_000_000_00, 5_000_000_00, FIXED),
        ("adaptive", 100_000_00, FIXED // 10, FIXED // 10),
        ("adaptive", 500_000_01, 500_000_01, 500_000_01),
        ("adaptive", 5_000_000_00, 5_000_000_00, 5_000_000_00),
    ],
)
def test_what_is_needed_once_a_normal_is_known(mode, usual, needed, threshold) -> None:
    """To the cent; what decides the tier; and the normal goes with it, except where nobody asked for it."""
    floor = UsdFloor(
        Kind.LIQUIDATION_STORM, rules(mode).thresholds.liquidation_storm, rules(mode).thresholds, KNOWN[usual]
    )
    assert floor.reached(events(), "long", needed - 1) is None
    found = floor.reached(events(), "long", needed)
    assert found.threshold == threshold
    assert found.normal == (None if mode == "fixed" else Normal(usual, 25))
    assert floor.least["majors"] <= needed


@pytest.mark.parametrize("mode", ["fixed", "both", "adaptive"])
@pytest.mark.parametrize("known", sorted(UNKNOWN))
def test_before_a_day_of_history_the_fixed_amount_decides(mode, known) -> None:
    """Also for an asset of which nothing is known beside others of which much is."""
    thresholds = rules(mode).thresholds
    floor = UsdFloor(Kind.LIQUIDATION_STORM, thresholds.liquidation_storm, thresholds, UNKNOWN[known])
    other = UsdFloor(Kind.LIQUIDATION_STORM, thresholds.liquidation_storm, thresholds, KNOWN[100_000_00])
    for asked, where in ((floor, events()), (other, events("ETH"))):
        assert asked.reached(where, "long", FIXED - 1) is None
        assert asked.reached(where, "long", FIXED) == (FIXED, None)


def test_every_kind_follows_the_normal_of_its_own_statistic() -> None:
    """In `adaptive` the quantile is the threshold: tier, intensity and direction are by it."""
    known, mode = KNOWN[500_000_01], rules("adaptive")
    storm = LiquidationStormDetector(mode, known).detect(
        events(longs=[1_000_000_01, 1_000_000_01]), PositionSide.LONG, 1
    )
    assert (storm.threshold_usd, storm.tier, storm.facts.intensity) == (500_000_01, Tier.WATCH, 2)
    cluster = WhaleClusterDetector(mode, known).detect(events(sells=[400_000_00] * 3), 1)
    assert (cluster.threshold_usd, cluster.direction, cluster.normal.usd) == (500_000_01, "sell", 500_000_01)
    singles = EventPatternDetector(mode, known)
    row = EventRow("a", "BTC", "short", 2_000_000_04, 1.0, 1)
    assert singles.liquidation(events(), row).tier is Tier.URGENT
    assert singles.trade(events(), EventRow("a", "BTC", "buy", 500_000_00, 1.0, 1)) is None
    assert singles.trade(events(), EventRow("a", "BTC", "buy", 500_000_01, 1.0, 1)).normal.hours == 25


def test_in_both_the_tier_is_by_the_fixed_amount() -> None:
    """What is rare for the asset fires; how urgent it is, the amount says."""
    known, mode = KNOWN[5_000_000_00], rules("both")
    detector = LiquidationStormDetector(mode, known)
    assert detector.detect(events(longs=[2_499_999_99, 2_500_000_00]), PositionSide.LONG, 1) is None
    storm = detector.detect(events(longs=[2_500_000_00] * 2), PositionSide.LONG, 1)
    assert (storm.threshold_usd, storm.tier, storm.normal) == (FIXED, Tier.WATCH, Normal(5_000_000_00, 25))


# -- volume spikes ----------------------------------------------------------------------


def spiking(volumes, baselines: Baselines, **spike):
    """Return the detector and windows of BTC with taker cents by second before NOW_S (bought if even)."""
    found = AssetEvents("BTC", "majors", 30_000)
    for back, usd in sorted(volumes.items(), reverse=True):
        found.tape.newest_ms = (NOW_S - back) * 1000
        found.tape.add(NOW_S - back, usd, buy=usd % 2 == 0)
    found.tape.open(NOW_S)
    return VolumeSpikeDetector(rules("both", **spike), baselines), found


def minutes(volumes) -> Baselines:
    """Return the normals of BTC with these cents in its closed minutes."""
    found = Baselines()
    for place, usd in enumerate(volumes):
        found.close(START + place, [("BTC", usd)], looked=True, interest=None)
    return found


def test_a_spike_needs_six_hours_of_history() -> None:
    """One minute less, and nothing is said."""
    volumes = {1: 100_000_000_00}
    assert minutes([1_000_00] * 359).median("BTC").minutes == 359
    for known, fires in ((359, False), (360, True)):
        detector, found = spiking(volumes, minutes([1_000_00] * known))
        assert (detector.closed(found) is not None) is fires
    detector, found = spiking(volumes, Baselines())
    assert detector.closed(found) is None


def test_a_spike_to_the_cent() -> None:
    """The multiple of a median that lies between two cents; the floor; both sides together; the minute's edge."""
    known = minutes([20_000_000] * 180 + [20_000_001] * 180)
    needed = 160_000_004
    for usd, fires in ((needed - 1, False), (needed, True)):
        detector, found = spiking({60: 60_000_000, 1: usd - 60_000_000, 61: 1_000_000_000_00}, known)
        hit = detector.closed(found)
        assert (hit is not None) is fires
    assert (hit.usd, hit.threshold_usd, hit.tier, hit.direction) == (needed, needed, Tier.INFO, "neutral")
    assert (hit.event_ms, hit.window_ms, hit.venues) == (NOW_S * 1000, 60_000, ())
    assert (hit.facts.median_usd, hit.facts.multiple, hit.facts.history_minutes) == (20_000_001, 8.0, 360)
    detector, found = spiking({1: 99_999_999}, minutes([1_000_00] * 400))
    assert detector.closed(found) is None
    detector, found = spiking({1: 100_000_000}, minutes([1_000_00] * 400))
    assert detector.closed(found).facts.floor_usd == 100_000_000


def test_without_a_usual_volume_the_floor_alone_decides() -> None:
    """The median is 0 when more than half of the minutes held no trade, and no multiple is claimed."""
    detector, found = spiking({1: 250_000_000}, minutes([5_000_000_00] * 180 + [0] * 200))
    hit = detector.closed(found)
    assert (hit.facts.median_usd, hit.facts.multiple, hit.threshold_usd) == (0, None, 100_000_000)
    assert hit.tier is Tier.WATCH


@given(
    st.lists(st.sampled_from([0, 1, 2, 12_345_678, 12_345_679, 50_000_000]), min_size=355, max_size=365),
    st.dictionaries(st.integers(0, 130), st.integers(0, 60_000_000), max_size=12),
    st.sampled_from([8.0, 8.1, 2.5, 1.0000001]),
    st.booleans(),
)
def test_spikes_are_those_of_the_slow_definition(closed, volumes, multiple, is_over) -> None:
    """By exact fractions over all seconds, at the end of the one that closed last or of the open one."""
    known = minutes(closed)
    detector, found = spiking(
        {back + 1: usd for back, usd in volumes.items()}, known, multiple=multiple, floor_usd=1e5
    )
    until = NOW_S + 1 if is_over else found.tape.closed + 1
    usd = sum(amount for back, amount in volumes.items() if until - 60 <= NOW_S - back - 1)
    first = next((place for place, each in enumerate(closed) if each), len(closed))
    counted = [Fraction(each) for each in closed[first:]]
    middle = Fraction(median(counted)) if counted else Fraction(0)
    fires = len(counted) >= 360 and usd >= 1e7 and usd >= Fraction(Decimal(repr(multiple))) * middle
    hit = detector.ended(found) if is_over else detector.closed(found)
    assert (hit is not None) is fires
    if hit is not None:
        assert (hit.usd, hit.facts.buy_usd + hit.facts.sell_usd) == (usd, usd)
        assert usd >= hit.threshold_usd >= max(10_000_000, Fraction(Decimal(repr(multiple))) * middle)


def test_a_spike_is_expected_from_the_open_second_on() -> None:
    """A large order may complete it, so that its second is closed in time even if no other event comes."""
    detector, found = spiking({30: 40_000_000, 60: 30_000_000}, minutes([1_000_00] * 400))
    assert not detector.may_fire(found)
    found.tape.add(NOW_S, 30_000_000, buy=True)
    assert detector.may_fire(found)
    assert detector.closed(found) is None
    assert detector.ended(found) is None
    found.tape.add(NOW_S, 30_000_000, buy=False)
    assert detector.ended(found).usd == 100_000_000
