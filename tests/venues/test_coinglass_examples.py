"""CoinGlass's documented payloads decode to values that were read by a person."""

from __future__ import annotations

import datetime as dt
import json

import httpx
import pytest

from teleglas.market import PositionSide, TakerSide
from teleglas.venues.answer import KeyRefused, NeedsPlan, SourceBusy, SourceChanged, SourceDown, UnknownSymbol
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.api.endpoints_research import RESEARCH as R
from teleglas.venues.coinglass.api.rows_indicators import Figure
from teleglas.venues.coinglass.codec import CoinGlassCodec
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.coinglass.stream import CoinglassDialogue
from tests.rest_server import Answer, running_rest_server
from tests.venues.tape import Tape

ALL = E.all() | R.all()
ERRORS = {
    "upgrade_plan": NeedsPlan,
    "key_missing": KeyRefused,
    "key_invalid": KeyRefused,
    "interval_not_in_plan": NeedsPlan,
    "pair_unknown": UnknownSymbol,
    "endpoint_not_found": SourceChanged,
    "server_error": SourceDown,
    "rate_limited": SourceBusy,
}
EMPTY = ("_empty_list", "_success_without_data")
FRAMES = {  # liquidations (venue, symbol, side, USD cents), trades (symbol, Unix ms, whether bought, price, USD), refusals
    "futures_ticker": ([], [], ["unknown_message"]),
    "futures_trades": ([], [("BTCUSDT", 1725416318379, True, 56738.0, 3858.184)], []),
    "futures_trades.snake": ([], [("BTCUSDT", 1725416318379, True, 56738.0, 3858.184)], []),
    "liquidationOrders": ([("binance", "BTCUSDT", PositionSide.SHORT, 385818)], [], []),
    "liquidationOrders.strings": ([("okx", "ETH-USDT-SWAP", PositionSide.LONG, 12500025)], [], []),
    "liquidation_orders": ([("binance", "BTCUSDT", PositionSide.SHORT, 385818)], [], []),
    "spot_trades": ([], [], ["other_product"]),
}
SAID = ("ping_pong", "send.subscribe", "send.subscribe.snake", "send.unsubscribe")


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
    if endpoint not in {E.EXCHANGE_RANK, R.ETF_BITCOIN_ASSETS}:  # documented with another page's parameters
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


@pytest.mark.parametrize(("name", "error"), ERRORS.items())
async def test_errors_say_what_to_do(shared, http, name, error):
    """Each documented error becomes the error of its meaning, though most come with status 200."""
    body = (shared / "reference" / "coinglass-examples" / f"_errors__{name}.json").read_text()
    async with running_rest_server() as server:
        server.rules[E.PRICE_HISTORY.path] = lambda _: Answer(body)
        api = CoinglassApi(CoinglassRest(http, server.url), sleep=no_sleep)
        with pytest.raises(error):
            await api.ask(E.PRICE_HISTORY, exchange="Binance", symbol="BTCUSDT", interval="1w", limit=1)
        await api.close()


@pytest.mark.parametrize("name", EMPTY)
def test_no_data_is_not_zero(shared, name):
    """An empty list, and a success without data, are lists without rows."""
    body = json.loads((shared / "reference" / "coinglass-examples" / f"{name}.json").read_text())
    assert E.PRICE_HISTORY.read(body.get("data")).value == []
    assert E.NET_FLOW.read(body.get("data")).value is None


def test_no_example_is_forgotten(shared):
    """Every file of the folder is read by a test of this module, and every endpoint has a file."""
    folder = shared / "reference" / "coinglass-examples"
    index = json.loads((folder / "_index.json").read_text())
    paths = {endpoint.path for endpoint in ALL.values()}
    assert len(paths) == len(E.all()) + len(R.all()) == len(ALL)
    tested = {f"{name}.json" for name in ("_index", *EMPTY)} | {f"_errors__{name}.json" for name in ERRORS}
    tested |= {f"ws__recv.{name}.json" for name in FRAMES} | {f"ws__{name}.json" for name in SAID}
    tested |= {name for name, facts in index.items() if facts.get("path") in paths}
    assert {each.name for each in folder.iterdir()} - tested == set()
    assert paths == {facts["path"] for facts in index.values() if facts.get("path") in paths}


def test_etfs(read):
    """A fund that reported nothing is no zero, and a zero is no nothing; ids and amounts in text are read."""
    (day,) = read(R.ETF_BITCOIN_FLOWS)
    assert (day.time_ms, day.usd, day.price_usd) == (1704931200000, 655300000.0, 46663.0)
    assert [(fund.ticker, fund.usd) for fund in day.funds] == [("GBTC", -95100000.0), ("IBIT", 111700000.0), ("FBTC", 227000000.0)]
    (ether,) = read(R.ETF_ETHEREUM_FLOWS)
    assert (ether.time_ms, ether.price_usd, ether.funds[1].usd) == (1721692800000, 3438.09, 71300000.0)
    (solana,) = read(R.ETF_SOLANA_FLOWS)
    assert solana.usd == 12700000.0
    assert {fund.ticker: fund.usd for fund in solana.funds} == {
        "BSOL": 11700000.0, "VSOL": None, "FSOL": None, "TSOL": None, "GSOL": 1000000.0}  # fmt: skip
    (fund,) = read(R.ETF_BITCOIN)
    assert (fund.ticker, fund.shares, fund.aum_usd, fund.fee_percent) == ("GBTC", 240750100.0, 16137543152.34, 1.5)
    assert (fund.listed_ms, fund.traded_ms, fund.updated_ms) == (1424822400000, 1745225312958, 1745224505000)
    assert (fund.price_change_usd, fund.price_change_percent, fund.volume_usd) == (0.47, 0.71, 71485902.2312)
    held = fund.holding
    assert (held.btc, held.premium_percent, held.net_assets_per_share_usd) == (190124.5441, 0.09, 67.03)
    assert (held.change_btc_24h, held.change_percent_24h, held.change_btc_7d) == (-7.8136, 0.0, -615.563)
    assert held.day == dt.date(2025, 4, 17)
    first, last = read(R.ETF_BITCOIN_NET_ASSETS)
    assert (first.time_ms, first.usd, last.change_usd, last.price_usd) == (1704931200000, 51671409241.39, 203000000.0, 42788.9)
    assert [(row.time_ms, row.usd) for row in read(R.ETF_BITCOIN_ASSETS)] == [(1704153600000, 0.0), (1704240000000, 0.0)]


def test_options(read):
    """`All` stands apart; an expiry is a day; a price in text is a number."""
    board = read(R.OPTIONS)
    assert [(row.exchange, row.share_percent, row.volume_change_percent_24h) for row in board.venues] == [("Deribit", 72.74, None)]
    assert (board.total.usd, board.total.quantity, board.total.change_percent_24h) == (31623069708.138245, 361038.78, 2.72)
    near, far = read(R.OPTION_EXPIRIES)
    assert (near.expiry, near.max_pain_price, near.calls, near.puts) == (dt.date(2025, 4, 22), 84000.0, 953.7, 512.5)
    assert (far.expiry, far.calls_value_usd, far.puts_notional_usd) == (dt.date(2025, 4, 23), 2274700.52, 105465691.73)
    assert near.put_call_ratio == pytest.approx(0.53738, abs=1e-5)
    chart = read(R.OPTION_CHART)
    assert (chart.times_ms, chart.prices) == ([1691460000000], [29140.9])
    assert chart.by_exchange == {"HTX": [15167.03527], "Gate": [23412.723]}


def test_chains_and_wallets(read):
    """Seconds are milliseconds, exchanges have one name, and the next unlock's percents are percents."""
    large, small = read(R.WALLETS)
    assert (large.address, large.coin, large.quantity) == ("34xp4vRoCGJym3xR7yCVPFHoCNxv4Twseo", "BTC", 248597.54)
    assert (small.usd, small.price_usd) == (12205457068.12, 87521.87117346626)
    board = read(R.BALANCES)
    assert ([row.exchange for row in board.venues], board.total) == (["Coinbase", "Binance"], None)
    assert board.venues[0].change_quantity == {"1d": 638.797302, "7d": 799.967408, "30d": -29121.977486}
    assert board.venues[1].change_percent == {"1d": 0.09, "7d": -0.65, "30d": 0.65}
    chart = read(R.BALANCE_CHART)
    assert (chart.times_ms, chart.by_exchange["HTX"], chart.prices) == ([1691460000000], [15167.03527], [29140.9])
    transfer, other = read(R.EXCHANGE_TRANSFERS)
    assert (transfer.time_ms, transfer.exchange, transfer.direction) == (1745224211000, "Coinbase", "in")
    assert (other.coin, other.usd, other.quantity) == ("MANA", 6368.95196834, 20091.33113044)
    whale, _ = read(R.WHALE_TRANSFERS)
    assert (whale.time_ms, whale.coin, whale.usd) == (1746265043000, "WETH", 18403606.873493258)
    assert (whale.quantity, whale.source, whale.chain) == (10081.791421235566, "unknown wallet", "ethereum")
    (unlock,) = read(R.UNLOCKS)
    assert (unlock.coin, unlock.next_ms, unlock.next_quantity, unlock.locked) == ("GT", 1765152000000, 48600.0, 74868300.0)
    assert unlock.next_percent_of_circulating == pytest.approx(100 * unlock.next_quantity / unlock.circulating)
    assert unlock.next_percent_of_supply == pytest.approx(100 * unlock.next_quantity / unlock.supply)


def test_indicators(read):
    """Averages, bands and indices by time; an index keeps its own unit."""
    hours = [1759287600000, 1759291200000]
    for endpoint in (R.MOVING_AVERAGE, R.EXPONENTIAL_AVERAGE):
        assert [(row.time_ms, row.value) for row in read(endpoint)] == list(zip(hours, [114209.64, 114200.6], strict=True))
    assert [row.value for row in read(R.MACD)] == [1200.54, 1175.91]
    assert read(R.MACD)[0].time_ms == 1759352400000
    first, last = read(R.BOLLINGER)
    assert (first.time_ms, first.middle, first.upper, last.lower) == (hours[0], 114209.633, 114626.49, 113789.269)
    assert [(row.time_ms, row.value) for row in read(R.CDRI)] == [(1646438400000, 50.0), (1646524800000, 47.0)]
    assert [(row.time_ms, row.value) for row in read(R.CGDI)] == [(1704067200000, 1000.0), (1704153600000, 1053.2551)]
    ahr, pi = read(R.PEAK_SIGNS)
    assert (ahr.name, ahr.current, ahr.target) == ("Bitcoin Ahr999 Index", Figure(0.78), Figure(4.0))
    assert (pi.previous, pi.change, pi.comparison, pi.reached) == (Figure(85127.0), Figure(-54.0), ">=", False)
    season = read(R.ALTCOIN_SEASON)
    assert [(row.time_ms, row.value, row.market_cap_usd) for row in season] == [
        (1491177600000, 96.0, 0.0), (1491264000000, 100.0, 0.0)]  # fmt: skip
    old, new = read(R.DOMINANCE)
    assert (old.time_ms, old.percent, new.price_usd, new.market_cap_usd) == (
        1367366400000, 94.3595, 98.0999984741, 1097883152.0)  # fmt: skip


def test_rates_and_positions(read):
    """Basis, borrowing, margins and net positions; two documented times are in seconds."""
    first, last = read(R.BASIS)
    assert (first.time_ms, first.open_percent, first.open_usd) == (1741629600000, 0.0504, 39.5)
    assert (last.close_percent, last.close_usd) == (0.03, 23.74)
    margin = read(R.BITFINEX_MARGIN)
    assert (margin[0].time_ms, margin[0].long_quantity, margin[1].short_quantity) == (1658880000000, 104637.94, 2847.84)
    assert [(row.time_ms, row.daily_rate) for row in read(R.BORROW_RATE)] == [
        (1741636800000, 0.002989), (1741640400000, 0.002989)]  # fmt: skip
    ratio = read(R.VOLUME_RATIO)
    assert (ratio[0].time_ms, ratio[0].ratio, ratio[1].spot_usd) == (1766588040000, 16.9974, 2692346.1708)
    assert ratio[0].ratio == pytest.approx(ratio[0].futures_usd / ratio[0].spot_usd, rel=1e-4)
    for endpoint in (R.NET_POSITION, R.NET_POSITION_V2):
        assert [(row.time_ms, row.long_change, row.short_change) for row in read(endpoint)] == [
            (1751652000000, -478.43, 0.0), (1751655600000, -776.79, 0.0)]  # fmt: skip
    for endpoint in (R.STABLECOIN_INTEREST, R.COIN_MARGIN_INTEREST):
        assert [(row.time_ms, row.open, row.close) for row in read(endpoint)] == [
            (2608846475000, 2608846475.0, 2340177420.0), (2644845344000, 2644845344.0, 2608846475.0)]  # fmt: skip
    assert [(row.buy_usd, row.sell_usd) for row in read(R.SPOT_TAKERS)] == [(10551.033, 11308.0), (15484.245, 16316.118)]


def test_prints_and_past_walls(read):
    """A footprint's columns are coins, USD and trades; a wall that ended has an end and no contradiction."""
    (period,) = read(R.FOOTPRINT)
    low, high = period.rows
    assert (period.time_ms, low.low, low.high, low.buys, low.sells) == (1757808000000, 115765.0, 115770.0, 193.0, 153.0)
    assert (low.buy_quantity, low.sell_quantity, low.sell_usd) == (3.223, 9.906, 1146773.5391)
    assert (high.buy_usd, high.sell_usd, high.sells) == (383782.5569, 61127.0686, 64.0)
    (wall,) = read(R.PAST_WALLS)
    assert (wall.id, wall.price, wall.start_usd, wall.executed_usd) == ("2895605135", 89205.9, 2299638.8961, 0.0)
    assert (wall.start_ms, wall.ended_ms, wall.state) == (1745287309000, 1745287328000, "filled")
    assert wall.side() is TakerSide.SELL


def test_hyperliquid_accounts(read):
    """An account's positions have the side of their size; tiers come with percents."""
    account = read(R.ACCOUNT)
    assert (account.total.equity_usd, account.cross.raw_usd) == (179250588.896754, -500696794.397596)
    assert (account.cross_maintenance_usd, account.withdrawable_usd) == (19278725.276478, 46429612.237884)
    (held,) = account.positions
    assert (held.coin, held.side, held.size, held.entry_price) == ("BTC", PositionSide.LONG, 1000.0, 91506.7)
    assert (held.leverage.mode, held.leverage.value, held.liquidation_price) == ("cross", 5.0, None)
    assert (held.profit_usd, held.funding.since_open_usd) == (-5643767.29312, 87958.233078)
    first, last = read(R.ACCOUNT_RATIO)
    assert (first.time_ms, first.long_accounts, first.accounts, first.long_percent) == (1751414400000, 5347.0, 9113.0, 58.67)
    assert (last.short_accounts, last.short_percent, last.ratio) == (4719.0, 50.4, 0.9841)
    (shrimp,) = read(R.SIZE_TIERS)
    assert (shrimp.name, shrimp.minimum_usd, shrimp.maximum_usd, shrimp.accounts) == ("Shrimp", 0.0, 250.0, 260180.0)
    assert (shrimp.bias, shrimp.bias_name, shrimp.long_percent) == (0.99, "very_bullish", 72.46)
    (printer,) = read(R.PROFIT_TIERS)
    assert (printer.name, printer.in_profit, printer.at_loss, printer.at_loss_percent) == ("Money_Printer", 211.0, 75.0, 26.22)
    assert (printer.short_usd, printer.usd) == (2374121810.506776, 3998512629.37286)


def test_news(read):
    """Articles come oldest first; a calendar's figures are numbers with units, and an empty one is none."""
    early, late = read(R.NEWS)
    assert (early.time_ms, early.title, late.title) == (1762478945000, "Sample headline 2", "Sample headline 1")
    assert (late.source, late.html, late.summary_html) == ("COINTELEGRAPH", "<p>Body as HTML</p>", "<p>Summary as HTML</p>")
    monthly, yearly = read(R.CALENDAR)
    assert (monthly.time_ms, monthly.country, monthly.country_code) == (1751238000000, "Korea", "SK")
    assert (monthly.published, monthly.forecast, monthly.previous) == (Figure(-2.9, "%"), Figure(-0.1, "%"), Figure(-0.9, "%"))
    assert (monthly.revised_previous, monthly.importance, monthly.exact) == (None, 1.0, True)
    assert (yearly.name, yearly.published) == ("Industrial Output(YoY)(May)", Figure(0.2, "%"))


@pytest.mark.parametrize("name", FRAMES)
def test_frames(shared, name):
    """Each documented frame gives its events; what the bots do not ask for is refused by its name."""
    tape = Tape()
    CoinGlassCodec({}).decode((shared / "reference" / "coinglass-examples" / f"ws__recv.{name}.json").read_bytes(), tape)
    forced = [(row.instrument.venue, row.instrument.symbol, row.side, row.usd_cents) for row in tape.liquidations]
    trades = [(symbol, time, bought, price, usd) for symbol, _, _, time, bought, price, usd in tape.trades]
    assert (forced, trades, tape.reasons) == FRAMES[name]


def test_what_is_said(shared):
    """A connection asks for the documented channels with the documented method, and pings with the bare word."""
    said = {name: json.loads((shared / "reference" / "coinglass-examples" / f"ws__{name}.json").read_text()) for name in SAID}
    plans = CoinglassDialogue.plans("key", trades=[("Binance", "BTCUSDT", 10_000)])
    asked = [json.loads(frame) for plan in plans for frame in CoinglassDialogue(plan).opening()]
    for name in ("send.subscribe", "send.subscribe.snake"):
        assert said[name]["method"] in {frame["method"] for frame in asked}
        assert set(said[name]["channels"]) <= {channel for frame in asked for channel in frame["channels"]}
    assert set(said["send.unsubscribe"]) == set(asked[0])
    assert CoinglassDialogue(plans[0]).ping() == said["ping_pong"]["send_text_frame"]
    assert CoinglassDialogue.ping_every_s <= said["ping_pong"]["every_seconds"]
