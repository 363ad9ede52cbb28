"""What the simulated venues publish: shapes, refusals, and one ledger behind all of them."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest

from simulator.hyperliquid.listings import contracts

HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture
async def http():
    """Return a client."""
    async with httpx.AsyncClient() as client:
        yield client


async def ask(world, http, venue, path, **params):
    """Return the JSON of an answer with status 200."""
    answer = await http.get(world.urls[f"{venue.upper()}_REST_URL"] + path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def info(world, http, **question):
    """Return the answer of Hyperliquid."""
    return await http.post(world.urls["HYPERLIQUID_REST_URL"] + "/info", json=question)


async def test_candles_join_one_another_and_the_present(world, http):
    """Each opens where the one before closed, the last is open and at the market's price; hours sum their minutes."""
    await world.advance(125_000)
    rows = await ask(world, http, "binance", "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=60)
    assert [row[0] for row in rows] == [rows[0][0] + 60_000 * number for number in range(60)]
    assert rows[-1][0] <= world.start_ms + world.now_ms <= rows[-1][6]
    # The prices before the start are smooth; afterwards minutes open and close at marks.
    assert all(
        float(after[1]) == pytest.approx(float(before[4]), rel=0.02) for before, after in pairwise(rows)
    )
    assert float(rows[-1][4]) == pytest.approx(world.market.price("BTC"), rel=1e-4)
    assert all(float(row[3]) <= min(float(row[1]), float(row[4])) for row in rows)
    hour = (await ask(world, http, "binance", "/fapi/v1/klines", symbol="BTCUSDT", interval="1h", limit=2))[0]
    minutes = await ask(world, http, "binance", "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=130)
    inside = [row for row in minutes if hour[0] <= row[0] <= hour[6]]
    assert len(inside) == 60
    assert sum(float(row[7]) for row in inside) == pytest.approx(float(hour[7]), rel=1e-6)


async def test_venues_quote_one_market(world, http):
    """The four venues' prices agree, PEPE's in thousands where it is so."""
    await world.advance(5_000)
    okx = (await ask(world, http, "okx", "/api/v5/market/ticker", instId="PEPE-USDT-SWAP"))["data"][0]
    bybit = await ask(
        world,
        http,
        "bybit",
        "/v5/market/kline",
        category="linear",
        symbol="1000PEPEUSDT",
        interval="5",
        limit=1,
    )
    states = (await info(world, http, type="metaAndAssetCtxs")).json()
    place = [row["name"] for row in states[0]["universe"]].index("kPEPE")
    price = float(okx["last"])
    assert float(bybit["result"]["list"][0][4]) == pytest.approx(price * 1000, rel=1e-3)
    assert float(states[1][place]["markPx"]) == pytest.approx(price * 1000, rel=1e-3)


async def test_open_interest_agrees_with_its_history_and_counts_sides_as_each_venue_does(world, http):
    """Bybit's is of both sides beside the single one; OKX's contracts, coins and USD are one amount."""
    ticker = (await ask(world, http, "bybit", "/v5/market/tickers", category="linear", symbol="BTCUSDT"))[
        "result"
    ]["list"][0]
    assert float(ticker["openInterest"]) == pytest.approx(2 * float(ticker["singleOpenInterest"]), rel=1e-6)
    row = (
        await ask(world, http, "okx", "/api/v5/public/open-interest", instType="SWAP", instId="BTC-USDT-SWAP")
    )["data"][0]
    assert float(row["oi"]) * 0.01 == pytest.approx(float(row["oiCcy"]), rel=1e-4)
    past = await ask(
        world, http, "binance", "/futures/data/openInterestHist", symbol="BTCUSDT", period="5m", limit=2
    )
    now = await ask(world, http, "binance", "/fapi/v1/openInterest", symbol="BTCUSDT")
    assert float(past[-1]["sumOpenInterest"]) == pytest.approx(float(now["openInterest"]), rel=0.02)
    assert past[0]["timestamp"] < past[1]["timestamp"] <= world.start_ms


async def test_coinglass_and_the_venue_tell_the_same_ratio(world, http):
    """Both are views of one ledger."""
    theirs = await ask(
        world,
        http,
        "binance",
        "/futures/data/globalLongShortAccountRatio",
        symbol="BTCUSDT",
        period="1h",
        limit=3,
    )
    ledger = world.venues["coinglass"].feed.ledger
    contract = ledger.of("BTC", ["Binance"])[0]
    long = round(52 + 18 * ledger.state(f"accounts {contract.name}", theirs[-1]["timestamp"]), 2)
    assert float(theirs[-1]["longAccount"]) == pytest.approx(long / 100)


async def test_books_have_walls_and_do_not_cross(world, http):
    """Best first, with as many levels as asked."""
    book = await ask(world, http, "binance", "/fapi/v1/depth", symbol="BTCUSDT", limit=100)
    bids, asks = ([(float(price), float(size)) for price, size in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 100
    assert bids == sorted(bids, reverse=True)
    assert bids[0][0] < asks[0][0]
    assert max(size for _, size in bids) > 5 * bids[0][1]


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [("/fapi/v1/klines", {"symbol": "NOSUCH", "interval": "1m"}, -1121), ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "0"}, -1130),
     ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "7"}, -1130), ("/api/v3/ticker/24hr", {"symbol": "NOSUCHUSDT"}, -1121)],
)  # fmt: skip
async def test_binance_names_what_is_wrong(world, http, path, params, code):
    """Status 400 and the venue's code."""
    answer = await http.get(world.urls["BINANCE_REST_URL"] + path, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("path", "params"),
    [("kline", {"symbol": "BTCUSDT", "interval": "7"}), ("kline", {"symbol": "NOSUCH", "interval": "5"}),
     ("open-interest", {"symbol": "BTCUSDT", "intervalTime": "1m"}), ("funding/history", {"symbol": "BTCUSDT", "startTime": "1"}),
     ("account-ratio", {"symbol": "BTCUSDT"})],
)  # fmt: skip
async def test_bybit_names_what_is_wrong(world, http, path, params):
    """Code 10001 inside HTTP 200."""
    answer = await ask(world, http, "bybit", f"/v5/market/{path}", category="linear", **params)
    assert answer["retCode"] == 10001
    spot = await ask(world, http, "bybit", "/v5/market/tickers", category="spot", symbol="NOSUCHUSDT")
    assert spot["retCode"] == 10001


@pytest.mark.parametrize(
    ("path", "params"),
    [("market/candles", {"instId": "BTC-USDT-SWAP", "bar": "7m"}), ("market/ticker", {"instId": "NOSUCH-USDT"}),
     ("public/open-interest", {"instId": "BTC-USDT-SWAP"}), ("rubik/stat/taker-volume-contract", {"instId": "BTC-USDT-SWAP", "period": "5m"})],
)  # fmt: skip
async def test_okx_names_what_is_wrong(world, http, path, params):
    """Code 51000 inside HTTP 200."""
    assert (await ask(world, http, "okx", f"/api/v5/{path}", **params))["code"] == "51000"


async def test_okx_statistics_allow_five_in_two_seconds(world, http):
    """The sixth is refused until two seconds have passed."""
    url = world.urls["OKX_REST_URL"] + "/api/v5/rubik/stat/contracts/open-interest-history"
    params = {"instId": "BTC-USDT-SWAP", "period": "1H", "limit": 1}
    assert [(await http.get(url, params=params)).status_code for _ in range(6)] == [200] * 5 + [429]
    await world.advance(2_000)
    assert (await http.get(url, params=params)).status_code == 200


async def test_hyperliquid_answers_by_type_within_its_weight(world, http):
    """Trades, candles, rates and books of its own coins; wrong questions and too many are refused."""
    await world.advance(5_000)
    now = world.start_ms + world.now_ms
    trades = (await info(world, http, type="recentTrades", coin="BTC")).json()
    assert len(trades) == 10
    assert {row["side"] for row in trades} <= {"A", "B"}
    assert all(row["time"] <= now for row in trades)
    span = {"coin": "BTC", "interval": "1h", "startTime": now - DAY, "endTime": now}
    assert len((await info(world, http, type="candleSnapshot", req=span)).json()) == 24
    rates = (await info(world, http, type="fundingHistory", coin="BTC", startTime=now - 3 * HOUR)).json()
    assert [row["time"] % HOUR for row in rates] == [0, 0, 0]
    book = (await info(world, http, type="l2Book", coin="kPEPE")).json()
    assert [len(side) for side in book["levels"]] == [20, 20]
    state = (await info(world, http, type="clearinghouseState", user=trades[0]["users"][0])).json()
    held = [row["position"] for row in state["assetPositions"]]
    worth = sum(float(row["positionValue"]) for row in held)
    assert float(state["marginSummary"]["totalNtlPos"]) == pytest.approx(worth)
    assert all(float(row["szi"]) != 0 and row["leverage"]["type"] in {"cross", "isolated"} for row in held)
    stranger = (await info(world, http, type="clearinghouseState", user=f"0x{1:040x}")).json()
    assert (stranger["assetPositions"], float(stranger["withdrawable"])) == ([], 0.0)
    assert (await info(world, http, type="clearinghouseState", user="BTC")).status_code == 422
    assert (await info(world, http, type="nosuch")).status_code == 422
    assert (await info(world, http, type="recentTrades", coin="NOSUCH")).status_code == 500
    url = world.urls["HYPERLIQUID_REST_URL"]
    assert (await http.post(f"{url}/info", content=b"not json")).status_code == 422
    assert (await http.get(f"{url}/nosuch")).status_code == 404
    codes = [(await info(world, http, type="metaAndAssetCtxs")).status_code for _ in range(60)]
    assert codes[0] == 200
    assert codes[-1] == 429
    await world.advance(61_000)
    assert (await info(world, http, type="metaAndAssetCtxs")).status_code == 200


async def test_hyperliquid_lists_the_larger_coins_and_takes_no_stream(world):
    """A delisted coin is marked by the venue; nothing is pushed, and no address for streams is given."""
    names = [row.listing.symbol for row in contracts(world.venues["coinglass"].feed.assets)]
    assert "BTC" in names
    assert "kPEPE" in names
    assert "牛来" not in names
    assert "HYPERLIQUID_WS_URL" not in world.urls
    assert world.venues["hyperliquid"].feed.due(1_000) == ([], [])


async def test_rest_may_be_renamed_or_never_answered(world, http):
    """The envelope stays, rows of lists become something else; a stalled venue holds the question until it stops."""
    world.venues["okx"].faults.set("rename_rest", 1)
    body = await ask(world, http, "okx", "/api/v5/market/candles", instId="BTC-USDT-SWAP", bar="1H", limit=1)
    assert body["code"] == "0"
    assert set(body["data"][0]) == {"row_v9"}
    world.venues["binance"].faults.set("rename_rest", 1)
    assert "symbols_v9" in await ask(world, http, "binance", "/fapi/v1/exchangeInfo")
    world.venues["bybit"].faults.set("stall_rest", 1)
    with pytest.raises(httpx.ReadTimeout):
        await http.get(world.urls["BYBIT_REST_URL"] + "/v5/market/time", timeout=0.2)


async def test_each_field_is_null_under_one_of_three_numbers(world, http):
    """Every row loses the same fields, rows without names by place; together every field but the envelope's."""
    faults = world.venues["okx"].faults
    asked = {"instId": "BTC-USDT-SWAP", "bar": "1H", "limit": 2}
    whole = await ask(world, http, "okx", "/api/v5/market/candles", **asked)
    lost = []
    for part in (1, 2, 3):
        faults.set("null_rest", part)
        body = await ask(world, http, "okx", "/api/v5/market/candles", **asked)
        assert body["code"] == "0"
        one, other = ({at for at, value in enumerate(row) if value is None} for row in body["data"])
        assert one == other
        lost.append(one)
    assert set.union(*lost) == set(range(len(whole["data"][0])))
    assert sum(map(len, lost)) == len(whole["data"][0])


async def test_numbers_and_their_text_change_places(world, http):
    """Where a venue writes text there are numbers, and the other way round; names and the envelope stay."""
    faults = world.venues["okx"].faults
    faults.set("retype_rest", 1)
    body = await ask(world, http, "okx", "/api/v5/market/ticker", instId="BTC-USDT-SWAP")
    row = body["data"][0]
    assert (body["code"], row["instId"]) == ("0", "BTC-USDT-SWAP")
    assert isinstance(row["last"], float)
    world.venues["coinglass"].faults.set("retype_rest", 1)
    answer = await http.get(
        world.urls["COINGLASS_REST_URL"] + "/api/futures/open-interest/exchange-list",
        params={"symbol": "BTC"}, headers={"CG-API-KEY": "simulated-professional"},
    )  # fmt: skip
    assert isinstance(answer.json()["data"][0]["open_interest_usd"], str)
