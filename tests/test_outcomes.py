"""What followed an alert, read off the tape: against slow definitions, and at the edges."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.outcomes import HORIZONS_MIN, Move, chance, end_ms, expected, move
from teleglas.tape import MINUTE_MS, PriceMinute
from ws_alert.messages import Kind
from ws_alert.signals.signal_validator import DIRECTIONS

NOON = 1_800_000_000_000 // MINUTE_MS * MINUTE_MS

PRICES = st.integers(1, 10_000).map(lambda ticks: ticks / 8)
TAPES = st.dictionaries(st.integers(-5, 80), PRICES, max_size=90)


def tape(lasts, asset="BTC", spread=0.0):
    """Return minutes with these last prices."""
    rows = {}
    for minute, last in lasts.items():
        at = NOON + minute * MINUTE_MS
        rows[at] = PriceMinute(at, asset, last - spread, last + spread, last)
    return rows


@pytest.mark.parametrize(
    ("after_ms", "minutes"), [(0, 15), (29_999, 15), (30_000, 16), (59_999, 16), (-30_000, 15), (-30_001, 14)]
)
def test_a_horizon_ends_at_the_nearest_full_minute(after_ms, minutes):
    """Half a minute and more counts up."""
    assert end_ms(NOON + after_ms, 15) == NOON + minutes * MINUTE_MS


@given(TAPES, PRICES, st.integers(0, 10 * MINUTE_MS), st.sampled_from(HORIZONS_MIN))
def test_a_move_is_the_share_between_two_prices_that_were_seen(lasts, price, after_ms, horizon):
    """The price of the minute before the horizon's end, and nothing else, decides; without it there is no move."""
    found = move([("BTC", price)], NOON + after_ms, horizon, {"BTC": tape(lasts)})
    ends = round(Fraction(after_ms, MINUTE_MS) + horizon + Fraction(1, 10**9))
    last = lasts.get(ends - 1)
    assert found.horizon_min == horizon
    if last is None:
        assert found == Move(horizon)
    else:
        assert found.move == pytest.approx((last - price) / price * 100, abs=1e-9)
        assert (found.move > 0) == (last > price)
        whole = [lasts.get(minute) for minute in range(-(-after_ms // MINUTE_MS), ends)]
        if None in whole or not whole:
            assert (found.rise, found.fall) == (None, None)
        else:
            assert found.rise == pytest.approx(max(0, (max(whole) - price) / price * 100), abs=1e-9)
            assert found.fall == pytest.approx(min(0, (min(whole) - price) / price * 100), abs=1e-9)


def test_an_unchanged_price_did_not_move():
    """It is right for no call."""
    found = move([("BTC", 0.1)], NOON, 5, {"BTC": tape(dict.fromkeys(range(5), 0.1))})
    assert (found.move, found.rise, found.fall) == (0.0, 0.0, 0.0)


def test_an_alert_without_a_price_has_no_outcome():
    """Nothing was seen at its event: nothing is made up."""
    assert move([], NOON, 5, {"BTC": tape({4: 5.0})}) == Move(5)


def test_several_assets_move_by_their_median():
    """At least half of them must have been seen."""
    prices = [("A", 100.0), ("B", 100.0), ("C", 100.0), ("D", 100.0)]
    tapes = {"A": tape({4: 101.0}), "B": tape({4: 99.0}), "C": tape({4: 105.0})}
    assert move(prices, NOON, 5, tapes).move == pytest.approx(1.0)
    del tapes["A"]
    assert move(prices, NOON, 5, tapes).move == pytest.approx(2.0)
    del tapes["B"]
    assert move(prices, NOON, 5, tapes) == Move(5)


@given(
    st.lists(st.sampled_from([None, 1, 2, 2, 3, 4]), min_size=50, max_size=200), st.sampled_from(HORIZONS_MIN)
)
def test_chance_is_the_share_of_all_pairs(lasts, horizon):
    """Each pair of minutes a horizon apart counts once, pairs with a hole do not, equal prices are neither."""
    rows = list(tape({m: float(p) for m, p in enumerate(lasts) if p}).values())
    found = chance(reversed(rows), horizon)
    pairs = [(a, b) for a, b in zip(lasts, lasts[horizon:], strict=False) if a and b]
    if len(pairs) < 60:
        assert found is None
    else:
        assert found is not None
        assert found.pairs == len(pairs)
        assert found.up == sum(b > a for a, b in pairs) / len(pairs)
        assert found.down == sum(b < a for a, b in pairs) / len(pairs)


def test_the_chance_at_the_time_stands_beside_the_move():
    """Of several assets it is the mean."""
    minutes = tape({minute: float(minute + 10) for minute in range(90)})
    rising, flat = chance(minutes.values(), 5), chance(tape(dict.fromkeys(range(90), 1.0)).values(), 5)
    assert (rising.up, rising.down, flat.up, flat.down) == (1.0, 0.0, 0.0, 0.0)
    found = move([("BTC", 1.0)], NOON, 5, {"BTC": minutes}, (rising, flat))
    assert (found.up, found.down) == (0.5, 0.0)


CALLS = {
    ("large_liquidation", "long"): -1, ("large_liquidation", "short"): 1,
    ("liquidation_storm", "long"): -1, ("liquidation_storm", "short"): 1,
    ("market_cascade", "long"): -1, ("market_cascade", "short"): 1,
    ("stop_hunt", "long"): 1, ("stop_hunt", "short"): -1,
    ("whale_trade", "buy"): 1, ("whale_trade", "sell"): -1,
    ("whale_cluster", "buy"): 1, ("whale_cluster", "sell"): -1,
    ("order_flow", "buy"): 1, ("order_flow", "sell"): -1,
    ("whale_accumulation_window", "buy"): 1, ("whale_accumulation_window", "sell"): -1,
    ("global_radar", "bullish"): 1, ("global_radar", "bearish"): -1, ("global_radar", "neutral"): 0,
    ("candle_confluence", "bullish"): 1, ("candle_confluence", "bearish"): -1, ("candle_confluence", "neutral"): 0,
    ("funding_extreme", "long"): -1, ("funding_extreme", "short"): 1,
    ("volume_spike", "neutral"): 0, ("oi_divergence", "neutral"): 0,
}  # fmt: skip


def test_every_kind_and_direction_has_a_call():
    """The table of `teleglas.outcomes`, for every direction that a kind can have."""
    assert {(kind.value, way) for kind in Kind for way in DIRECTIONS[kind]} == set(CALLS)
    assert {key: expected(*key) for key in CALLS} == CALLS
