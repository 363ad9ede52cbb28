"""What follows from the exchanges' rows: changes, windows, depth, walls, and who answers first."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers import MissingError, Reason
from bot.sources import depth, derived
from bot.sources.race import first, main_reason
from bot.sources.venue import main_contracts
from teleglas.market import Instrument, TakerSide
from teleglas.venues.quotes import Book, Candle, Day, Flow, InterestPoint, Level, Trade

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_790_000_000_000 // DAY * DAY + 41_000  # 41 s into a minute, an hour and a day


def flat(begin, length, count, close=100.0):
    """Return candles of one price."""
    return [Candle(begin + length * number, close, close, close, close, 10.0, 6.0) for number in range(count)]


class TestPrice:
    """Changes and ranges."""

    def test_a_change_compares_with_the_last_full_minute_before(self):
        """Five minutes before :41 is :41; the candle that closed at :00 before it counts, not the one around it."""
        minutes = flat(NOW - 41_000 - 10 * MINUTE, MINUTE, 11)
        minutes[4] = Candle(minutes[4].time_ms, 1, 1, 1, 80.0)
        minutes[5] = Candle(minutes[5].time_ms, 1, 1, 1, 90.0)
        price = derived.price(Day(120.0), minutes, [], NOW)
        assert price.change_percent == {"5m": pytest.approx(50.0)}

    def test_what_is_not_known_is_not_there(self):
        """No candles: no changes, no ranges; a gap of more than ten minutes is no base."""
        price = derived.price(Day(120.0, open=None), [], [], NOW)
        assert (price.change_percent, price.high_24h, price.low_7d) == ({}, None, None)
        old = flat(NOW - 41_000 - 30 * MINUTE, MINUTE, 3)
        assert "15m" not in derived.price(Day(1.0), old, [], NOW).change_percent

    def test_ranges_include_the_present_price(self):
        """A new high just now is above every candle; the day's own range goes before that of the candles."""
        hours = flat(NOW - 41_000 - 30 * HOUR, HOUR, 30)
        hours[0] = Candle(hours[0].time_ms, 200, 200, 50, 100)
        price = derived.price(Day(110.0, open=100.0), hours=hours, minutes=[], now_ms=NOW)
        assert (price.high_24h, price.low_24h, price.high_7d, price.low_7d) == (110.0, 100.0, 200.0, 50.0)
        assert price.change_percent == {"24h": pytest.approx(10.0)}
        assert derived.price(Day(110.0, high=130.0, low=90.0), [], hours, NOW).high_24h == 130.0


class TestWindows:
    """RSI, flow, CVD, open interest."""

    def test_rsi_uses_closed_candles_only(self):
        """The open candle's leap changes nothing."""
        rows = [*flat(NOW - 41_000 - 20 * HOUR, HOUR, 20), Candle(NOW - 41_000, 1, 1, 1, 10_000)]
        assert derived.strength({"1h": rows, "4h": rows[:10]}, NOW) == {"1h": 50.0}
        assert len(derived.closed(rows, "1h", NOW)) == 20

    def test_flow_sums_full_periods_and_differs_by_window(self):
        """3 periods of 6 bought and 4 sold; the open period is left out; a hole leaves the window out."""
        rows = [Flow(NOW - 41_000 - number * 5 * MINUTE, 6.0, 4.0) for number in range(13, -1, -1)]
        flows = {flow.window: flow for flow in derived.flows(rows, NOW)}
        assert (flows["5m"].buy_usd, flows["15m"].sell_usd, flows["1h"].buy_usd) == (6.0, 12.0, 72.0)
        assert "4h" not in flows
        holed = [row for row in rows if row.time_ms != NOW - 41_000 - 10 * MINUTE]
        assert [flow.window for flow in derived.flows(holed, NOW)] == ["5m"]
        assert derived.flows(rows, NOW + HOUR) == ()

    def test_cvd_needs_every_hour(self):
        """24 hours of +2 are 48; 23 are unknown, not less."""
        rows = [Flow(NOW - 41_000 - number * HOUR, 3.0, 1.0) for number in range(23, -1, -1)]
        assert derived.cvd(rows, NOW) == 48.0
        assert derived.cvd(rows[1:], NOW) is None

    def test_interest_that_was_zero_is_no_base(self):
        """A venue that told zero for then is left out of the comparison on both sides."""
        past = {"A": [InterestPoint(NOW - HOUR, 100.0)], "B": [InterestPoint(NOW - HOUR, 0.0)]}
        together, _ = derived.interest_changes({"A": 110.0, "B": 50.0}, past, NOW)
        assert together == {"1h": pytest.approx(10.0)}

    def test_interest_changes_compare_the_same_exchanges(self):
        """An exchange without a past is on neither side; nor one whose past is 40 min off."""
        past = {"A": [InterestPoint(NOW - HOUR, 50.0)], "B": [InterestPoint(NOW - 2 * HOUR, 1.0)]}
        together, alone = derived.interest_changes({"A": 60.0, "B": 7.0, "C": 9.0}, past, NOW)
        assert together == {"1h": pytest.approx(20.0)}
        assert alone == {}
        day = {"A": [InterestPoint(NOW - DAY, 50.0)], "B": [InterestPoint(NOW - DAY, 0.0)]}
        assert derived.interest_changes({"A": 25.0, "B": 5.0}, day, NOW)[1] == {"A": pytest.approx(-50.0)}

    def test_interest_over_time_has_only_common_times(self):
        """Two exchanges' coins at the price of then; of finer rows the first of an hour is that of its beginning."""
        candles = [Candle(0, 10.0, 1, 1, 1), Candle(HOUR, 20.0, 1, 1, 1), Candle(2 * HOUR, 30.0, 1, 1, 1)]
        past = [
            [InterestPoint(0, 1.0), InterestPoint(HOUR, 2.0)],
            [
                InterestPoint(HOUR + 5, 3.0),
                InterestPoint(HOUR + 15 * MINUTE, 99.0),
                InterestPoint(2 * HOUR, 3.0),
            ],
        ]
        points = derived.interest_values(past, candles, "1h")
        assert [(point.time_ms, point.value) for point in points] == [(HOUR, 100.0)]
        assert derived.interest_values([], candles, "1h") == ()


def book(bids, asks):
    """Return a book of (price, USD) rows."""
    return Book(tuple(Level(*row) for row in bids), tuple(Level(*row) for row in asks))


class TestDepth:
    """Order books."""

    def test_depth_is_within_one_percent_of_the_middle(self):
        """Middle 100: 99.0 counts, 98.9 does not; the book reaches beyond 1 %."""
        told = depth.summary(
            book([(99.9, 5), (99.0, 7), (98.9, 100)], [(100.1, 3), (101.0, 4), (102, 9)]), "Binance", "X"
        )
        assert (told.bid_1_usd, told.ask_1_usd, told.reach_percent) == (12, 7, 1.0)

    def test_a_short_book_says_how_far_it_goes(self):
        """Then the depth is a part of it."""
        short = book([(99.9, 5), (99.5, 7)], [(100.1, 3), (100.2, 4)])
        assert depth.reach_percent(short) == pytest.approx(0.2)

    def test_walls_stand_out_from_their_side(self):
        """Five times the median and $20k; nearest first."""
        levels = [Level(100 - number / 10, 10_000.0) for number in range(1, 10)]
        levels[3], levels[7] = Level(levels[3].price, 60_000.0), Level(levels[7].price, 90_000.0)
        assert [wall.usd for wall in depth.walls(levels, 100.0)] == [60_000.0, 90_000.0]
        assert depth.walls([Level(99.9, 19_000.0), Level(99.8, 1.0), Level(99.7, 1.0)], 100.0) == []
        assert depth.walls([Level(50.0, 1e9)], 100.0) == []

    def test_a_wall_that_left_untouched_is_suspect(self):
        """Not one that was traded through, nor one that still stands, nor if the tape is too short."""
        thin = [(99.9, 10.0), (99.8, 10.0), (99.6, 10.0), (99.4, 10.0)]
        asks = [(100.1, 10.0), (100.3, 10.0), (100.6, 10.0)]
        before = book([*thin[:2], (99.7, 50_000.0), *thin[2:]], asks)
        after = book(thin, asks)

        def trade(time_ms, price):
            return Trade(time_ms, TakerSide.SELL, price, 1.0)

        calm = [trade(900, 99.95), trade(1100, 99.9)]
        assert depth.suspects(before, after, calm, 1000) == [Level(99.7, 50_000.0)]
        assert depth.suspects(before, before, calm, 1000) == []
        assert depth.suspects(before, after, [*calm, trade(1200, 99.7)], 1000) == []
        assert depth.suspects(before, after, calm[1:], 1000) == []
        assert depth.suspects(before, after, [], 1000) == []

    @given(st.lists(st.tuples(st.floats(0.01, 99), st.floats(0, 1e9)), min_size=1, max_size=20),
           st.lists(st.tuples(st.floats(100, 200), st.floats(0, 1e9)), min_size=1, max_size=20))  # fmt: skip
    def test_any_book_is_summed(self, bids, asks):
        """Zeros and single levels included: no division by zero, no negative sum."""
        told = depth.summary(book(sorted(bids, reverse=True), sorted(asks)), "v", "s")
        assert told.bid_1_usd >= 0
        assert 0 <= told.reach_percent <= 1


class TestRace:
    """Who answers."""

    async def test_the_first_in_order_wins_while_it_is_quick(self):
        """The second is not even asked."""
        asked = []

        async def ask(name):
            asked.append(name)
            return name

        assert await first([lambda: ask("a"), lambda: ask("b")]) == "a"
        assert asked == ["a"]

    async def test_a_failing_or_slow_one_is_passed_over(self):
        """Its turn ends at once when it fails, after the head start when it is silent; it is given up then."""
        ended = asyncio.Event()

        async def fail():
            raise MissingError(Reason.NO_ANSWER, "a")

        async def hang():
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async def answer():
            return "b"

        assert await first([fail, answer], head_start_s=60) == "b"
        assert await first([hang, answer], head_start_s=0.01) == "b"
        assert ended.is_set()

    async def test_the_reason_is_of_one_that_is_out_of_order(self):
        """Not of one that lacks the coin; and an error of our own is not hidden."""

        async def lacks():
            raise MissingError(Reason.NOT_LISTED, "a")

        async def fails():
            raise MissingError(Reason.BUSY, "b")

        async def breaks():
            raise ZeroDivisionError

        with pytest.raises(MissingError) as caught:
            await first([lacks, fails])
        assert caught.value.missing.who == "b"
        with pytest.raises(ZeroDivisionError):
            await first([lacks, breaks])
        assert main_reason([MissingError(Reason.EMPTY, "x").missing]).missing.reason is Reason.EMPTY


def test_the_main_contract_is_linear_in_usdt():
    """Before USDC, before inverse, before a multiple of the same coin; in any order of listing."""
    rows = [Instrument("okx", "BTC-USD-SWAP", "BTC", inverse=True), Instrument("okx", "BTC-USDC-SWAP", "BTC"),
            Instrument("okx", "BTC-USDT-SWAP", "BTC"), Instrument("binance", "1000CATUSDT", "CAT", scale=1000),
            Instrument("binance", "CATUSDT", "CAT"), Instrument("bybit", "ETHPERP", "ETH"),
            Instrument("okx", "X-USD-SWAP", "X", inverse=True)]  # fmt: skip
    for order in (rows, rows[::-1]):
        chosen = main_contracts({row.symbol: row for row in order})
        assert {asset: row.symbol for asset, row in chosen.items()} == {
            "BTC": "BTC-USDT-SWAP", "CAT": "CATUSDT", "ETH": "ETHPERP", "X": "X-USD-SWAP",
        }  # fmt: skip
