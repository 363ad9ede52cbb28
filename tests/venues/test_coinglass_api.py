"""Typed questions over real HTTP: cache, joining, deadlines, stale answers, plans, intervals, retries."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest

from teleglas.venues.answer import KeyRefused, NeedsPlan, SourceBusy, SourceChanged, SourceDown, UnknownSymbol
from teleglas.venues.coinglass.api.cache import Cache, Kept
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.rest import CoinglassRest
from tests.rest_server import Answer, running_rest_server

COINS = E.COINS.path
HISTORY = E.PRICE_HISTORY.path
BAR = {"time": 1_790_000_000_000, "open": "1", "high": "2", "low": "0.5", "close": "1.5", "volume_usd": "10"}
INTERVAL = {"code": "403", "msg": "The requested interval is not available for your current API plan."}
UPGRADE = {"code": "401", "msg": "Upgrade plan"}
HTML = "<html><body>502 Bad Gateway</body></html>"


async def no_sleep(_seconds):
    """Do not wait between tries."""


class Clock:
    """Seconds that the test moves."""

    now = 1000.0

    def __call__(self):
        """Return monotonic seconds."""
        return self.now

    def wall_ms(self):
        """Return Unix ms."""
        return 1_790_000_000_000 + round(self.now * 1000)


@pytest.fixture
async def http():
    """Return a client."""
    async with httpx.AsyncClient(timeout=5) as client:
        yield client


@pytest.fixture
async def server():
    """Return a scripted server."""
    async with running_rest_server() as running:
        yield running


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
async def api(http, server, clock):
    """Return a client of the scripted server, with a key."""
    rest = CoinglassRest(http, server.url, sleep=no_sleep)
    rest.use_key("canary-key")
    client = CoinglassApi(rest, clock=clock, wall_ms=clock.wall_ms, sleep=no_sleep, jitter=lambda: 0.0)
    yield client
    await client.close()


def ok(data, **headers):
    """Return a success."""
    return Answer(json.dumps({"code": "0", "msg": "success", "data": data}), headers=headers)


def said(body, status=200, **headers):
    """Return a refusal."""
    return Answer(json.dumps(body), status, headers)


def bars(api, **changes):
    """Ask for hourly candles."""
    return api.ask(
        E.PRICE_HISTORY, **{"exchange": "Binance", "symbol": "BTCUSDT", "interval": "1h", "limit": 24} | changes
    )


async def test_an_answer_names_its_source_and_age(api, server, clock):
    """The value comes with source and time, and is fresh."""
    server.rules[COINS] = lambda _: ok(["BTC"])
    answer = await api.ask(E.COINS)
    assert (answer.value, answer.source, answer.stale) == (["BTC"], "CoinGlass", False)
    assert answer.fetched_ms == clock.wall_ms()


async def test_fresh_answers_come_from_the_cache(api, server, clock):
    """Within its time to live a question is not asked again; afterwards it is."""
    server.rules[COINS] = lambda _: ok(["BTC"])
    first = await api.ask(E.COINS)
    clock.now += E.COINS.ttl_s - 1
    assert await api.ask(E.COINS) == first
    assert len(server.asked) == 1
    clock.now += 2
    assert (await api.ask(E.COINS)).fetched_ms > first.fetched_ms
    assert len(server.asked) == 2


async def test_equal_questions_are_asked_once(api, server):
    """A hundred askers of one thing cost one request; another symbol is another thing."""
    server.rules[HISTORY] = lambda _: ok([BAR])
    answers = await asyncio.gather(*(bars(api) for _ in range(100)))
    assert len(server.asked) == 1
    assert len({id(answer.value) for answer in answers}) == 1
    await bars(api, symbol="ETHUSDT")
    assert len(server.asked) == 2


async def test_a_late_answer_is_an_older_one_labelled(api, server, clock):
    """When the source hangs, the caller has the last answer in time, marked as stale."""
    server.rules[COINS] = lambda _: ok(["BTC"])
    first = await api.ask(E.COINS)
    clock.now += E.COINS.ttl_s + 1
    server.rules[COINS] = lambda _: Answer("", hang=True)
    answer = await api.ask(E.COINS, within_s=0.05)
    assert (answer.value, answer.stale, answer.fetched_ms) == (["BTC"], True, first.fetched_ms)
    assert api.counts["late"] == 1


async def test_a_late_answer_without_an_older_one_is_an_error(api, server):
    """Nothing is invented: there is no answer, in time."""
    server.rules[COINS] = lambda _: Answer("", hang=True)
    with pytest.raises(SourceDown, match=r"supported-coins: no answer within 0\.1 s"):
        await api.ask(E.COINS, within_s=0.1)


async def test_the_question_goes_on_after_its_asker_gave_up(api, server):
    """The next asker finds the answer that came too late for the first."""
    server.rules[COINS] = lambda _: Answer('{"code":"0","data":["BTC"]}', hang=True)
    with pytest.raises(SourceDown):
        await api.ask(E.COINS, within_s=0.1)
    server.stopping.set()  # lets it answer
    assert (await api.ask(E.COINS, within_s=5)).value == ["BTC"]
    assert len(server.asked) == 1


async def test_a_very_old_answer_is_not_given(api, server, clock):
    """Half an hour later a price of then is no answer."""
    server.rules[HISTORY] = lambda _: ok([BAR])
    await bars(api)
    clock.now += 1801
    server.rules[HISTORY] = lambda _: Answer(HTML, 502)
    with pytest.raises(SourceDown):
        await bars(api)


async def test_plan_refusals_are_remembered_per_endpoint(api, server, clock):
    """An endpoint above the plan is asked once in hours, whatever the symbol; others go on."""
    server.rules[E.PAIRS_MARKETS.path] = lambda _: ok([])
    server.rules[E.NET_FLOW.path] = lambda _: said(UPGRADE)
    for symbol in ("BTC", "ETH", "BTC"):
        with pytest.raises(NeedsPlan, match="coin/netflow needs the Startup plan") as caught:
            await api.ask(E.NET_FLOW, symbol=symbol)
        assert (caught.value.endpoint, caught.value.plan) == ("coin/netflow", "Startup")
    assert len(server.asked) == 1
    assert api.refused_plans() == {"coin/netflow": "Startup"}
    await api.ask(E.PAIRS_MARKETS, symbol="BTC")
    clock.now += 6 * 3600 + 1
    with pytest.raises(NeedsPlan):
        await api.ask(E.NET_FLOW, symbol="BTC")
    assert len(server.asked) == 3
    assert api.refused_plans() == {"coin/netflow": "Startup"}


async def test_a_short_interval_becomes_the_next_that_the_plan_offers(api, server):
    """The answer says which periods it has; the span stays; the floor is remembered."""
    server.rules[HISTORY] = lambda query: ok([BAR]) if query["interval"] == "4h" else said(INTERVAL)
    answer = await bars(api)
    assert answer.interval == "4h"
    assert [(query["interval"], query["limit"]) for query in server.queries(HISTORY)] == [("1h", "24"), ("4h", "6")]
    assert (await bars(api, symbol="ETHUSDT")).interval == "4h"
    assert len(server.asked) == 3


async def test_a_known_plan_saves_the_steps_between(api, server):
    """With 30 requests a minute the floor is 4 h, so nothing in between is tried."""
    limits = {"API-KEY-MAX-LIMIT": "30", "API-KEY-USE-LIMIT": "1"}
    server.rules[HISTORY] = lambda query: ok([BAR]) if query["interval"] == "4h" else said(INTERVAL, **limits)
    await bars(api, interval="1m", limit=1000)
    assert [(query["interval"], query["limit"]) for query in server.queries(HISTORY)] == [("1m", "1000"), ("4h", "5")]


async def test_an_unknown_pair_is_named_and_remembered(api, server, clock):
    """No other symbol's data, no second request for a while."""
    body = {"code": "400", "msg": "The requested pair does not exist on the exchange."}
    server.rules[HISTORY] = lambda query: said(body) if query["symbol"] == "NOPE" else ok([BAR])
    for _ in range(2):
        with pytest.raises(UnknownSymbol, match="NOPE is not listed"):
            await bars(api, symbol="NOPE")
    assert len(server.asked) == 1
    assert (await bars(api)).value
    clock.now += 601
    with pytest.raises(UnknownSymbol):
        await bars(api, symbol="NOPE")
    assert len(server.asked) == 3


async def test_a_refused_key_stops_everything_for_a_minute(api, server, clock):
    """A wrong key is not shown to the service with every question."""
    server.rules[COINS] = lambda _: said({"code": "400", "msg": "Invalid API key provided"})
    with pytest.raises(KeyRefused) as caught:
        await api.ask(E.COINS)
    with pytest.raises(KeyRefused):
        await bars(api)
    assert len(server.asked) == 1
    assert "canary-key" not in str(caught.value)
    clock.now += 61
    server.rules[COINS] = lambda _: ok(["BTC"])
    assert (await api.ask(E.COINS)).value == ["BTC"]


async def test_a_server_error_is_tried_three_times(api, server):
    """What may pass by itself is retried; then it is an error that says nothing of URLs."""
    server.next(COINS, Answer(HTML, 502), said({"code": "500", "msg": "Server Error"}), ok(["BTC"]))
    assert (await api.ask(E.COINS)).value == ["BTC"]
    server.rules[HISTORY] = lambda _: Answer(HTML)
    with pytest.raises(SourceDown) as caught:
        await bars(api)
    assert len(server.queries(HISTORY)) == 3
    assert "http" not in str(caught.value).replace("HTTP", "")


async def test_a_question_is_given_up_in_the_end(http, server):
    """A source that hangs holds no question for ever, though nobody waits for it any more."""
    server.rules[COINS] = lambda _: Answer("", hang=True)
    client = CoinglassApi(CoinglassRest(http, server.url), patience_s=0.05)
    with pytest.raises(SourceDown, match="given up"):
        await client.ask(E.COINS, within_s=5)
    assert client.counts["SourceDown"] == 1
    await client.close()


async def test_closing_gives_up_what_is_under_way(http, server):
    """A question under way does not hold up the end."""
    server.rules[COINS] = lambda _: Answer("", hang=True)
    client = CoinglassApi(CoinglassRest(http, server.url))
    with pytest.raises(SourceDown):
        await client.ask(E.COINS, within_s=0.05)
    await asyncio.wait_for(client.close(), 2)


@pytest.mark.parametrize("status", [400, 401, 403, 418, 451])
async def test_a_proxys_refusal_is_not_the_services(api, server, status):
    """HTML with a refusing status says nothing about key, plan or symbol."""
    server.rules[COINS] = lambda _: Answer(HTML, status)
    with pytest.raises(SourceDown):
        await api.ask(E.COINS)


async def test_an_endpoint_without_a_documented_floor_may_have_one(api, server):
    """Its longer period is used, and teaches nothing about other endpoints."""
    row = {"time": 1_790_000_000, "taker_buy_vol": 1, "taker_sell_vol": 1, "cum_vol_delta": 0}
    server.rules[E.CVD.path] = lambda query: said(INTERVAL) if query["interval"] == "1h" else ok([row])
    server.rules[HISTORY] = lambda _: ok([BAR])
    cvd = await api.ask(E.CVD, exchange="Binance", symbol="BTCUSDT", interval="1h", limit=24)
    assert cvd.interval == "4h"
    assert (await bars(api)).interval == "1h"


async def test_longer_periods_are_asked_as_they_are(api, server):
    """A learned floor changes only what lies below it."""
    server.rules[HISTORY] = lambda query: said(INTERVAL) if query["interval"] == "1h" else ok([BAR])
    await bars(api)
    assert (await bars(api, interval="1d", limit=3)).interval == "1d"


async def test_pages_without_end_are_cut(api, server):
    """After twenty full pages of new coins the reading ends."""
    row = {"current_price": 1, "open_interest_usd": 1, "price_change_percent_1h": 1, "long_short_ratio_1h": 1}
    server.rules[E.COINS_MARKETS.path] = lambda query: ok([row | {"symbol": f"C{query['page']}"}])
    assert len((await api.ask_pages(E.COINS_MARKETS)).value) == 20


async def test_a_429_is_not_retried(api, server):
    """Quiet is kept for at least thirty seconds, as the error says."""
    server.rules[COINS] = lambda _: Answer("Too Many Requests", 429)
    with pytest.raises(SourceBusy) as caught:
        await api.ask(E.COINS)
    assert caught.value.wait_s >= 30
    with pytest.raises(SourceBusy):
        await bars(api)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"prices": []}, "text", 7, [1, 2], [{"time": 1_790_000_000_000}], [None],
        [{"t": 1, "o": 1, "h": 1, "l": 1, "c": 1}], {"list": []},
    ],
)  # fmt: skip
async def test_an_unknown_shape_is_an_error_and_counted(api, server, data):
    """A renamed field is a changed source, never a row of nothing; and it is not asked in a loop."""
    server.rules[HISTORY] = lambda _: ok(data)
    for _ in range(2):
        with pytest.raises(SourceChanged, match="price/history"):
            await bars(api)
    assert len(server.asked) == 1
    assert api.counts["SourceChanged"] == 1


async def test_a_changed_source_still_has_its_older_answer(api, server, clock):
    """An older answer, labelled, is better than none."""
    server.rules[HISTORY] = lambda _: ok([BAR])
    await bars(api)
    clock.now += 61
    server.rules[HISTORY] = lambda _: ok([{"renamed": 1}])
    assert (await bars(api)).stale


async def test_bad_rows_are_skipped_and_counted(api, server):
    """One bad row does not take the good ones with it."""
    server.rules[HISTORY] = lambda _: ok([BAR, {"time": ""}, BAR])
    assert len((await bars(api)).value) == 2
    assert api.counts["rows skipped"] == 1


async def test_pages_are_read_to_the_end(api, server):
    """A coin beyond the first page is found: pages are asked until a shorter one."""
    names = [f"C{number}" for number in range(250)]

    def page(query):
        first = (int(query["page"]) - 1) * 100
        return ok([
            {"symbol": name, "current_price": 1, "open_interest_usd": 0, "price_change_percent_1h": "0.5",
             "long_short_ratio_1h": None}
            for name in names[first : first + 100]
        ])  # fmt: skip

    server.rules[E.COINS_MARKETS.path] = page
    answer = await api.ask_pages(E.COINS_MARKETS)
    assert [row.coin for row in answer.value] == names
    assert answer.value[249].open_interest_usd == 0.0
    assert answer.value[249].long_short_ratio == {"1h": None}
    assert len(server.asked) == 3


@pytest.mark.parametrize("rows", [0, 3])
async def test_pages_that_never_end(api, server, rows):
    """A service that ignores `page`, or has nothing, ends the reading."""
    row = {"symbol": "BTC", "current_price": 1, "open_interest_usd": 1, "price_change_percent_1h": 1, "long_short_ratio_1h": 1}
    server.rules[E.COINS_MARKETS.path] = lambda _: ok([row] * rows)
    assert len((await api.ask_pages(E.COINS_MARKETS)).value) == rows
    assert len(server.asked) <= 2


async def test_parameters_are_checked_before_they_are_sent(api, server):
    """A misspelt or missing parameter is our fault, not a request."""
    with pytest.raises(TypeError, match="unknown \\['exName'\\]"):
        await api.ask(E.COINS, exName="Binance")
    with pytest.raises(TypeError, match="missing \\['limit'\\]"):
        await api.ask(E.PRICE_HISTORY, exchange="Binance", symbol="BTCUSDT", interval="1h")
    assert server.asked == []


async def test_the_key_is_sent_and_never_logged(api, server, caplog):
    """The header carries the key; no log line, URL or error does."""
    with caplog.at_level(logging.DEBUG):
        server.rules[COINS] = lambda _: said({"code": "404", "msg": "Endpoint not found."})
        with pytest.raises(SourceChanged) as caught:
            await api.ask(E.COINS)
    _, query, headers = server.asked[0]
    assert headers["cg-api-key"] == "canary-key"
    assert "canary-key" not in caplog.text + str(query) + str(caught.value)


def test_the_cache_is_bounded():
    """The least recently used go first, by number and by size; what is larger than all is not kept."""
    cache = Cache(entries=3, size=100)
    for number in range(4):
        cache.put((str(number), ()), Kept(number, 0.0, 0, "", 10))
        cache.get(("0", ()))
    assert [cache.get((str(number), ())) is not None for number in range(4)] == [True, False, True, True]
    cache.put(("big", ()), Kept(0, 0.0, 0, "", 90))
    assert (len(cache), cache.size) == (2, 100)
    cache.put(("huge", ()), Kept(0, 0.0, 0, "", 101))
    assert cache.get(("huge", ())) is None
    cache.put(("big", ()), Kept(1, 0.0, 0, "", 20))
    assert cache.size == 30
