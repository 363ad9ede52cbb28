"""Rows and values as the service may send them: strings, nothing, other units, other shapes."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.market import PositionSide, TakerSide
from teleglas.venues.coinglass.api.decode import Decoded, ShapeError
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.api.plans import larger, widened
from teleglas.venues.coinglass.api.values import Ms, Number, canonical_exchange, decode_value

ALL = E.all()
HOUR = 3_600_000
T0 = 1_790_000_000_000


@pytest.mark.parametrize(
    ("given", "number"),
    [(1, 1.0), ("1.5", 1.5), (" -2e3 ", -2000.0), (0, 0.0), ("0", 0.0), (None, None), ("", None), ("-", None),
     ("NaN", None), ("null", None), ("Infinity", None), (True, None), (1e308, 1e308), ("N/A", None)],
)  # fmt: skip
def test_numbers(given, number):
    """Strings are numbers, what is not there is None, and zero is a number."""
    assert decode_value(Number, given) == number


@pytest.mark.parametrize("given", ["abc", [1], {}, "1,5"])
def test_what_is_no_number(given):
    """Text where a number belongs is a changed shape, not a missing value."""
    with pytest.raises(ValueError, match="number"):
        decode_value(Number, given)


@pytest.mark.parametrize(
    ("given", "ms"),
    [(1762257600, 1762257600000), (1762254000000, 1762254000000), ("1762257600", 1762257600000),
     (1762254000000000000, 1762254000000)],
)  # fmt: skip
def test_times(given, ms):
    """Seconds, milliseconds and nanoseconds are told apart by their size."""
    assert decode_value(Ms, given) == ms


@pytest.mark.parametrize("given", [0, -1, "", None, "soon", 1e300, "1e25"])
def test_what_is_no_time(given):
    """A row without a time is no row."""
    with pytest.raises(ValueError, match="expected"):
        decode_value(Ms, given)


@pytest.mark.parametrize(
    ("given", "name"),
    [("BINANCE", "Binance"), ("binance", "Binance"), ("Gate.io", "Gate"), ("huobi", "HTX"), ("HTX", "HTX"), ("OKEX", "OKX"),
     ("all", "All"), ("dydx", "dYdX"), (" Crypto.com ", "Crypto.com"), ("Newcomer", "Newcomer")],
)  # fmt: skip
def test_exchange_names(given, name):
    """Each exchange has one name, however it was spelt; an unknown one keeps its own."""
    assert canonical_exchange(given) == name


def test_histories_are_oldest_first():
    """Rows are put into the order of time, whatever order they came in."""
    rows = [{"time": T0 + hour * HOUR, "open": 1, "high": "2", "low": None, "close": ""} for hour in (2, 0, 1)]
    found = E.OPEN_INTEREST_HISTORY.read(rows).value
    assert [row.time_ms for row in found] == [T0, T0 + HOUR, T0 + 2 * HOUR]
    assert (found[0].high, found[0].low, found[0].close) == (2.0, None, None)


def test_all_is_never_among_the_exchanges():
    """The sum stands apart in every spelling, wherever it stands in the list; without it there is none."""
    row = {"liquidation_usd": 1, "long_liquidation_usd": 1, "short_liquidation_usd": 0}
    board = E.LIQUIDATIONS.read([row | {"exchange": "BYBIT"}, row | {"exchange": "ALL", "liquidation_usd": 5}]).value
    assert ([each.exchange for each in board.venues], board.total.usd) == (["Bybit"], 5.0)
    assert E.LIQUIDATIONS.read([row | {"exchange": "OKX"}]).value.total is None


@pytest.mark.parametrize(
    ("rate", "hours", "per_8h"),
    [(0.01, 8, 0.01), ("0.01", "4", 0.02), (-0.01, 1, -0.08), (0, 8, 0.0), (None, 8, None), (0.01, None, None), (0.01, 0, None)],
)
def test_funding_per_8_hours(rate, hours, per_8h):
    """Rates of other intervals are made comparable; without an interval they are not."""
    data = [{"symbol": "X", "token_margin_list": None, "stablecoin_margin_list": [
        {"exchange": "OKX", "funding_rate": rate, "funding_rate_interval": hours}, {"exchange": "Gate.io", "funding_rate": 1}]}]  # fmt: skip
    found = E.FUNDING.read(data).value.by_coin["X"]
    assert found[0].percent_8h == (None if per_8h is None else pytest.approx(per_8h))
    assert (found[1].exchange, found[1].interval_h, found[1].next_ms) == ("Gate", None, None)


def test_funding_with_missing_parts():
    """A coin without lists, and a list that is none, are counted; others stay."""
    good = {"symbol": "A", "stablecoin_margin_list": [{"exchange": "OKX", "funding_rate": "0.01"}]}
    found = E.FUNDING.read([good, {"symbol": "B"}, {"symbol": "A", "token_margin_list": {"x": 1}}])
    assert (list(found.value.by_coin), len(found.value.by_coin["A"]), found.skipped) == (["A"], 1, 2)
    renamed = [{"symbol": "A", "stablecoin_margin_list": [{"exchange": "OKX", "rate": 1}]}]
    for data in (["stablecoin_margin_list"], renamed, [{"symbol": "A", "stablecoin_margin_list": []}], [{"symbol": "A"}], {"BTC": 1}):
        with pytest.raises(ShapeError):
            E.FUNDING.read(data)


@pytest.mark.parametrize(("size", "side"), [(5, PositionSide.LONG), ("-5", PositionSide.SHORT), (0, None), (None, None)])
def test_whales_side_is_the_sign_of_the_size(size, side):
    """Opening and closing say nothing about the side."""
    row = {"user": "0x1", "symbol": "BTC", "position_size": size, "position_value_usd": 1e6, "create_time": T0}
    for code, action in ((1, "open"), (2, "close"), (9, None), (None, None)):
        (found,) = E.WHALE_ACTIONS.read([row | {"position_action": code}]).value
        assert (found.side, found.action) == (side, action)
    assert E.WHALE_POSITIONS.read([row]).value[0].side == side


@pytest.mark.parametrize(
    ("code", "price", "market", "side"),
    [(1, 110, None, TakerSide.SELL), (2, 90, None, TakerSide.BUY), (2, 90, 100.0, TakerSide.BUY), (1, 90, 100.0, None),
     (None, 90, 100.0, TakerSide.BUY), (7, 110, None, None), (1, 100, 100.0, TakerSide.SELL), (1, None, 100.0, TakerSide.SELL)],
)  # fmt: skip
def test_walls(code, price, market, side):
    """1 sells and 2 buys; a buy above the market is not believed; the price may be called limit_price."""
    row = {"exchange_name": "Binance", "symbol": "X", "id": 7, "current_usd_value": "5", "order_side": code, "order_state": 3}
    (wall,) = E.WALLS.read([row | {"limit_price": price}]).value
    assert (wall.side(market), wall.state, wall.id, wall.usd) == (side, "cancelled", "7", 5.0)


def test_order_sides_are_measured():
    """Without a measured meaning an order has no side; with an unknown code neither."""
    row = {"exchange_name": "OKX", "symbol": "X", "price": 1, "usd_value": 2, "time": T0}
    one, other = E.LIQUIDATION_ORDERS.read([row | {"side": "1"}, row | {"side": 3}]).value
    assert (one.side(None), one.side("1=long"), one.side("1=short")) == (None, PositionSide.LONG, PositionSide.SHORT)
    assert other.side("1=long") is None


def test_which_list_is_of_bids():
    """The list with the lower prices is of bids, in either place; best first."""
    low, high = [[98, 1], ["99", "2"]], [[102, 1], [101, 1]]
    for lists in ((low, high), (high, low)):
        (snapshot,) = E.BOOK.read([[T0 // 1000, *lists]]).value
        bids, asks = snapshot.sides()
        assert ([level.price for level in bids], [level.price for level in asks]) == ([99, 98], [101, 102])
    (crossed,) = E.BOOK.read([[T0, low, [[98.5, 1]]]]).value
    assert crossed.sides() is None
    assert E.BOOK.read([[T0, [], high]]).value[0].sides() is None


def test_heat_maps():
    """Cells are placed on the axes; a bad axis is an error, since every cell would move."""
    candle = [T0 // 1000, "1", "2", "0.5", "1.5", "10"]
    data = {"y_axis": [10, "20"], "liquidation_leverage_data": [[0, 1, "5"], [0, 2, 1], [1, 0, 1], ["x"]],
            "price_candlesticks": [candle]}  # fmt: skip
    found = E.HEATMAP.read(data)
    assert (found.value.points(), found.skipped) == ([(T0, 20.0, 5.0)], 1)
    for change in ({"y_axis": [10, None]}, {"price_candlesticks": [candle, []]}, {"y_axis": 5}):
        with pytest.raises(ShapeError):
            E.HEATMAP.read(data | change)
    with pytest.raises(ShapeError):
        E.HEATMAP.read([1])
    assert E.HEATMAP.read(None).value is None


def test_maps():
    """The double `data` and the single one are read; levels come in order of price."""
    levels = {"20": [[20, "5", 25, None]], "3": [[3, 1, None, None], [3, None]]}
    for data in ({"data": levels}, levels):
        found = E.LIQUIDATION_MAP.read(data)
        assert ([(level.price, level.leverage) for level in found.value], found.skipped) == ([(3.0, None), (20.0, 25.0)], 1)
    assert E.LIQUIDATION_MAP.read({"data": {}}).value == []
    with pytest.raises(ShapeError):
        E.LIQUIDATION_MAP.read([1])


def test_max_pain_says_above_and_below():
    """The nearest level on each side of the price; none where there is none, or no price."""
    row = {"symbol": "X", "price": 100, "long_max_pain_liq_price": 120, "short_max_pain_liq_price": "110"}
    (both_above,) = E.MAX_PAIN.read([row]).value
    assert (both_above.above, both_above.below) == ((110.0, None), None)
    (unpriced,) = E.MAX_PAIN.read([row | {"price": None}]).value
    assert (unpriced.above, unpriced.below) == (None, None)


def test_fear_and_greed_shapes():
    """An object or a list of one, under either names; a value outside 0-100 is none."""
    for chart in ({"data_list": [60, 130], "time_list": [T0, T0 - 1]}, {"values": ["60", 130], "time_list": [T0, T0 - 1], "price": [1, 2]}):
        for data in (chart, [chart]):
            days = E.FEAR_GREED.read(data).value
            assert [(day.time_ms, day.value) for day in days] == [(T0 - 1, None), (T0, 60.0)]
    assert E.FEAR_GREED.read([]).value == []
    for data in ({"data_list": [1], "time_list": []}, {"data_list": 1}, [5], "x"):
        with pytest.raises(ShapeError):
            E.FEAR_GREED.read(data)


def test_charts_of_parallel_arrays():
    """Series follow the order of time; one of another length is left out; nulls are None."""
    data = {"time_list": [T0 + 1, T0], "price_list": ["2", 1], "data_map": {"gate.io": [4, None], "OKX": [1], "HTX": None}}
    found = E.OPEN_INTEREST_CHART.read(data)
    assert (found.value.times_ms, found.value.prices) == ([T0, T0 + 1], [1.0, 2.0])
    assert (found.value.by_exchange, found.skipped) == ({"Gate": [None, 4.0]}, 2)
    assert E.OPEN_INTEREST_CHART.read(data | {"price_list": []}).value.prices == [None, None]
    with pytest.raises(ShapeError):
        E.OPEN_INTEREST_CHART.read(data | {"data_map": {"OKX": [1]}})
    with pytest.raises(ShapeError):
        E.OPEN_INTEREST_CHART.read({"time_list": [T0]})
    assert E.OPEN_INTEREST_CHART.read({}).value is None


def test_taker_totals():
    """The lone object's exchanges stand beside its sum."""
    data = {"symbol": "X", "buy_vol_usd": "3", "sell_vol_usd": 0, "exchange_list": [
        {"exchange": "All", "buy_vol_usd": 1, "sell_vol_usd": 1}, {"exchange": "okx", "buy_vol_usd": 1, "sell_vol_usd": 1}, {}]}  # fmt: skip
    found = E.TAKERS.read(data)
    assert ([row.exchange for row in found.value.venues], found.skipped) == (["OKX"], 1)
    assert (found.value.total.buy_usd, found.value.total.sell_usd, found.value.total.exchange) == (3.0, 0.0, "All")
    assert E.TAKERS.read([]).value is None
    with pytest.raises(ShapeError):
        E.TAKERS.read({"buy": 1})


def test_windows_are_collected_and_must_be_there():
    """Whatever lengths of time are sent are kept; a renamed family of fields is a changed source."""
    row = {"symbol": "X", "rsi_1h": "55.5", "rsi_4h": None, "rsi_zzz": 1, "price_change_percent_2h": 3}
    (found,) = E.RSI.read([row]).value
    assert (found.rsi, found.price_change_percent, found.price) == ({"1h": 55.5, "4h": None}, {"2h": 3.0}, None)
    with pytest.raises(ShapeError, match="rsi"):
        E.RSI.read([{"symbol": "X", "1h": 55.5}])
    with pytest.raises(ShapeError):
        E.NET_FLOW.read({"symbol": "X", "flow": 1})


def test_pairs_are_looked_up_never_made_up():
    """A pair is found by its coin in the exchange's own spelling; dated contracts are none."""
    listed = {
        "Binance": [("BTCUSDT_261225", "BTC", "USDT"), ("BTCUSD_PERP", "BTC", "USD"), ("BTCUSDC", "BTC", "USDC"),
                    ("BTCUSDT", "BTC", "USDT"), ("1000PEPEUSDT", "1000PEPE", "USDT"), ("ETHBTC", "ETH", "BTC")],
        "Gate.io": [("BTC_USDT", "BTC", "USDT")], "Deribit": [("BTC-25DEC26", "BTC", "USD")], "Odd": "x",
    }  # fmt: skip
    data = {
        name: pairs if isinstance(pairs, str) else [
            {"instrument_id": symbol, "base_asset": base, "quote_asset": quote} for symbol, base, quote in pairs
        ]
        for name, pairs in listed.items()
    }  # fmt: skip
    found = E.PAIRS.read(data)
    book = found.value
    assert found.skipped == 1
    assert (book.find("binance", "BTC"), book.find("Gate", "btc"), book.find("BINANCE", "PEPE")) == ("BTCUSDT", "BTC_USDT", "1000PEPEUSDT")
    assert (book.find("Binance", "ETH"), book.find("Deribit", "BTC"), book.find("Nowhere", "BTC")) == (None, None, None)
    assert E.PAIRS.read(None).value.find("Binance", "BTC") is None
    for bad in ({"Binance": "x"}, [1]):
        with pytest.raises(ShapeError):
            E.PAIRS.read(bad)


def test_pages_of_positions():
    """The page says how many there are; without data there is one empty page."""
    assert (E.POSITIONS.read(None).value.pages, E.POSITIONS.read(None).value.positions) == (1, [])
    page = E.POSITIONS.read({"total_pages": "3", "current_page": None, "list": []}).value
    assert (page.pages, page.page) == (3, 1)
    with pytest.raises(ShapeError):
        E.POSITIONS.read({"rows": []})


@pytest.mark.parametrize(
    ("interval", "per_minute", "longer"),
    [("1m", 0, "3m"), ("1m", 30, "4h"), ("1m", 80, "30m"), ("4h", 30, "6h"), ("1h", 300, "4h"), ("1w", 0, None), ("2h", 0, None)],
)
def test_the_next_longer_period(interval, per_minute, longer):
    """The plan's shortest period at once where the plan is known, else the next one."""
    assert larger(interval, per_minute) == longer


def test_longer_periods_cover_the_same_span():
    """Twenty-four hours stay twenty-four hours, never less and never nothing."""
    assert widened({"interval": "1h", "limit": 24, "symbol": "X"}, "4h") == {"interval": "4h", "limit": 6, "symbol": "X"}
    assert widened({"interval": "1h", "limit": 5}, "4h")["limit"] == 2
    assert widened({"interval": "1m", "limit": 1}, "1w")["limit"] == 1


KEYS = st.sampled_from(
    ["symbol", "time", "exchange", "exchange_name", "data", "list", "open", "high", "low", "close", "price", "user",
     "open_interest_usd", "funding_rate", "stablecoin_margin_list", "time_list", "data_list", "data_map", "y_axis",
     "liquidation_leverage_data", "price_candlesticks", "buy_vol_usd", "sell_vol_usd", "rsi_1h", "position_size"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["All", "BTC", "1.5", "", "NaN"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(sorted(ALL)))
def test_any_json_is_a_value_or_a_shape_error(data, name):
    """Whatever the service sends, a reader returns rows or says that the shape is unknown."""
    try:
        found = ALL[name].read(data)
    except (ShapeError, msgspec.ValidationError):
        return
    assert isinstance(found, Decoded)
    assert found.skipped >= 0


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([None, "", 0, "0", "1e3", -5, 1e308, "NaN"]), st.sampled_from(["open", "high", "low", "close", "volume_usd"]))
def test_nothing_is_never_zero(value, field):
    """A value that is not there stays None, zero stays zero, and no number is infinite."""
    row = json.loads(json.dumps({"time": T0, "open": 1, "high": 1, "low": 1, "close": 1} | {field: value}))
    got = getattr(E.PRICE_HISTORY.read([row]).value[0], field)
    assert (got is None) == (value in {None, "", "NaN"})
    assert got is None or math.isfinite(got)
