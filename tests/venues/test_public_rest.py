"""The public endpoints' doors: what is sent, and whose pace counts."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from types import SimpleNamespace

import httpx
import pytest

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.binance.rest import BinanceRest, BinanceSpotRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx.rest import OkxRest
from teleglas.venues.rest_client import Limit, Quota, Throttled, new_http_client
from tests.rest_server import Answer, running_rest_server


class _Clock:
    """Monotonic seconds that move only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
async def server():
    """Serve HTTP on a free port, every path with an empty success of all venues."""
    async with running_rest_server() as running:
        yield running


@pytest.fixture
async def http():
    """Open the client that all venues share."""
    async with new_http_client() as client:
        yield client


BINANCE = [
    (lambda rest: rest.ticker("X"), "/fapi/v1/ticker/24hr", {"symbol": "X"}),
    (lambda rest: rest.premium_index("X"), "/fapi/v1/premiumIndex", {"symbol": "X"}),
    (lambda rest: rest.funding_info(), "/fapi/v1/fundingInfo", {}),
    (lambda rest: rest.funding_rate("X", 5), "/fapi/v1/fundingRate", {"symbol": "X", "limit": "5"}),
    (lambda rest: rest.open_interest("X"), "/fapi/v1/openInterest", {"symbol": "X"}),
    (lambda rest: rest.klines("X", "1h", 7), "/fapi/v1/klines", {"symbol": "X", "interval": "1h", "limit": "7"}),
    (lambda rest: rest.depth("X"), "/fapi/v1/depth", {"symbol": "X", "limit": "500"}),
    (lambda rest: rest.statistics("openInterestHist", "X", "5m", 9), "/futures/data/openInterestHist",
     {"symbol": "X", "period": "5m", "limit": "9"}),
]  # fmt: skip
BYBIT = [
    (lambda rest: rest.ticker("X", "spot"), "tickers", {"category": "spot", "symbol": "X"}),
    (lambda rest: rest.klines("X", "D", 3), "kline", {"category": "linear", "symbol": "X", "interval": "D", "limit": "3"}),
    (lambda rest: rest.order_book("X"), "orderbook", {"category": "linear", "symbol": "X", "limit": "500"}),
    (lambda rest: rest.open_interest("X", "5min", 2), "open-interest",
     {"category": "linear", "symbol": "X", "intervalTime": "5min", "limit": "2"}),
    (lambda rest: rest.account_ratio("X", "1h"), "account-ratio",
     {"category": "linear", "symbol": "X", "period": "1h", "limit": "1"}),
    (lambda rest: rest.funding_history("X", 4), "funding/history", {"category": "linear", "symbol": "X", "limit": "4"}),
]  # fmt: skip
OKX = [
    (lambda rest: rest.ticker("X"), "market/ticker", {"instId": "X"}),
    (lambda rest: rest.open_interest("X"), "public/open-interest", {"instType": "SWAP", "instId": "X"}),
    (lambda rest: rest.funding_rate("X"), "public/funding-rate", {"instId": "X"}),
    (lambda rest: rest.funding_history("X", 4), "public/funding-rate-history", {"instId": "X", "limit": "4"}),
    (lambda rest: rest.candles("X", "1H", 3), "market/candles", {"instId": "X", "bar": "1H", "limit": "3"}),
    (lambda rest: rest.books("X"), "market/books", {"instId": "X", "sz": "400"}),
    (lambda rest: rest.statistics("taker-volume-contract", "X", "5m", 9), "rubik/stat/taker-volume-contract",
     {"instId": "X", "period": "5m", "limit": "9", "unit": "2"}),
]  # fmt: skip
CASES = [
    *((BinanceRest, ask, path, query, "{}") for ask, path, query in BINANCE),
    *((BybitRest, ask, f"/v5/market/{path}", query, '{"retCode":0}') for ask, path, query in BYBIT),
    *((OkxRest, ask, f"/api/v5/{path}", query, '{"code":"0"}') for ask, path, query in OKX),
    (BinanceSpotRest, lambda rest: rest.ticker("X"), "/api/v3/ticker/24hr", {"symbol": "X"}, "{}"),
]


@pytest.mark.parametrize(("kind", "ask", "path", "query", "text"), CASES)
async def test_each_endpoint_is_asked_as_documented(http, server, kind, ask, path, query, text):
    """Path and parameters of every endpoint stand in one place."""
    server.rules[path] = lambda _: text
    assert await ask(kind(http, server.url)) == text.encode()
    assert server.queries(path) == [query]


async def test_hyperliquid_is_asked_by_post(http, server):
    """The type of the question decides; an error status is no answer."""
    server.rules["/info"] = lambda _: "[]"
    rest = HyperliquidRest(http, server.url)
    for asking in (rest.contexts(), rest.recent_trades("BTC"), rest.candles("BTC", "1h", 1, 2),
                   rest.funding_history("BTC", 1), rest.order_book("BTC"), rest.account("0x1")):  # fmt: skip
        assert await asking == b"[]"
    assert {headers["content-type"] for _, _, headers in server.asked} == {"application/json"}
    server.next("/info", Answer("null", 500), Answer("", 422))
    with pytest.raises(FeedInterrupted):
        await rest.contexts()
    with pytest.raises(FeedRefused):
        await rest.contexts()


async def test_who_is_in_a_hurry_is_told_at_once_and_takes_nobodys_turn(http, server):
    """A wait longer than allowed is refused without a request, and the turn is given back."""
    clock = _Clock()
    server.rules["/api/v5/rubik/stat/a"] = server.rules["/api/v5/rubik/stat/b"] = lambda _: '{"code":"0"}'
    rest = OkxRest(http, server.url, clock=clock, sleep=clock.sleep, most_wait_s=0.5)
    await rest.statistics("a", "X", "5m")
    await rest.statistics("a", "X", "5m")
    for _ in range(5):
        with pytest.raises(Throttled) as caught:
            await rest.statistics("a", "X", "5m")
        assert caught.value.wait_s == pytest.approx(2 / 3)
    await rest.statistics("b", "X", "5m")
    clock.now += 0.4
    await rest.statistics("a", "X", "5m")
    assert clock.slept == [pytest.approx(2 / 3 - 0.4)]
    assert rest.quiet_for_s() == 0
    assert len(server.asked) == 4


def test_a_turn_given_back_is_free_again():
    """And never more than the burst."""
    quota = Quota(Limit(units=1, window_s=1, burst=2))
    assert quota.reserve(2, 0.0) == 0.0
    quota.give_back(2)
    quota.give_back(2)
    assert quota.reserve(2, 0.0) == 0.0
    assert quota.reserve(1, 0.0) == 1.0


@pytest.mark.parametrize("ticks", [2, 4, 6, 8])
async def test_who_gives_up_leaves_no_connection_open(server, monkeypatch, ticks):
    """Connections that had their time are closed, also when the one whose question closes them is cut off meanwhile."""
    ahead = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr("httpcore._async.http11.time", clock)
    server.rules["/api/v3/ticker/24hr"] = lambda _: "{}"
    async with httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=5)) as http:
        rest = BinanceSpotRest(http, server.url)
        await asyncio.gather(*(rest.ticker("X") for _ in range(20)))
        ahead[0] = 10.0
        hasty = asyncio.create_task(rest.ticker("X"))
        for _ in range(ticks):
            await asyncio.sleep(0)
        hasty.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hasty
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(each.message) for each in caught] == []
