"""CoinGlass's documented payloads decode to values that were read by a person."""

from __future__ import annotations

import json

import httpx
import pytest

from teleglas.market import PositionSide, TakerSide
from teleglas.venues.answer import KeyRefused, NeedsPlan, SourceBusy, SourceChanged, SourceDown, UnknownSymbol
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.rest import CoinglassRest
from tests.rest_server import Answer, running_rest_server

ALL = E.all()


async def no_sleep(_seconds):
    """Do not wait between tries."""


@pytest.fixture
async def http():
    """Return a client."""
    async with httpx.AsyncClient(timeout=5) as client:
        yield client


@pytest.fixture
def read(shared):
    """Return a function that reads an example by its endpoint."""
    folder = shared / "reference" / "coinglass-examples"
    index = json.loads((folder / "_index.json").read_text())

    def value(endpoint, suffix=""):
        (name,) = [
            name for name, facts in index.items()
            if facts.get("path") == endpoint.path and name.endswith(f"{suffix}.json") and (suffix or ".live" not in name)
        ]  # fmt: skip
        found = endpoint.read(json.loads((folder / name).read_text()).get("data"))
        assert found.skipped == 0
        return found.value

    return value


@pytest.mark.parametrize("name", ALL)
def test_every_endpoint_reads_its_example(read, name):
    """No row of an example is skipped, and none is empty."""
    assert read(ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_the_table_says_what_the_documentation_says(shared, name):
    """Path, plan, interval floor and required parameters are those of the documentation's index."""
    index = json.loads((shared / "reference" / "coinglass-examples" / "_index.json").read_text())
    endpoint = ALL[name]
    (facts,) = [each for each in index.values() if each.get("path") == endpoint.path and each.get("min_plan")]
    assert endpoint.plan == facts["min_plan"]
    assert endpoint.floor == facts.get("interval_limited_by_plan", False)
    if endpoint is not E.EXCHANGE_RANK:  # the documentation printed another page's parameters there
        assert set(facts["required"]) <= set(endpoint.required)


def test_markets(read):
    """Coins, pairs, prices and volumes."""
    assert read(E.COINS) == ["BTC", "ETH", "SOL", "XRP"]
    assert read(E.EXCHANGES)[:4] == ["OKX", "Binance", "HTX", "Bitmex"]
    pairs = read(E.PAIRS)
    assert pairs.find("Binance", "BTC") == "BTCUSD_PERP"
    assert pairs.find("bitget", "ETH") == "ETHUSDT_UMCBL"
    (coin,) = read(E.COINS_MARKETS)
    assert (coin.coin, coin.price, coin.price_change_percent["24h"]) == ("BTC", 84773.6, 1.06)
    assert (coin.open_interest_change_percent["5m"], coin.long_short_ratio["5m"]) == (0.0, 1.2523)
    assert (coin.long_liquidation_usd["24h"], coin.short_liquidation_usd["1h"]) == (17793322.595016, 11443.38382)
    assert "12h" not in coin.open_interest_change_percent
    binance, gate = read(E.PAIRS_MARKETS)
    assert (binance.exchange, binance.pair, binance.funding_percent) == ("Binance", "BTCUSDT", 0.002007)
    assert (binance.next_funding_ms, gate.next_funding_ms) == (1744963200000, None)
    assert (gate.exchange, gate.pair, gate.buy_volume_usd) == ("Gate", "BTC_USDT", 870432407.5966)
    assert [row.coin for row in read(E.PRICE_CHANGES)] == ["BTC", "ETH"]
    assert read(E.PRICE_CHANGES)[1].amplitude_percent["24h"] == 3.47
    first, last = read(E.PRICE_HISTORY)
    assert (first.time_ms, first.open, last.close, last.volume_usd) == (1745366400000, 93404.9, 92603.8, 871812560.3437)
    assert read(E.SPOT_PRICE_HISTORY)[0].low == 81400.0
    (spot,) = read(E.SPOT_PAIRS_MARKETS)
    assert (spot.volume_usd["24h"], spot.net_flow_usd["1w"]) == (1585522232.603, -60001592.0198)
    (spot_coin,) = read(E.SPOT_COINS_MARKETS)
    assert (spot_coin.price_change_percent["1w"], spot_coin.volume_usd["5m"]) == (3.54, 11056683.8336)
    rank = read(E.EXCHANGE_RANK)[1]
    assert (rank.exchange, rank.liquidation_usd_24h) == ("OKX", 19276388.77685)


def test_open_interest(read):
    """The row `All` is no exchange; the live sample has a key that the documentation lacks."""
    board = read(E.OPEN_INTEREST, "exchange-list")
    assert [row.exchange for row in board.venues] == ["CME"]
    assert (board.total.usd, board.total.change_percent["1h"]) == (57437891724.5572, 2.27)
    live = read(E.OPEN_INTEREST, ".live")
    assert (live.venues, live.total.coin_margin_usd, live.total.change_percent["24h"]) == ([], 5910914270.66, -2.4)
    history = read(E.OPEN_INTEREST_HISTORY)
    assert [row.time_ms for row in history] == [2608846475000, 2644845344000]
    assert (history[0].open, history[1].close) == (2608846475.0, 2608846475.0)
    chart = read(E.OPEN_INTEREST_CHART)
    assert (chart.times_ms, chart.prices, chart.by_exchange["Bitmex"]) == ([1721649600000], [67490.3], [395160842.0])


def test_funding_is_percent_per_interval(read):
    """0.007343 is 0.007343 % per 8 h, and nothing is multiplied by a hundred."""
    rates = read(E.FUNDING).by_coin["BTC"]
    assert [(rate.exchange, rate.margin, rate.percent) for rate in rates] == [
        ("Binance", "stablecoin", 0.007343), ("OKX", "stablecoin", 0.00736901950628), ("Binance", "coin", -0.001829),
    ]  # fmt: skip
    assert (rates[0].percent_8h, rates[0].next_ms) == (0.007343, 1745222400000)
    summed = read(E.FUNDING_ACCUMULATED).by_coin["BTC"]
    assert (summed[0].exchange, summed[0].percent, summed[0].percent_8h) == ("Binance", 0.001873, None)
    for endpoint in (E.FUNDING_HISTORY, E.FUNDING_BY_INTEREST, E.FUNDING_BY_VOLUME):
        assert [row.close for row in read(endpoint)] == [0.009229, 0.01]
    (trade,) = read(E.FUNDING_ARBITRAGE)
    assert (trade.buy.exchange, trade.buy.percent, trade.sell.exchange) == ("MEXC", -0.994, "Gate")
    assert (trade.apr_percent, trade.buy.interval_h) == (2187.81, 4.0)


def test_liquidations(read):
    """`All` stands apart, sides are of positions, and an order's side is unknown until measured."""
    board = read(E.LIQUIDATIONS)
    assert [row.exchange for row in board.venues] == ["Bybit"]
    assert (board.total.long_usd, board.venues[0].short_usd) == (451394.17404598, 4480729.99519)
    (coin,) = read(E.LIQUIDATION_COINS)
    assert (coin.coin, coin.usd["24h"], coin.long_usd["1h"]) == ("BTC", 82280481.50425325, 3182915.16289)
    assert [bar.short_usd for bar in read(E.LIQUIDATION_HISTORY)] == [6947459.43674, 8517330.44192]
    assert [bar.long_usd for bar in read(E.LIQUIDATION_COIN_HISTORY)] == [5916885.14234, 5345708.23191]
    early, late = read(E.LIQUIDATION_ORDERS)
    assert (early.time_ms, late.time_ms, late.exchange, late.usd) == (1745215647165, 1745216319263, "Binance", 205534.2932)
    assert late.side(None) is None
    assert (late.side("1=long"), late.side("1=short")) == (PositionSide.SHORT, PositionSide.LONG)
    assert [(level.price, level.usd, level.leverage) for level in read(E.LIQUIDATION_MAP)] == [(48935.0, 1579370.77, 25.0)]
    assert read(E.LIQUIDATION_COIN_MAP)[0].leverage is None
    for endpoint in (E.HEATMAP, E.COIN_HEATMAP):
        heat = read(endpoint)
        assert (heat.prices, heat.cells[0]) == ([47968.54, 48000.0, 48031.46], (5, 124, 2288867.26))
        assert (heat.candles[0].time_ms, heat.candles[1].high, heat.points()) == (1722676500000, 61610.0, [])
    bitcoin, ether = read(E.MAX_PAIN)
    assert (bitcoin.above, bitcoin.below) == ((113046.71, 75677278.26), (109748.37, 44617473.19))
    assert ether.below == (3820.002, 44375943.61)


def test_flow(read):
    """Ratios are percent, flows USD; strings are numbers, seconds are milliseconds."""
    assert [row.long_percent for row in read(E.GLOBAL_ACCOUNTS)] == [73.88, 73.24]
    assert [row.ratio for row in read(E.TOP_ACCOUNTS)] == [2.75, 2.87]
    assert [row.short_percent for row in read(E.TOP_POSITIONS)] == [35.01, 35.01]
    takers = read(E.TAKERS)
    assert (takers.total.buy_percent, takers.total.buy_usd) == (51.01, 1112108532.1688)
    assert [(row.exchange, row.sell_percent) for row in takers.venues] == [("Binance", 50.78), ("OKX", 49.16)]
    assert [row.buy_usd for row in read(E.TAKER_HISTORY)] == [414120141.0714, 882509979.6914]
    assert [row.sell_usd for row in read(E.TAKER_COIN_HISTORY)] == [1054582654.8138, 1559166911.2821]
    flow = read(E.NET_FLOW)
    assert (flow.net_usd["5m"], flow.change_percent["24h"], flow.buy_usd["4h"]) == (-1128017.0, -60.91, 760187107.0)
    assert read(E.NET_FLOWS)[0].net_usd["1h"] == 61035298.52747558
    for endpoint in (E.CVD, E.COIN_CVD, E.SPOT_CVD, E.SPOT_COIN_CVD):
        assert [row.time_ms for row in read(endpoint)] == [1762254000000, 1762257600000, 1762261200000]
    assert read(E.CVD)[2].cvd_usd == -60094474.4071
    assert read(E.COIN_CVD)[0].buy_usd == 461937243.0899


def test_books(read):
    """Depth is flat totals; a wall's side is its code; a sample with equal lists has no sides."""
    assert (read(E.DEPTH)[0].bids_usd, read(E.DEPTH)[1].asks_quantity) == (81639959.9338, 1021.644)
    assert read(E.COIN_DEPTH)[1].bids_usd == 18423845.1947
    (snapshot,) = read(E.BOOK)
    assert (snapshot.time_ms, snapshot.first[0].price, snapshot.second[1].quantity) == (1723611600000, 56420.0, 2.191)
    assert snapshot.sides() is None
    (wall,) = read(E.WALLS)
    assert (wall.price, wall.usd, wall.side(), wall.state) == (56932.0, 1068844.21, TakerSide.BUY, "open")
    (spot,) = read(E.SPOT_WALLS)
    assert spot.side(87_000.0) is TakerSide.BUY


def test_whales(read):
    """The sign of the size is the side; the action is no side."""
    ether, bitcoin = read(E.WHALE_ACTIONS)
    assert (ether.side, ether.action, ether.usd) == (PositionSide.LONG, "close", 21003260.0)
    assert (bitcoin.coin, bitcoin.time_ms) == ("BTC", 1745219477000)
    short, other = read(E.WHALE_POSITIONS)
    assert (short.side, short.leverage, short.profit_usd) == (PositionSide.SHORT, 25.0, 27033236.424)
    assert (other.margin_mode, other.funding_usd) == ("isolated", 14390.0346)
    page = read(E.POSITIONS)
    assert (page.page, page.pages, page.positions[0].liquidation_price) == (1, 10, 150629.52)
    assert [row.value for row in read(E.WHALE_INDEX)] == [-184.8, -118.965, -58.795]


def test_mood(read):
    """Indicators; fear and greed in both shapes, where a value that cannot be one is none."""
    bitcoin, _ = read(E.RSI)
    assert (bitcoin.rsi["1h"], bitcoin.rsi["24h"], bitcoin.price_change_percent["1w"]) == (71.91, 57.88, 2.6)
    assert [row.value for row in read(E.RSI_HISTORY)] == [59.32633395, 60.90396216]
    live = read(E.FEAR_GREED, ".live")
    assert [(day.time_ms, day.value) for day in live] == [(1517443200000, 30), (1517529600000, 15), (1517616000000, 40)]
    (filler,) = read(E.FEAR_GREED, "history")
    assert (filler.time_ms, filler.value, filler.price) == (1636588800000, None, 4788636.51145)
    premium = read(E.COINBASE_PREMIUM)[0]
    assert (premium.time_ms, premium.premium_usd) == (1658880000000, 5.55)
    account = read(E.SUBSCRIPTION)
    assert (account.level, account.expires_ms, account.expired) == ("PROFESSIONAL", 1805943491000, False)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("upgrade_plan", NeedsPlan),
        ("key_missing", KeyRefused),
        ("key_invalid", KeyRefused),
        ("interval_not_in_plan", NeedsPlan),
        ("pair_unknown", UnknownSymbol),
        ("endpoint_not_found", SourceChanged),
        ("server_error", SourceDown),
        ("rate_limited", SourceBusy),
    ],
)
async def test_errors_say_what_to_do(shared, http, name, error):
    """Each documented error becomes the error of its meaning, though most come with status 200."""
    body = (shared / "reference" / "coinglass-examples" / f"_errors__{name}.json").read_text()
    async with running_rest_server() as server:
        server.rules[E.PRICE_HISTORY.path] = lambda _: Answer(body)
        api = CoinglassApi(CoinglassRest(http, server.url), sleep=no_sleep)
        with pytest.raises(error):
            await api.ask(E.PRICE_HISTORY, exchange="Binance", symbol="BTCUSDT", interval="1w", limit=1)
        await api.close()


@pytest.mark.parametrize("name", ["_empty_list", "_success_without_data"])
def test_no_data_is_not_zero(shared, name):
    """An empty list, and a success without data, are lists without rows."""
    body = json.loads((shared / "reference" / "coinglass-examples" / f"{name}.json").read_text())
    assert E.PRICE_HISTORY.read(body.get("data")).value == []
    assert E.NET_FLOW.read(body.get("data")).value is None
