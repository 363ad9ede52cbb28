"""REST doors of the venues against a real server: pace, refusals, errors inside HTTP 200, what is learned."""

from __future__ import annotations

import json
import logging

import pytest

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.binance import rest as binance
from teleglas.venues.bybit import rest as bybit
from teleglas.venues.coinglass.rest import CoinglassRest, may_stream
from teleglas.venues.okx import rest as okx
from teleglas.venues.rest_client import (
    Banned,
    Limit,
    Quota,
    Throttled,
    new_http_client,
    retry_after_s,
)
from tests.rest_server import Answer, RestServer, running_rest_server

HTML = "<html><body>Just a moment...</body></html>"


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
    """Serve HTTP on a free port."""
    async with running_rest_server() as running:
        yield running


@pytest.fixture
def clock():
    """Stand still until somebody sleeps."""
    return _Clock()


@pytest.fixture
async def http():
    """Open the client that all venues share."""
    async with new_http_client() as client:
        yield client


def _rest_of(kind, http, server: RestServer, clock: _Clock, **more):
    return kind(http, server.url, clock=clock, sleep=clock.sleep, **more)


class TestTransport:
    """What any answer of a server may be."""

    async def test_body_is_returned_untouched(self, http, server, clock):
        """The journal must hold the very bytes of the venue."""
        text = '[ {"a":1,\n "T":5} ]'
        server.rules["/fapi/v1/aggTrades"] = lambda _: text
        body = await _rest_of(binance.BinanceRest, http, server, clock).agg_trades("BTCUSDT", from_id=7)
        assert body == text.encode()
        assert server.queries("/fapi/v1/aggTrades") == [{"symbol": "BTCUSDT", "limit": "1000", "fromId": "7"}]

    async def test_silence_is_interrupted(self, http, server, clock):
        """A server that accepts and says nothing does not hold the poller."""
        server.rules["/fapi/v1/exchangeInfo"] = lambda _: Answer("", hang=True)
        rest = _rest_of(binance.BinanceRest, http, server, clock, patience_s=0.2)
        with pytest.raises(FeedInterrupted, match="TimeoutError"):
            await rest.exchange_info()

    async def test_nobody_listens(self, http, clock):
        """A refused connection is an interruption, not a crash, and names no address."""
        rest = binance.BinanceRest(http, "http://127.0.0.1:9", clock=clock, sleep=clock.sleep)
        with pytest.raises(FeedInterrupted) as caught:
            await rest.exchange_info()
        assert "127.0.0.1" not in str(caught.value)

    async def test_oversized_body(self, http, server, clock, monkeypatch):
        """A body without end does not fill the memory."""
        monkeypatch.setattr("teleglas.venues.rest_client.MAX_BODY", 1 << 20)
        server.rules["/fapi/v1/exchangeInfo"] = lambda _: "[" + " " * (2 << 20)
        with pytest.raises(FeedInterrupted, match="body over"):
            await _rest_of(binance.BinanceRest, http, server, clock).exchange_info()

    @pytest.mark.parametrize("kind", [binance.BinanceRest, bybit.BybitRest, okx.OkxRest])
    async def test_html_with_200_is_interrupted(self, http, server, clock, kind):
        """A proxy's page is not market data."""
        for path in ("/fapi/v1/ticker/24hr", "/v5/market/tickers", "/api/v5/market/tickers"):
            server.rules[path] = lambda _: HTML
        with pytest.raises(FeedInterrupted, match="body is not"):
            await _rest_of(kind, http, server, clock).tickers()

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(451, "region_block"), (403, "region_block"), (401, "invalid_key"), (400, "bad_request"), (404, "bad_request")],
    )
    async def test_status_is_named(self, http, server, clock, status, reason):
        """What a person must know is in the reason."""
        server.rules["/fapi/v1/exchangeInfo"] = lambda _: Answer("no", status)
        with pytest.raises(FeedRefused) as caught:
            await _rest_of(binance.BinanceRest, http, server, clock).exchange_info()
        assert caught.value.reason == reason

    @pytest.mark.parametrize("status", [500, 502, 503, 408, 302])
    async def test_server_trouble_is_interrupted(self, http, server, clock, status):
        """These may pass by themselves."""
        server.rules["/fapi/v1/exchangeInfo"] = lambda _: Answer("oops", status)
        with pytest.raises(FeedInterrupted):
            await _rest_of(binance.BinanceRest, http, server, clock).exchange_info()


class TestQuiet:
    """What the venue asks of us."""

    async def test_429_is_obeyed_for_retry_after(self, http, server, clock):
        """After a 429 nothing is sent until the venue's own time has passed."""
        rest = _rest_of(binance.BinanceRest, http, server, clock)
        server.next("/fapi/v1/exchangeInfo", Answer("{}", 429, {"Retry-After": "17"}), Answer("{}"))
        with pytest.raises(Throttled) as caught:
            await rest.exchange_info()
        assert caught.value.wait_s == 17
        clock.now += 16
        with pytest.raises(Throttled):
            await rest.exchange_info()
        assert len(server.asked) == 1
        clock.now += 1.1
        assert await rest.exchange_info() == b"{}"

    @pytest.mark.parametrize(
        ("said", "waits"), [("inf", 259_200), ("1e300", 259_200), ("nan", 0), ("-5", 0), ("soon", 9)]
    )
    def test_an_absurd_wait_is_bounded(self, said, waits):
        """No clock can wait for ever: three days is the longest ban that a venue has."""
        assert retry_after_s({"retry-after": said}, 9) == waits

    async def test_418_is_a_ban(self, http, server, clock):
        """A ban is a refusal with its own time."""
        rest = _rest_of(binance.BinanceRest, http, server, clock)
        server.rules["/fapi/v1/exchangeInfo"] = lambda _: Answer("{}", 418, {"Retry-After": "300"})
        for _ in range(2):
            with pytest.raises(Banned) as caught:
                await rest.exchange_info()
            assert caught.value.reason == "banned"
        assert len(server.asked) == 1
        assert rest.quiet_for_s() == pytest.approx(300)

    async def test_others_use_of_the_weight_counts(self, http, server, clock):
        """The address's weight is shared: near its end we wait for the next minute."""
        rest = _rest_of(binance.BinanceRest, http, server, clock)
        server.next("/fapi/v1/exchangeInfo", Answer("{}", headers={"X-MBX-USED-WEIGHT-1M": "2390"}))
        await rest.exchange_info()
        with pytest.raises(Throttled):
            await rest.exchange_info()

    def test_retry_after_date(self):
        """A date in Retry-After is not a number: the default stands."""
        assert retry_after_s({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30) == 30

    async def test_weight_paces(self, http, server, clock):
        """The weight of one minute is not exceeded, whatever the caller does."""
        server.rules["/fapi/v1/aggTrades"] = lambda _: "[]"
        rest = _rest_of(binance.BinanceRest, http, server, clock)
        started = clock.now
        for _ in range(100):
            await rest.agg_trades("BTCUSDT")
        minutes = (clock.now - started) / 60
        assert 2400 * max(1.0, minutes) >= 100 * 20
        assert sum(clock.slept) > 60

    def test_quota_forgets_nothing_when_time_steps_back(self):
        """A clock that steps back must not give new units."""
        quota = Quota(Limit(units=10, window_s=10, burst=1))
        assert quota.reserve(1, 100.0) == 0
        assert quota.reserve(1, 50.0) == pytest.approx(1)
        assert quota.reserve(1, 50.0) == pytest.approx(2)


def _bybit_body(code: int, message: str = "") -> str:
    return json.dumps({"retCode": code, "retMsg": message, "result": {"list": []}})


class TestBybit:
    """Bybit's own ways."""

    async def test_pages_are_asked_by_cursor(self, http, server, clock):
        """The cursor goes back as it came, percent-encoded."""
        server.rules["/v5/market/instruments-info"] = lambda _: _bybit_body(0)
        rest = _rest_of(bybit.BybitRest, http, server, clock)
        await rest.instruments()
        await rest.instruments("first%3DPAGE&x")
        first, second = server.queries("/v5/market/instruments-info")
        assert "cursor" not in first
        assert second["cursor"] == "first%3DPAGE&x"

    @pytest.mark.parametrize(
        ("code", "error"),
        [(10006, Throttled), (10016, FeedInterrupted), (10009, Banned), (10001, FeedRefused), (10024, FeedRefused)],
    )
    async def test_error_inside_200(self, http, server, clock, code, error):
        """Bybit refuses with HTTP 200."""
        server.rules["/v5/market/tickers"] = lambda _: _bybit_body(code, "no")
        with pytest.raises(error):
            await _rest_of(bybit.BybitRest, http, server, clock).tickers()

    async def test_403_is_the_rate_limiter_unless_it_speaks_of_countries(self, http, server, clock):
        """The same status has two meanings here, with two remedies."""
        server.next("/v5/market/tickers", Answer("access from your country is blocked", 403))
        rest = _rest_of(bybit.BybitRest, http, server, clock)
        with pytest.raises(FeedRefused) as blocked:
            await rest.tickers()
        assert blocked.value.reason == "region_block"
        server.next("/v5/market/tickers", Answer("access too frequent", 403))
        with pytest.raises(Banned) as banned:
            await rest.tickers()
        assert banned.value.wait_s == 600

    def test_rows(self):
        """Ids, times and turnover are read where the docs put them."""
        body = {"result": {"list": [{"execId": "u1", "time": "1700000000123", "symbol": "BTCUSDT"}]}}
        (ref,) = bybit.trade_refs(json.dumps(body).encode())
        assert (ref.id, ref.event_ms) == ("u1", 1_700_000_000_123)
        tickers = {"result": {"list": [{"symbol": "BTCUSDT", "turnover24h": "6000000.5"}, {"symbol": "XUSDT", "turnover24h": ""}]}}
        assert bybit.volumes(json.dumps(tickers).encode()) == {"BTCUSDT": 6_000_000.5, "XUSDT": 0}
        assert [s for s in ("BTCUSDT", "BTCPERP", "BTCUSDT-27MAR26", "BTCUSD") if bybit.is_watchable(s)] == ["BTCUSDT", "BTCPERP"]


class TestOkx:
    """OKX's own ways."""

    @pytest.mark.parametrize(
        ("status", "code", "error"),
        [(200, "50011", Throttled), (429, "50011", Throttled), (200, "50013", FeedInterrupted),
         (200, "51001", FeedRefused), (400, "51000", FeedRefused), (503, "50001", FeedInterrupted)],
    )  # fmt: skip
    async def test_code_decides(self, http, server, clock, status, code, error):
        """OKX sends its code with 200 and with errors alike."""
        server.rules["/api/v5/market/trades"] = lambda _: Answer(json.dumps({"code": code, "msg": "m", "data": []}), status)
        with pytest.raises(error):
            await _rest_of(okx.OkxRest, http, server, clock).trades("BTC-USDT-SWAP")

    async def test_region_block_without_json(self, http, server, clock):
        """An HTML page with 403 is still named."""
        server.rules["/api/v5/market/trades"] = lambda _: Answer(HTML, 403)
        with pytest.raises(FeedRefused) as caught:
            await _rest_of(okx.OkxRest, http, server, clock).trades("BTC-USDT-SWAP")
        assert caught.value.reason == "region_block"

    async def test_liquidations_are_asked_by_family(self, http, server, clock):
        """Pages go back in time by `after`."""
        server.rules["/api/v5/public/liquidation-orders"] = lambda _: '{"code":"0","data":[]}'
        await _rest_of(okx.OkxRest, http, server, clock).liquidation_orders("BTC-USDT", older_than_ms=5)
        assert server.queries("/api/v5/public/liquidation-orders") == [
            {"instType": "SWAP", "uly": "BTC-USDT", "state": "filled", "limit": "100", "after": "5"}
        ]

    def test_volume_is_in_dollars(self):
        """`volCcy24h` counts coins, so it is multiplied by the price."""
        body = {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "volCcy24h": "2", "last": "50000"}]}
        assert okx.volumes(json.dumps(body).encode()) == {"BTC-USDT-SWAP": 100_000}

    def test_liquidation_times(self):
        """Every detail row of every part is seen."""
        body = {"code": "0", "data": [{"details": [{"ts": "5"}, {"ts": "7"}]}, {"details": []}, {"details": [{"ts": "9"}]}]}
        assert [ref.event_ms for ref in okx.liquidation_refs(json.dumps(body).encode())] == [5, 7, 9]

    def test_names(self):
        """Only coin-quoted-in-dollar swaps are watched; families are what the endpoint wants."""
        assert okx.is_watchable("BTC-USDC-SWAP")
        assert not okx.is_watchable("BTC-USD-SWAP")
        assert okx.family_of("BTC-USD-SWAP") == "BTC-USD"


def _glass(http, server, clock) -> CoinglassRest:
    rest = _rest_of(CoinglassRest, http, server, clock)
    rest.use_key("canary-key")
    return rest


class TestCoinglass:
    """CoinGlass's own ways."""

    @pytest.mark.parametrize(
        ("status", "body", "reason"),
        [
            (200, {"code": "401", "msg": "API key missing."}, "invalid_key"),
            (200, {"code": "400", "msg": "Invalid API key provided"}, "invalid_key"),
            (400, {"code": "400", "msg": "Invalid API key provided"}, "invalid_key"),
            (200, {"code": "401", "msg": "Upgrade plan"}, "plan"),
            (200, {"code": "403", "msg": "The requested interval is not available for your current API plan."}, "plan"),
            (200, {"code": "400", "msg": "The requested pair does not exist on the exchange."}, "bad_request"),
            (200, {"code": "404", "msg": "Endpoint not found."}, "bad_request"),
            (404, {"code": 404, "msg": "Endpoint not found."}, "bad_request"),
        ],
    )
    async def test_refusals(self, http, server, clock, status, body, reason):
        """The code in the body decides, 401 is split by its message."""
        server.rules["/api/futures/supported-coins"] = lambda _: Answer(json.dumps(body), status)
        with pytest.raises(FeedRefused) as caught:
            await _glass(http, server, clock).supported_coins()
        assert caught.value.reason == reason

    @pytest.mark.parametrize(
        ("status", "text", "error"),
        [
            (429, "slow down", Throttled),
            (200, '{"code":"429","msg":"x"}', Throttled),
            (200, '{"code":"500","msg":"Server Error"}', FeedInterrupted),
            (200, '{"data":[]}', FeedInterrupted),
            (200, HTML, FeedInterrupted),
            (502, HTML, FeedInterrupted),
            (502, '{"code":"0"}', FeedInterrupted),
        ],
    )
    async def test_troubles(self, http, server, clock, status, text, error):
        """What may pass by itself is an interruption."""
        server.rules["/api/futures/supported-coins"] = lambda _: Answer(text, status)
        with pytest.raises(error):
            await _glass(http, server, clock).supported_coins()

    async def test_code_may_be_a_number(self, http, server, clock):
        """Success is `str(code) == "0"`."""
        server.rules["/api/futures/supported-coins"] = lambda _: '{"code":0,"data":["BTC"]}'
        assert b"BTC" in await _glass(http, server, clock).supported_coins()

    async def test_key_is_in_the_header_only(self, http, server, clock, caplog):
        """The key never enters a URL, so that no log of URLs can hold it."""
        server.rules["/api/futures/supported-coins"] = lambda _: '{"code":"500","msg":"x"}'
        with caplog.at_level(logging.DEBUG), pytest.raises(FeedInterrupted) as caught:
            await _glass(http, server, clock).supported_coins()
        _, query, headers = server.asked[0]
        assert headers["cg-api-key"] == "canary-key"
        assert "canary-key" not in str(query) + caplog.text + str(caught.value)

    async def test_plan_limit_is_learned_and_kept(self, http, server, clock):
        """The headers set the pace: half of the plan's requests, the rest is the command bot's."""
        rest = _glass(http, server, clock)
        server.rules["/api/futures/supported-coins"] = lambda _: Answer('{"code":"0"}', headers={"API-KEY-MAX-LIMIT": "300"})
        await rest.supported_coins()
        assert rest.max_per_minute == 300
        started = clock.now
        for _ in range(160):
            await rest.supported_coins()
        assert 55 <= clock.now - started <= 65

    async def test_used_up_key_is_left_alone(self, http, server, clock):
        """When others used up the minute, we do not ask."""
        rest = _glass(http, server, clock)
        headers = {"API-KEY-MAX-LIMIT": "30", "API-KEY-USE-LIMIT": "30"}
        server.next("/api/futures/supported-coins", Answer('{"code":"0"}', headers=headers))
        await rest.supported_coins()
        with pytest.raises(Throttled):
            await rest.supported_coins()
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        ("body", "per_minute", "may"),
        [
            (b'{"data":{"level":"PROFESSIONAL","expired":false}}', 0, True),
            (b'{"data":{"level":"Standard"}}', 0, True),
            (b'{"data":{"level":"STANDARD","expired":true}}', 300, False),
            (b'{"data":{"level":"HOBBYIST"}}', 30, False),
            (b'{"data":[]}', 1200, True),
            (None, 300, True),
            (None, 80, False),
        ],
    )
    def test_who_may_stream(self, body, per_minute, may):
        """Standard and above stream; without an answer the limit tells the plan."""
        assert may_stream(body, per_minute) is may


def test_binance_rows():
    """Ids, times and volumes are read where the docs put them; only perpetuals are watched."""
    (ref,) = binance.agg_trade_refs(b'[{"a":26129,"p":"0.01","T":1498793709153,"m":true}]')
    assert (ref.id, ref.event_ms) == (26129, 1498793709153)
    assert binance.volumes(b'[{"symbol":"BTCUSDT","quoteVolume":"5000000.25"},{"symbol":"X"}]') == {"BTCUSDT": 5_000_000.25, "X": 0}
    assert [s for s in ("BTCUSDT", "BTCUSDC", "BTCUSDT_261225", "ETHBTC") if binance.is_watchable(s)] == ["BTCUSDT", "BTCUSDC"]
