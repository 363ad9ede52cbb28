"""The venues' REST endpoints: shapes, pages, limits, refusals."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
async def http():
    """Return a client."""
    async with httpx.AsyncClient() as client:
        yield client


async def test_binance_trades_are_read_on_from_an_id_without_a_hole(world, http):
    """Reading by fromId returns the trade of that id first; the rows are those of the stream."""
    await world.advance(10_000)
    url = world.urls["BINANCE_REST_URL"] + "/fapi/v1/aggTrades"
    newest = (await http.get(url, params={"symbol": "BTCUSDT", "limit": 3})).json()
    start = newest[0]["a"] - 10
    rows = (await http.get(url, params={"symbol": "BTCUSDT", "fromId": start, "limit": 1000})).json()
    assert [row["a"] for row in rows] == list(range(start, newest[-1]["a"] + 1))
    since = rows[5]["T"]
    later = (await http.get(url, params={"symbol": "BTCUSDT", "startTime": since})).json()
    assert all(row["T"] >= since for row in later)


@pytest.mark.parametrize(
    ("query", "code"),
    [({}, -1102), ({"symbol": "NOSUCH"}, -1121), ({"symbol": "BTCUSDT", "limit": 1001}, -1130),
     ({"symbol": "BTCUSDT", "limit": "x"}, -1100),
     ({"symbol": "BTCUSDT", "startTime": 1, "endTime": 3_600_002}, -4084)],
)  # fmt: skip
async def test_binance_names_a_wrong_parameter(world, http, query, code):
    """Status 400 and the venue's code."""
    answer = await http.get(world.urls["BINANCE_REST_URL"] + "/fapi/v1/aggTrades", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_binance_counts_weight_and_refuses_above_the_budget(world, http):
    """The header tells the weight used this minute; above 2400 it is 429 until the next minute."""
    url = world.urls["BINANCE_REST_URL"] + "/fapi/v1/ticker/24hr"
    answers = [await http.get(url) for _ in range(61)]
    assert answers[0].headers["X-MBX-USED-WEIGHT-1M"] == "40"
    assert [answer.status_code for answer in answers[59:]] == [200, 429]
    await world.advance(60_000)
    assert (await http.get(url)).status_code == 200


async def test_binance_lists_contracts_prices_and_time(world, http):
    """exchangeInfo, ticker, premiumIndex and time agree with one another."""
    base = world.urls["BINANCE_REST_URL"] + "/fapi/v1/"
    symbols = {row["symbol"] for row in (await http.get(base + "exchangeInfo")).json()["symbols"]}
    assert {"BTCUSDT", "1000PEPEUSDT", "牛来USDT"} <= symbols
    assert {row["symbol"] for row in (await http.get(base + "ticker/24hr")).json()} == symbols
    one = (await http.get(base + "premiumIndex", params={"symbol": "BTCUSDT"})).json()
    assert float(one["markPrice"]) > 0
    assert (await http.get(base + "time")).json() == {"serverTime": world.start_ms}
    assert (await http.get(base + "allForceOrders")).status_code == 404


async def test_bybit_pages_instruments_by_cursor(world, http):
    """The cursor leads through every contract once."""
    url = world.urls["BYBIT_REST_URL"] + "/v5/market/instruments-info"
    seen, cursor = [], ""
    while True:
        result = (await http.get(url, params={"category": "linear", "limit": 15, "cursor": cursor})).json()["result"]
        seen += [row["symbol"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == len(world.venues["bybit"].feed.history.listings)


async def test_bybit_refuses_wrong_parameters_and_unknown_paths(world, http):
    """The retCode is 10001 for parameters; 404 for a path."""
    base = world.urls["BYBIT_REST_URL"] + "/v5/market/"
    for path, query in (("tickers", {}), ("tickers", {"category": "linear", "symbol": "NOSUCH"}),
                        ("recent-trade", {"category": "linear"})):  # fmt: skip
        assert (await http.get(base + path, params=query)).json()["retCode"] == 10001
    assert (await http.get(base + "liquidation")).status_code == 404


async def test_bybit_recent_trades_are_newest_first(world, http):
    """recent-trade carries the rows of the stream."""
    await world.advance(10_000)
    query = {"category": "linear", "symbol": "BTCUSDT", "limit": 5}
    rows = (await http.get(world.urls["BYBIT_REST_URL"] + "/v5/market/recent-trade", params=query)).json()["result"]["list"]
    streamed = [row["i"] for row in world.venues["bybit"].feed.history.trades["BTCUSDT"]]
    assert [row["execId"] for row in rows] == streamed[-5:][::-1]


async def test_bybit_limits_requests_of_an_address(world, http):
    """The 601st request within 5 s is refused with 403."""
    url = world.urls["BYBIT_REST_URL"] + "/v5/market/time"
    statuses = [(await http.get(url)).status_code for _ in range(601)]
    assert statuses[-2:] == [200, 403]


async def test_okx_liquidations_have_the_rows_of_the_stream(world, http):
    """REST returns what was pushed, newest first, per underlying and before `after`."""
    await world.advance(40_000)
    printed = [row for row in world.venues["okx"].feed.history.liquidations if row.listing.symbol == "BTC-USDT-SWAP"]
    url = world.urls["OKX_REST_URL"] + "/api/v5/public/liquidation-orders"
    query = {"instType": "SWAP", "uly": "BTC-USDT", "state": "filled", "limit": "100"}
    rows = (await http.get(url, params=query)).json()["data"]
    assert [row["details"][0]["ts"] for row in rows] == [str(row.event_ms) for row in reversed(printed)]
    older = (await http.get(url, params={**query, "after": str(printed[-1].event_ms)})).json()["data"]
    assert all(int(row["details"][0]["ts"]) < printed[-1].event_ms for row in older)


async def test_okx_tells_contract_values_and_refuses_wrong_parameters(world, http):
    """It tells ctVal of each swap, inverse marked; code 51000 for parameters, 429 above the limit."""
    base = world.urls["OKX_REST_URL"] + "/api/v5/"
    rows = (await http.get(base + "public/instruments", params={"instType": "SWAP"})).json()["data"]
    values = {row["instId"]: (row["ctVal"], row["ctType"]) for row in rows}
    assert values["BTC-USDT-SWAP"] == ("0.01", "linear")
    assert values["BTC-USD-SWAP"] == ("100", "inverse")
    assert values["PEPE-USDT-SWAP"] == ("10000000", "linear")
    assert (await http.get(base + "public/instruments")).json()["code"] == "51000"
    assert (await http.get(base + "market/trades", params={"instId": "NOSUCH"})).json()["code"] == "51000"
    assert (await http.get(base + "public/liquidation-orders", params={"instType": "SWAP"})).json()["code"] == "51000"
    statuses = [(await http.get(base + "market/tickers?instType=SWAP")).status_code for _ in range(21)]
    assert statuses[-2:] == [200, 429]


class TestCoinglass:
    """Keys, plans, envelopes."""

    async def get(self, world, http, path, key="simulated-standard", **query):
        """Return the answer to one request."""
        headers = {"CG-API-KEY": key} if key else {}
        return await http.get(world.urls["COINGLASS_REST_URL"] + "/api" + path, params=query, headers=headers)

    async def test_key_errors_come_with_status_200(self, world, http):
        """A missing and a wrong key are told apart by the envelope."""
        missing = await self.get(world, http, "/futures/supported-coins", key="")
        wrong = await self.get(world, http, "/futures/supported-coins", key="wrong")
        assert (missing.status_code, missing.json()) == (200, {"code": "401", "msg": "API key missing."})
        assert (wrong.status_code, wrong.json()["code"]) == (200, "400")

    async def test_plan_decides_what_is_answered(self, world, http):
        """Orders need Standard; short intervals are above the lower plans; the account tells its level."""
        orders = {"exchange": "Binance", "symbol": "BTC", "min_liquidation_amount": "1000"}
        low = await self.get(world, http, "/futures/liquidation/order", key="simulated-startup", **orders)
        assert low.json() == {"code": "401", "msg": "Upgrade plan"}
        bars = {"exchange": "Binance", "symbol": "BTCUSDT", "interval": "15m"}
        short = await self.get(world, http, "/futures/liquidation/history", key="simulated-startup", **bars)
        assert short.json()["code"] == "403"
        level = await self.get(world, http, "/user/account/subscription")
        assert level.json()["data"]["level"] == "STANDARD"

    async def test_limit_is_counted_in_headers_and_refused_above(self, world, http):
        """API-KEY-USE-LIMIT counts up; above the plan's minute it is 429."""
        answers = [await self.get(world, http, "/futures/supported-coins", key="simulated-hobbyist") for _ in range(31)]
        assert answers[1].headers["API-KEY-USE-LIMIT"] == "2"
        assert answers[1].headers["API-KEY-MAX-LIMIT"] == "30"
        assert [answer.status_code for answer in answers[29:]] == [200, 429]

    async def test_orders_list_and_bars_agree(self, world, http):
        """The sums by side of orders, the venue's row of the list and the hour's bar are equal."""
        await world.advance(20_000)
        query = {"exchange": "Binance", "symbol": "BTC", "min_liquidation_amount": "0"}
        now = world.start_ms + world.now_ms

        async def longs_since(start_ms):
            """Return what the orders of longs since then are worth."""
            rows = (await self.get(world, http, "/futures/liquidation/order", **query, start_time=start_ms)).json()["data"]
            return sum(row["usd_value"] for row in rows if row["side"] == 1)

        listed = (await self.get(world, http, "/futures/liquidation/exchange-list", range="1h", symbol="BTC")).json()
        row = next(row for row in listed["data"] if row["exchange"] == "Binance")
        assert row["long_liquidation_usd"] == pytest.approx(await longs_since(now - 3_600_000), abs=0.01) != 0
        bars = (await self.get(world, http, "/futures/liquidation/history", exchange="Binance", symbol="BTCUSDT", interval="1h")).json()
        last = bars["data"][-1]
        assert last["time"] == now // 3_600_000 * 3_600_000
        assert float(last["long_liquidation_usd"]) == pytest.approx(await longs_since(last["time"]), abs=0.01)

    async def test_unknown_things_are_refused(self, world, http):
        """An unknown coin, pair, exchange, a missing parameter and a wrong path each have their code."""
        order = {"exchange": "Binance", "symbol": "BTC", "min_liquidation_amount": "1"}
        for change in ({"symbol": "NOSUCH"}, {"exchange": "NOSUCH"}, {"min_liquidation_amount": "x"}):
            answer = await self.get(world, http, "/futures/liquidation/order", **{**order, **change})
            assert answer.json()["code"] == "400"
        bars = {"exchange": "Binance", "symbol": "BTC", "interval": "1h"}
        assert (await self.get(world, http, "/futures/liquidation/history", **bars)).json()["code"] == "400"
        assert (await self.get(world, http, "/futures/liquidation/exchange-list")).json()["code"] == "400"
        assert (await self.get(world, http, "/futures/nosuch")).json()["code"] == "404"
