"""Five minutes of prices and flow by second, as pictures and volatility read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ws_alert.windows.second_tape import SecondTape

T = 1_700_000_000


def tape(*prices: tuple[int, float]) -> SecondTape:
    """Return a tape with a price at these seconds after T."""
    found = SecondTape()
    for second, price in prices:
        found.price(T + second, price)
        found.newest_ms = max(found.newest_ms, (T + second) * 1000)
    return found


def test_range_is_that_of_five_minutes() -> None:
    """A price exactly five minutes old no longer counts."""
    found = tape((0, 50.0), (1, 90.0), (100, 110.0), (300, 100.0))
    assert found.range_percent(found.newest_ms) == pytest.approx(20.0)
    assert SecondTape().range_percent(0) is None


def test_move_is_from_the_last_price_before_to_the_last_within() -> None:
    """Without an earlier price the move starts in the middle of the first second; without any it is unknown."""
    found = tape((0, 100.0), (10, 90.0), (20, 95.0))
    assert found.move((T + 5) * 1000, (T + 20) * 1000) == (100.0, 95.0)
    assert found.move((T - 1) * 1000, (T + 20) * 1000) == (100.0, 95.0)
    assert found.move((T + 20) * 1000, (T + 30) * 1000) == (95.0, None)
    assert SecondTape().move(0, 1000) == (None, None)


def test_a_late_second_joins_its_place() -> None:
    """A bucket that arrives late is not the current one, and is drawn where it belongs."""
    found = tape((10, 100.0), (5, 80.0), (10, 101.0))
    assert found.current.second == T + 10
    assert found.current.last == 101.0
    drawn = found.chart(found.newest_ms, orders=True)
    assert [row[0] for row in drawn.price] == [(T + 5) * 1000, (T + 10) * 1000]


def test_chart_sums_bars_and_spans_what_is_known() -> None:
    """Bars are buys and sells or liquidated shorts and longs in five seconds; a young tape draws a minute."""
    found = tape((0, 100.0), (1, 101.0), (7, 99.0))
    found.at(T).buy, found.at(T + 1).sell, found.at(T + 7).long_usd = 5, 7, 11
    flow, forced = found.chart(found.newest_ms, orders=True), found.chart(found.newest_ms, orders=False)
    assert (flow.bars, flow.bars_are) == (((T * 1000, 5, 7),), "orders")
    assert (forced.bars, forced.bars_are) == ((((T + 5) * 1000, 0, 11),), "liquidations")
    assert forced.price == ((T * 1000, 100.0, 101.0, 101.0), ((T + 5) * 1000, 99.0, 99.0, 99.0))
    assert flow.to_ms - flow.from_ms == 60_000
    assert SecondTape().chart(T * 1000, orders=True).price == ()


def test_memory_is_five_minutes_of_seconds() -> None:
    """Older buckets go as time goes on."""
    found = tape(*[(second, 100.0) for second in range(2000)])
    assert len(found._between(0, found.newest_ms)) == 300
    assert len(found._rows) < 80


def test_an_absurd_sum_is_packed_too() -> None:
    """What no market can reach stays the largest sum that a packed second holds."""
    found = tape(*[(second, 100.0) for second in range(150)])
    found.at(T + 140).long_usd = 10**30
    for second in range(150, 299):
        found.price(T + second, 100.0)
    (bar,) = found.chart((T + 298) * 1000, orders=False).bars
    assert bar == ((T + 140) * 1000, 0, 2**63 - 1)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0, 1, 1, 1, 1, 2, 60, 301]), min_size=150, max_size=500),
    rng=st.randoms(use_true_random=True),
)
def test_packed_seconds_say_what_was_put_in(steps, rng) -> None:
    """The last five minutes equal those of a plain sum by second, whatever came up to a minute late."""
    found, sums, newest = SecondTape(), {}, T
    for number, step in enumerate(steps):
        newest += step
        second = newest - rng.choice([0, 0, 0, 1, 30, 60])
        price = 100.0 + number % 7
        found.at(newest)
        found.at(second).sell += number
        found.price(second, price)
        sums.setdefault(newest, [0, []])
        sold, prices = sums.setdefault(second, [0, []])
        sums[second] = [sold + number, [*prices, price]]
    rows = found._between((newest - 300) * 1000, newest * 1000)
    assert [row.second for row in rows] == sorted(one for one in sums if one > newest - 300)
    for row in rows:
        sold, prices = sums[row.second]
        assert row.sell == sold
        assert (row.low, row.high, row.last) == (
            (min(prices), max(prices), prices[-1]) if prices else (float("inf"), 0.0, 0.0)
        )
