"""Funding and open interest against slow definitions that look at all rows ever told."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ws_alert.detectors.funding_extreme_detector import FundingExtremeDetector
from ws_alert.detectors.hit import Level
from ws_alert.detectors.oi_divergence_detector import OiDivergenceDetector
from ws_alert.messages import DivergenceFacts, FundingFacts, Tier
from ws_alert.rules import Rules
from ws_alert.windows.interest import FundingRow, Interest, InterestRow, InterestRows

T = 1_790_000_000_000
MINUTE = 60_000
RULES = Rules()
VENUES = ("binance", "bybit", "okx")
CONTRACTS = tuple(product(VENUES, ("A", "B")))

# Around 0.1 % per 8 h for every interval, to the last digit, and twice and four times that.
RATES = (
    "0.001", "0.00099999", "0.0009999999999", "0.00125", "0.000125", "0.00012499999", "0.0005", "0.00049999", "0.00025",
    "0.002", "0.004", "0.0039999", "-0.001", "-0.00099999", "-0.000125", "-0.002", "-0.004", "-0.00025", "-0.0005", "0.0",
    "0.0008", "0.0007999",
)  # fmt: skip

_funding = st.tuples(
    st.sampled_from(CONTRACTS),
    st.sampled_from([0, 1, 1_000, 59_999, 60_000, 179_999, 180_000, 180_001, 600_000]),
    st.sampled_from([0, 0, 0, 1, 40_000, 200_000]),
    st.sampled_from(RATES),
    st.sampled_from([1.0, 2.0, 4.0, 8.0]),
)
EVERY = {"binance": MINUTE, "bybit": MINUTE, "okx": 60 * MINUTE}


def _tier(multiple: Fraction) -> Tier:
    for least, tier in ((4, Tier.URGENT), (2, Tier.WATCH), (1, Tier.INFO)):
        if multiple >= least:
            return tier
    return Tier.NONE


def _newest(rows: list[tuple], contract: tuple[str, str]) -> tuple | None:
    """Return what a contract told last: a row that is not newer than the one before it is no news."""
    last = None
    for row in rows:
        if row[0] == contract and (last is None or row[1] > last[1]):
            last = row
    return last


def _funding_by_definition(rows: list[tuple], now: int, sign: int) -> tuple[Fraction, list[str]]:
    """Return the multiple of 0.1 % per 8 h in one direction, and the venues at or over it."""
    top, over = Fraction(0), set()
    for contract in CONTRACTS:
        row = _newest(rows, contract)
        if row is None or now - row[1] > 3 * EVERY[contract[0]]:
            continue
        percent = Fraction(row[2]) * 100 * 8 / Fraction(row[3]) * sign
        top = max(top, percent / Fraction("0.1"))
        if percent >= Fraction("0.1"):
            over.add(contract[0])
    return top, sorted(over)


def _same_funding(levels: tuple[Level, Level], rows: list[tuple], now: int) -> None:
    for level, direction, sign in zip(levels, ("long", "short"), (1, -1), strict=True):
        multiple, over = _funding_by_definition(rows, now, sign)
        assert (level.direction, level.multiple) == (direction, float(multiple))
        assert (level.hit is not None) == (multiple >= 1)
        if level.hit is not None:
            assert level.hit.tier is _tier(multiple)
            assert [venue for venue, _ in level.hit.venues] == over
            assert level.hit.count == len(over)


@settings(max_examples=400, deadline=None)
@given(st.lists(_funding, max_size=40), st.data())
def test_funding_equals_its_definition(told, data) -> None:
    """In any order of arrival, whatever is swept, and over a restart at any point."""
    interest, detector = Interest(), FundingExtremeDetector(RULES)
    kept: list[InterestRows] = []
    rows, now = [], T
    for (venue, symbol), step, late, rate, hours in told:
        now += step
        row = FundingRow(venue, symbol, "X", now - late, float(rate), hours, EVERY[venue])
        interest.of("X").fund(row)
        rows.append(((venue, symbol), row.at_ms, rate, hours))
        event = data.draw(st.sampled_from(["", "", "sweep", "keep", "restart"]))
        if event == "sweep":
            interest.forget(now)
        elif event:
            kept.append(interest.new_rows())
            if event == "restart":
                interest = _restarted(kept, data)
        levels = detector.detect(interest.of("X"), row.at_ms, now)
        _same_funding(levels, rows, now)
        assert detector.measure(interest.of("X"), now) == tuple(replace(level, hit=None) for level in levels)
        assert detector.may_fire(interest.of("X")) or not any(level.hit for level in levels)


def _restarted(kept: list[InterestRows], data) -> Interest:
    fresh = Interest()
    again = [msgspec.json.decode(msgspec.json.encode(rows), type=InterestRows) for rows in kept]
    fresh.restore(data.draw(st.permutations(again + again[:2])))
    assert not fresh.new_rows()  # what the memory gave needs no keeping
    return fresh


_interest = st.tuples(
    st.sampled_from(CONTRACTS[:5]),
    st.sampled_from([0, 1, 30_000, 60_000, 299_999, 300_000, 300_001, 600_000]),
    st.sampled_from([0, 0, 0, 1, 60_000, 600_000]),
    # 1.5 % above and 0.5 % below round figures, to the cent, and their multiples
    st.sampled_from(
        [0, 100_000, 101_500, 101_499, 103_000, 106_000, 99_500, 99_501, 99_000, 98_000, 200_000, 199_000]
    ),
)


def _divergence_by_definition(rows: list[tuple]) -> tuple[Fraction, set[str]]:
    """Return the multiple of the best venue, and the venues that reach it."""
    news = []
    for row in rows:
        if all(row[1] > other[1] for other in news if other[0] == row[0]):
            news.append(row)
    newest = max(row[1] for row in rows)
    change: dict[str, list[int]] = {}
    for contract in CONTRACTS:
        mine = sorted((at, usd) for its, at, usd in news if its == contract)
        before = [usd for at, usd in mine if newest - 25 * MINUTE <= at <= newest - 15 * MINUTE]
        after = [usd for at, usd in mine if at >= newest - 10 * MINUTE]
        if before and after:
            known = change.setdefault(contract[0], [0, 0])
            known[0] += before[-1]
            known[1] += after[-1]
    best, reached = Fraction(0), set()
    for venue, (before, after) in change.items():
        others = [pair for name, pair in change.items() if name != venue]
        total = sum(pair[0] for pair in others)
        if not before or not total:
            continue
        rise = Fraction(after - before, before) / Fraction("0.015")
        fall = Fraction(total - sum(pair[1] for pair in others), total) / Fraction("0.005")
        multiple = min(rise, fall)
        if multiple > best:
            best, reached = multiple, {venue}
        elif multiple == best:
            reached.add(venue)
    return best, reached


@settings(max_examples=400, deadline=None)
@given(st.lists(_interest, min_size=1, max_size=60), st.data())
def test_divergence_equals_its_definition(told, data) -> None:
    """Whatever comes late, is swept, or is restored."""
    interest, detector = Interest(), OiDivergenceDetector(RULES)
    kept: list[InterestRows] = []
    rows, now = [], T
    for (venue, symbol), step, late, usd in told:
        now += step
        row = InterestRow(venue, symbol, "X", now - late, usd)
        interest.of("X").sample(row)
        rows.append(((venue, symbol), row.at_ms, usd))
        event = data.draw(st.sampled_from(["", "", "sweep", "keep", "restart"]))
        if event == "sweep":
            interest.forget(now)
        elif event:
            kept.append(interest.new_rows())
            if event == "restart":
                interest = _restarted(kept, data)
        level = detector.detect(interest.of("X"), row.at_ms)
        multiple, venues = _divergence_by_definition(rows)
        assert (level.direction, level.multiple) == ("neutral", float(multiple))
        assert (level.hit is not None) == (multiple >= 1) == detector.may_fire(interest.of("X"))
        assert detector.measure(interest.of("X")) == replace(level, hit=None)
        if level.hit is not None:
            assert level.hit.tier is _tier(multiple)
            assert level.hit.facts.venue == min(venues)


def _told(asset, *rows: tuple[str, int, int]) -> Level:
    for venue, minute, usd in rows:
        asset.sample(InterestRow(venue, "A", asset.asset, T + minute * MINUTE, usd))
    return OiDivergenceDetector(RULES).detect(asset, asset.newest_ms)


def test_divergence_says_what_it_compared() -> None:
    """One venue gains what two others lose: every figure, in cents."""
    level = _told(
        Interest().of("BTC"),
        ("okx", 0, 400_000), ("binance", 0, 1_000_000), ("bybit", 0, 600_000),
        ("okx", 15, 404_000), ("binance", 15, 1_030_000), ("bybit", 15, 586_000),
    )  # fmt: skip
    hit = level.hit
    assert (hit.usd, hit.count, hit.window_ms, hit.threshold_count) == (30_000, 3, 900_000, 1)
    assert hit.venues == (("binance", 1_030_000), ("bybit", 586_000), ("okx", 404_000))
    assert hit.facts == DivergenceFacts(
        "binance", 1_000_000, 1_030_000, 3.0, ("bybit", "okx"), 1_000_000, 990_000, 1.0, T, T + 15 * MINUTE,
        1.5, 0.5,
    )  # fmt: skip
    assert (level.multiple, hit.tier) == (2.0, Tier.WATCH)


@pytest.mark.parametrize(
    ("rows", "fires"),
    [
        ((("a", 0, 100_000), ("b", 0, 100_000), ("a", 15, 101_500), ("b", 15, 99_500)), True),
        ((("a", 0, 100_000), ("b", 0, 100_000), ("a", 15, 101_499), ("b", 15, 99_500)), False),
        ((("a", 0, 100_000), ("b", 0, 100_000), ("a", 15, 101_500), ("b", 15, 99_501)), False),
        # the other venue told nothing fifteen minutes ago
        ((("a", 0, 100_000), ("b", 1, 100_000), ("b", 14, 99_000), ("a", 15, 110_000)), False),
        # nor within the ten minutes before that
        ((("a", 0, 100_000), ("b", -11, 100_000), ("b", 14, 99_000), ("a", 15, 110_000)), False),
        ((("a", 0, 100_000), ("b", -10, 100_000), ("b", 14, 99_000), ("a", 15, 110_000)), True),
        # what it tells now is eleven minutes old
        ((("a", 0, 100_000), ("b", 0, 100_000), ("b", 4, 99_000), ("a", 15, 110_000)), False),
        ((("a", 0, 100_000), ("b", 0, 100_000), ("b", 5, 99_000), ("a", 15, 110_000)), True),
        # a venue alone diverges from nothing
        ((("a", 0, 100_000), ("a", 15, 110_000)), False),
        # one that had nothing open cannot rise by a percentage
        ((("a", 0, 0), ("b", 0, 100_000), ("a", 15, 1), ("b", 15, 99_000)), False),
    ],
)
def test_divergence_at_its_borders(rows, fires) -> None:
    """To the cent and to the millisecond."""
    assert (_told(Interest().of("BTC"), *rows).hit is not None) == fires


def test_a_contract_that_begins_to_be_watched_is_no_rise() -> None:
    """A venue's second contract counts from the day on which both ends of the span have it."""
    asset = Interest().of("BTC")
    asset.sample(InterestRow("binance", "NEW", "BTC", T + 15 * MINUTE, 900_000))
    level = _told(
        asset, ("binance", 0, 100_000), ("okx", 0, 100_000), ("binance", 15, 100_000), ("okx", 15, 99_000)
    )
    assert (level.multiple, level.hit) == (0.0, None)


def _funded(
    *rates: tuple[str, str, float, float], interest: tuple[tuple[str, str, int], ...] = ()
) -> tuple[Level, Level]:
    asset = Interest().of("BTC")
    for venue, symbol, usd in interest:
        asset.sample(InterestRow(venue, symbol, "BTC", T - 1, usd))
    for venue, symbol, rate, hours in rates:
        asset.fund(FundingRow(venue, symbol, "BTC", T, rate, hours))
    return FundingExtremeDetector(RULES).detect(asset, T, T)


def test_funding_says_what_it_compared() -> None:
    """Rates of several intervals on one scale, the most extreme first, weighed by open interest where it is known."""
    long, short = _funded(
        ("binance", "BTCUSDT", -0.0001, 8.0), ("hyperliquid", "BTC", 0.0005, 1.0), ("bybit", "BTCUSDT", 0.0005, 4.0),
        ("okx", "BTC-USDT-SWAP", 0.01, 8.0),
        interest=(("binance", "BTCUSDT", 6_000), ("hyperliquid", "BTC", 1_000), ("bybit", "BTC", 3_000)),
    )  # fmt: skip
    assert (short.multiple, short.hit) == (0.1, None)
    hit = long.hit
    assert (long.multiple, hit.tier, hit.window_ms) == (10.0, Tier.URGENT, 28_800_000)
    assert hit.venues == (("bybit", 3_000), ("hyperliquid", 1_000), ("okx", 0))
    assert (hit.usd, hit.count, hit.threshold_usd, hit.threshold_count) == (4_000, 3, 0, 1)
    facts = hit.facts
    assert isinstance(facts, FundingFacts)
    assert [(rate.venue, rate.percent_8h, rate.oi_usd) for rate in facts.rates] == [
        ("okx", 1.0, None), ("hyperliquid", 0.4, 1_000), ("bybit", 0.1, 3_000), ("binance", -0.01, 6_000)
    ]  # fmt: skip
    assert (facts.extreme_8h, facts.extreme_of) == (1.0, "okx")
    assert facts.weighted_8h == pytest.approx((-0.01 * 6 + 0.4 * 1 + 0.1 * 3) / 10)


@pytest.mark.parametrize(
    ("rate", "hours", "direction"),
    [
        (0.001, 8.0, "long"), (0.0009999999, 8.0, ""), (-0.001, 8.0, "short"), (-0.0009999999, 8.0, ""),
        (0.000125, 1.0, "long"), (0.0001249999, 1.0, ""), (-0.0005, 4.0, "short"), (0.00025, 2.0, "long"),
    ],
)  # fmt: skip
def test_funding_at_its_borders(rate, hours, direction) -> None:
    """Exactly 0.1 % per 8 hours fires, in both directions; the next smaller number does not."""
    found = [level.direction for level in _funded(("binance", "A", rate, hours)) if level.hit]
    assert found == ([direction] if direction else [])


def test_the_weighted_mean_never_fires_alone() -> None:
    """It cannot exceed the largest rate that it is made of."""
    long, _ = _funded(
        ("a", "X", 0.00099, 8.0), ("b", "X", 0.00098, 8.0), interest=(("a", "X", 9), ("b", "X", 1))
    )
    assert long.hit is None
    assert long.multiple == 0.99


def test_what_is_swept_is_told_once() -> None:
    """A rate that no longer counts, and open interest that fell silent, change the figures of their assets."""
    interest = Interest()
    interest.of("A").fund(FundingRow("v", "s", "A", T, 0.01, 8.0))
    interest.of("B").sample(InterestRow("v", "s", "B", T, 1))
    assert interest.forget(T + 180_000) == []
    assert interest.forget(T + 180_001) == ["A"]
    assert interest.forget(T + 180_001) == []
    assert interest.forget(T + 1_800_001) == ["B"]
    assert not interest._assets


def test_a_crowded_contract_stays_bounded() -> None:
    """Ten samples a second for half an hour: the oldest go first, the rest stay exact."""
    asset = Interest().of("A")
    for tick in range(18_000):
        asset.sample(InterestRow("v", "s", "A", T + tick * 100, tick))
    (series,) = asset._series.values()
    assert len(series.when) == 4_096
    assert asset.open_interest("v", T + 17_999 * 100) == 17_999
    assert len(asset.untold()[1]) == 4_096
    assert asset.untold() == ([], [])
