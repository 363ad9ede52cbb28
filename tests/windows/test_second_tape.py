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
    assert found.second == T + 10
    assert found.last == 101.0
    drawn = found.chart(found.newest_ms, orders=True)
    assert [row[0] for row in drawn.price] == [(T + 5) * 1000, (T + 10) * 1000]


def test_chart_sums_bars_and_spans_what_is_known() -> None:
    """Bars are buys and sells or liquidated shorts and longs in five seconds; a young tape draws a minute."""
    found = tape((0, 100.0), (1, 101.0), (7, 99.0))
    found.add(T, 5, buy=True)
    found.add(T + 1, 7, buy=False)
    found.force(T + 7, 11, long=True)
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
    assert len(found._ring) == 64 * 300


def test_an_absurd_sum_is_packed_too() -> None:
    """What no market can reach stays the largest sum that a packed second holds."""
    found = tape(*[(second, 100.0) for second in range(150)])
    found.force(T + 140, 10**30, long=True)
    for second in range(150, 299):
        found.price(T + second, 100.0)
    (bar,) = found.chart((T + 298) * 1000, orders=False).bars
    assert bar == ((T + 140) * 1000, 0, 2**63 - 1)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0, 1, 1, 1, 1, 2, 7, 60, 240, 299, 300, 301]), min_size=150, max_size=500),
    rng=st.randoms(use_true_random=True),
)
def test_packed_seconds_say_what_was_put_in(steps, rng) -> None:
    """The last five minutes equal those of a plain sum by second, whatever came up to a minute late."""
    found, sums, newest = SecondTape(), {}, T
    for number, step in enumerate(steps):
        newest += step
        second = newest - rng.choice([0, 0, 0, 1, 30, 60])
        price = 100.0 + number % 7
        found.open(newest)
        found.add(second, number, buy=False)
        found.price(second, price)
        sums.setdefault(newest, [0, []])
        sold, prices = sums.setdefault(second, [0, []])
        sums[second] = [sold + number, [*prices, price]]
    rows = found._between((newest - 300) * 1000, newest * 1000)
    kept = sorted(one for one in sums if one > newest - 300 and (sums[one][1] or one == newest))
    assert [row.second for row in rows] == kept
    for row in rows:
        sold, prices = sums[row.second]
        assert row.sell == sold
        assert (row.low, row.high, row.last) == (
            (min(prices), max(prices), prices[-1]) if prices else (float("inf"), 0.0, 0.0)
        )


class Sums:
    """The same by plain sums over all that was ever put in."""

    def __init__(self) -> None:
        self.newest = -1
        self.rows: dict[int, list] = {}

    def put(self, second: int, place: int, cents: int) -> None:
        """Add to bought, sold, longs or shorts of a second."""
        self.newest = max(self.newest, second)
        self.rows.setdefault(second, [0, 0, 0, 0])[place] += cents

    def over(self, span: int, until: int) -> tuple[int, int]:
        """Return bought and sold of the `span` seconds before `until`."""
        inside = [row for second, row in self.rows.items() if until - span <= second < until]
        return sum(row[0] for row in inside), sum(row[1] for row in inside)


moves = st.tuples(
    st.sampled_from([0, 0, 0, 1, 1, 1, 2, 7, 59, 60, 61, 299, 300, 301, 400]),
    st.sampled_from([0, 0, 0, 1, 2, 30, 59, 60]),
    st.sampled_from(["buy", "sell", "long", "short", "price"]),
    st.integers(1, 10**9),
)


@settings(max_examples=600, deadline=None)
@given(st.lists(moves, max_size=120))
def test_sums_are_those_of_the_whole_seconds_before(steps) -> None:
    """Whatever comes late, skips seconds or waits for minutes, to the cent."""
    found, sums, now = SecondTape(), Sums(), T
    for step, late, what, cents in steps:
        now += step
        second = now - late
        if what == "price":
            found.price(second, 100.0)
            sums.put(second, 0, 0)
        elif what in {"buy", "sell"}:
            found.add(second, cents, buy=what == "buy")
            sums.put(second, 0 if what == "buy" else 1, cents)
        else:
            found.force(second, cents, long=what == "long")
            sums.put(second, 2 if what == "long" else 3, cents)
        newest = sums.newest
        assert found.second == newest
        assert (found.buy, found.sell) == sums.over(300, newest)
        assert found.minute == sum(sums.over(60, newest))
        for until in (newest, newest + 1, newest + 30, newest + 301):
            assert found.flow(until) == sums.over(300, until)
            assert found.minute_sides(until) == sums.over(60, until)
        kept = {second: row for second, row in sums.rows.items() if second > newest - 300}
        rows = found._between((newest - 300) * 1000, newest * 1000)
        assert [(row.second, row.buy, row.sell, row.long_usd, row.short_usd) for row in rows] == [
            (second, *kept[second]) for second in sorted(kept)
        ]
