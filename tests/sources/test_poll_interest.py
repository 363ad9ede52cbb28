"""Funding and open interest polled from real HTTP servers: what is asked, what is kept, what is told of it."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.market import Instrument
from teleglas.venues.binance.rest import BinanceRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx.rest import OkxRest
from teleglas.venues.rest_client import new_http_client
from tests.rest_server import Answer, running_rest_server
from tests.venues.tape import Tape
from ws_alert.messages import FeedNotice, FeedState, Frame, RecordKind
from ws_alert.sources.decoders import decoders
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.interest_feed import InterestFeed
from ws_alert.sources.poll_interest import (
    BinanceInterestPolls,
    BybitInterestPolls,
    CoinglassInterestPolls,
    HyperliquidInterestPolls,
    OkxInterestPolls,
)
from ws_alert.sources.poller import REFUSED_FOR_S, Cycle, Watch

NOW = 1_790_000_000_000
LIVE, DOWN, CONNECTING = FeedState.LIVE, FeedState.DOWN, FeedState.CONNECTING
PREMIUM = "/fapi/v1/premiumIndex"
INTEREST = "/fapi/v1/openInterest"


class _Time:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.ms = NOW

    def wall_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        await asyncio.sleep(0)

    def watch(self, jitter: float = 0.5) -> Watch:
        return Watch(self.wall_ms, self.monotonic_s, self.sleep, lambda: jitter)


class _Kept:
    """An inbox that keeps everything."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def put_nowait(self, frame: Frame, /) -> None:
        self.frames.append(frame)

    async def put(self, frame: Frame, /) -> None:
        self.frames.append(frame)

    def bodies(self) -> list[str]:
        return [frame.source for frame in self.frames if frame.kind is RecordKind.BODY]

    def decoded(self, tables=None) -> Tape:
        """Return what the journalled bodies give, read by the decoders of a replay."""
        codecs, tape = decoders(tables or {}), Tape()
        for frame in self.frames:
            venue, _, rest = frame.source.partition(":")
            endpoint, _, argument = rest.partition(":")
            codecs[venue].decode_body(endpoint, argument, frame.payload, tape)
        return tape


@pytest.fixture
async def server():
    """Serve HTTP on a free port."""
    async with running_rest_server() as running:
        yield running


@pytest.fixture
async def http():
    """Open the client that all venues share."""
    async with new_http_client() as client:
        yield client


@pytest.fixture
def time():
    """Stand still until somebody sleeps."""
    return _Time()


@pytest.fixture
def kept():
    """Keep what is put."""
    return _Kept()


def binance_answers(server) -> None:
    """Let the server speak Binance: three contracts, one of them with another interval."""
    rows = [
        {"symbol": name, "markPrice": "100.5", "lastFundingRate": "0.0002", "time": NOW}
        for name in ("BTCUSDT", "ETHUSDT", "DUSTUSDT")
    ]
    server.rules["/fapi/v1/fundingInfo"] = lambda _: json.dumps(
        [{"symbol": "ETHUSDT", "fundingIntervalHours": 4}]
    )
    server.rules[PREMIUM] = lambda _: json.dumps(rows)
    server.rules[INTEREST] = lambda query: json.dumps(
        {"symbol": query["symbol"], "openInterest": "7.001", "time": NOW}
    )


def rest(kind, http, server, time):
    """Return a venue's door to the server."""
    return kind(http, server.url, clock=time.monotonic_s, sleep=time.sleep)


async def test_binance_asks_for_lists_and_then_for_each_contract(server, http, time, kept) -> None:
    """Only what is watched is kept; intervals are asked for first and each five minutes."""
    binance_answers(server)
    door = rest(BinanceRest, http, server, time)
    polls = BinanceInterestPolls(door, lambda: ("BTCUSDT", "ETHUSDT"), kept.put, time.watch())
    cycle = await polls.cycle()
    assert (cycle.covered_ms, cycle.missing, cycle.pause_s) == (NOW, "", 60.0)
    assert kept.bodies() == [
        "binance:fundingInfo:*", "binance:premiumIndex:*", "binance:openInterest:*", "binance:openInterest:*"
    ]  # fmt: skip
    tape = kept.decoded()
    assert tape.rates == [("BTCUSDT", NOW, 0.0002, 8.0), ("ETHUSDT", NOW, 0.0002, 4.0)]
    assert tape.interest == [("BTCUSDT", NOW, 70_360), ("ETHUSDT", NOW, 70_360)]
    assert not tape.refusals
    for asked in (1, 1, 1, 1, 2, 2):
        time.ms += 60_000
        await polls.cycle()
        assert server.paths().count("/fapi/v1/fundingInfo") == asked
    time.ms += 1_000_000  # what an outage leaves out of the journal is asked for at once
    await polls.cycle()
    assert server.paths().count("/fapi/v1/fundingInfo") == 3


async def test_a_refused_contract_costs_no_other_and_is_left_alone(server, http, time, kept) -> None:
    """One that settles is asked about again an hour later."""
    binance_answers(server)
    good = server.rules[INTEREST]
    server.rules[INTEREST] = lambda query: (
        Answer('{"code":-4108,"msg":"Symbol is on settling"}', 400)
        if query["symbol"] == "BTCUSDT"
        else good(query)
    )
    door = rest(BinanceRest, http, server, time)
    polls = BinanceInterestPolls(door, lambda: ("BTCUSDT", "ETHUSDT"), kept.put, time.watch())
    for _ in range(3):
        await polls.cycle()
        time.ms += 60_000
    assert [query["symbol"] for query in server.queries(INTEREST)] == [
        "BTCUSDT",
        "ETHUSDT",
        "ETHUSDT",
        "ETHUSDT",
    ]
    for _ in range(60):
        await polls.cycle()
        time.ms += 60_000
    assert [query["symbol"] for query in server.queries(INTEREST)].count("BTCUSDT") == 2


async def test_a_region_block_is_no_matter_of_one_contract(server, http, time, kept) -> None:
    """It is raised, as is a body of another shape."""
    binance_answers(server)
    server.rules[INTEREST] = lambda _: Answer("", 451)
    door = rest(BinanceRest, http, server, time)
    polls = BinanceInterestPolls(door, lambda: ("BTCUSDT",), kept.put, time.watch())
    with pytest.raises(FeedRefused):
        await polls.cycle()
    server.rules[PREMIUM] = lambda _: '{"rows":[]}'
    with pytest.raises(FeedInterrupted, match="another shape"):
        await polls.cycle()


async def test_too_many_contracts_are_said_so(server, http, time, kept) -> None:
    """The most traded ones are asked for; what is left out is named."""
    binance_answers(server)
    symbols = tuple(f"A{number}USDT" for number in range(310))
    door = rest(BinanceRest, http, server, time)
    polls = BinanceInterestPolls(door, lambda: symbols, kept.put, time.watch())
    cycle = await polls.cycle()
    assert cycle.missing == "the 300 most traded of 310 contracts are asked for one by one"
    assert [query["symbol"] for query in server.queries(INTEREST)] == list(symbols[:300])


async def test_without_contracts_nothing_is_asked(server, http, time, kept) -> None:
    """Before the venue's list has come, or when the watch list names nothing of it."""
    for kind, polls in (
        (BinanceRest, BinanceInterestPolls),
        (BybitRest, BybitInterestPolls),
        (OkxRest, OkxInterestPolls),
    ):
        cycle = await polls(rest(kind, http, server, time), tuple, kept.put, time.watch()).cycle()
        assert cycle == Cycle(NOW, "no contract is watched", 5.0)
    assert (server.asked, kept.frames) == ([], [])


async def test_bybit_asks_once(server, http, time, kept) -> None:
    """One body for all."""
    rows = [
        {
            "symbol": name,
            "fundingRate": "0.001",
            "fundingIntervalHour": "1",
            "singleOpenInterestValue": "12.345",
        }
        for name in ("BTCUSDT", "ETHUSDT")
    ]
    body = {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows}, "time": NOW}
    server.rules["/v5/market/tickers"] = lambda _: json.dumps(body)
    polls = BybitInterestPolls(
        rest(BybitRest, http, server, time), lambda: ("ETHUSDT",), kept.put, time.watch(1.0)
    )
    assert (await polls.cycle()).pause_s == 63.0
    assert server.queries("/v5/market/tickers") == [{"category": "linear"}]
    tape = kept.decoded()
    assert (tape.rates, tape.interest) == ([("ETHUSDT", NOW, 0.001, 1.0)], [("ETHUSDT", NOW, 1_235)])


async def test_okx_asks_for_all_and_for_each(server, http, time, kept) -> None:
    """Open interest of all swaps at once, the rate of each with the time at which it came."""
    rows = [
        {"instId": name, "oi": "5", "oiCcy": "5", "oiUsd": "1000", "ts": str(NOW)}
        for name in ("A-USDT-SWAP", "B-USDT-SWAP")
    ]
    server.rules["/api/v5/public/open-interest"] = lambda _: json.dumps(
        {"code": "0", "msg": "", "data": rows}
    )
    server.rules["/api/v5/public/funding-rate"] = lambda query: json.dumps(
        {"code": "0", "msg": "", "data": [{"instId": query["instId"], "fundingRate": "-0.01", "fundingTime": str(NOW),
                                           "nextFundingTime": str(NOW + 7_200_000)}]}
    )  # fmt: skip
    polls = OkxInterestPolls(
        rest(OkxRest, http, server, time), lambda: ("B-USDT-SWAP",), kept.put, time.watch()
    )
    await polls.cycle()
    assert kept.bodies() == ["okx:open-interest:*", f"okx:funding-rate:B-USDT-SWAP@{NOW}"]
    tape = kept.decoded({"okx": (Instrument("okx", "B-USDT-SWAP", "B"),)})
    assert (tape.rates, tape.interest) == (
        [("B-USDT-SWAP", NOW, -0.01, 2.0)],
        [("B-USDT-SWAP", NOW, 100_000)],
    )


@pytest.mark.parametrize(
    ("watched", "first", "second"),
    [((), ["BTC", "kPEPE"], ["BTC", "kPEPE"]), (("PEPE", "DUST"), ["DUST", "kPEPE"], ["DUST", "kPEPE"])],
)
async def test_hyperliquid_watches_what_is_traded(server, http, time, kept, watched, first, second) -> None:
    """By its own volumes: what falls to half of the least stays; or by the list, under the coin's usual name."""
    volumes = {"BTC": 9e9, "kPEPE": 6e6, "DUST": 4e6, "xyz:GOLD": 9e9}

    def answer(_question) -> str:
        states = [
            {"funding": "0.0001", "openInterest": "2", "markPx": "3", "dayNtlVlm": f"{usd}"}
            for usd in volumes.values()
        ]
        return json.dumps([{"universe": [{"name": name} for name in volumes]}, states])

    server.posts["/info"] = answer
    polls = HyperliquidInterestPolls(
        rest(HyperliquidRest, http, server, time), 5e6, watched, kept.put, time.watch()
    )
    await polls.cycle()
    assert sorted(row[0] for row in kept.decoded().rates) == first
    kept.frames.clear()
    volumes["kPEPE"] = 3e6
    await polls.cycle()
    assert sorted(row[0] for row in kept.decoded().rates) == second
    assert kept.bodies() == [f"hyperliquid:metaAndAssetCtxs:@{NOW}"]


async def test_coinglass_asks_within_the_keys_budget(server, http, time, kept) -> None:
    """A small plan leaves room for two coins, which is said; a larger one for all."""
    coins = ("BTC", "ETH", "SOL", "XRP")
    limit = {"API-KEY-MAX-LIMIT": "30", "API-KEY-USE-LIMIT": "1"}
    rates = [{"symbol": coin, "stablecoin_margin_list": [{"exchange": "OKX", "funding_rate": 0.1, "funding_rate_interval": 8}]}
             for coin in (*coins, "DUST")]  # fmt: skip
    funding = "/api/futures/funding-rate/exchange-list"
    interest = "/api/futures/open-interest/exchange-list"
    server.rules[funding] = lambda _: Answer(json.dumps({"code": "0", "data": rates}), headers=limit)
    row = {"exchange": "OKX", "symbol": "X", "open_interest_usd": 10.5}
    server.rules[interest] = lambda _: Answer(json.dumps({"code": "0", "data": [row]}), headers=limit)
    polls = CoinglassInterestPolls(
        rest(CoinglassRest, http, server, time), lambda: coins, kept.put, time.watch()
    )
    assert (await polls.cycle()).missing == "open interest of 2 of 4 coins, as the key's requests allow"
    assert [query["symbol"] for query in server.queries(interest)] == ["BTC", "ETH"]
    assert [row[0] for row in kept.decoded().rates] == list(coins)
    limit["API-KEY-MAX-LIMIT"] = "300"
    await polls.cycle()
    assert not (await polls.cycle()).missing


# -- what is told of it --------------------------------------------------------------------


class _Source:
    """Cycles that end as a test says; the last way goes on for ever, the loop until `enough`."""

    def __init__(self, *ways: Exception | str) -> None:
        self.ways = list(ways)
        self.ended = asyncio.Event()

    def begin(self, gap_ms: int) -> None:
        assert gap_ms == 0

    async def cycle(self) -> Cycle:
        if not self.ways:
            self.ended.set()
            await asyncio.Event().wait()
        way = self.ways.pop(0)
        if isinstance(way, Exception):
            raise way
        return Cycle(1, way, 60.0)


async def told(time: _Time, *ways: Exception | str) -> list[tuple[FeedState, str]]:
    """Return what is published of these cycles."""
    notices: list[FeedNotice] = []
    source = _Source(*ways)
    feed = InterestFeed("okx", source, notices.append, time.watch())
    await feed.run(3.0)
    async with asyncio.timeout(10):
        await source.ended.wait()
    await feed.close()
    assert {(one.venue, one.family) for one in notices} == {("okx", "interest")}
    assert [one.complete for one in notices] == [one.state is LIVE for one in notices]
    assert feed.published == notices[-1]
    return [(one.state, one.why) for one in notices]


async def test_polls_that_are_answered_are_told_once(time) -> None:
    """And again when what they leave out changes."""
    assert await told(time, "", "", "half of it", "half of it", "") == [
        (CONNECTING, ""), (LIVE, "polled each minute"), (LIVE, "half of it"), (LIVE, "polled each minute")
    ]  # fmt: skip


async def test_a_refusal_is_told_at_once_and_asked_about_an_hour_later(time) -> None:
    """A region block names itself."""
    refused = FeedRefused("region_block", "HTTP 451")
    before = time.ms
    found = await told(time, "", refused, "")
    assert [state for state, _ in found] == [CONNECTING, LIVE, DOWN, LIVE]
    assert "region_block" in found[2][1]
    assert "missing from" in found[2][1]
    assert time.ms - before >= REFUSED_FOR_S * 1000


async def test_a_failure_is_told_when_the_figures_count_no_more(time) -> None:
    """One bad answer is repeated quietly; three minutes of them are DOWN."""
    bad = FeedInterrupted("HTTP 502")
    assert [state for state, _ in await told(time, "", bad, bad, "")] == [CONNECTING, LIVE]
    found = await told(_Time(), bad, *[bad] * 15, "")
    assert [state for state, _ in found] == [CONNECTING, CONNECTING, DOWN, LIVE]
    assert found[1][1] == "HTTP 502"


# -- in the whole of the feeds -------------------------------------------------------------


async def test_the_venues_are_polled_beside_their_streams(server) -> None:
    """What refuses is told, and nothing else is disturbed; without the switches nothing is asked."""
    binance_answers(server)
    server.rules["/fapi/v1/exchangeInfo"] = lambda _: json.dumps({"symbols": [{"symbol": "BTCUSDT"}]})
    server.rules["/fapi/v1/ticker/24hr"] = lambda _: json.dumps([{"symbol": "BTCUSDT", "quoteVolume": "9e9"}])
    server.posts["/info"] = lambda _: Answer("", 403)
    names = ("binance", "bybit", "okx", "hyperliquid", "coinglass")
    watch = Watch(jitter=lambda: 0.0)
    for interest in (("binance", "hyperliquid"), ()):
        kept = _Kept()
        options = FeedOptions(
            mode="public", venues=("binance",), interest=interest, rest_urls=dict.fromkeys(names, server.url),
            ws_urls=dict.fromkeys(names, "ws://127.0.0.1:9"),
        )  # fmt: skip
        server.asked.clear()
        feeds = Feeds(options, kept, watch=watch)
        await feeds.start()
        try:
            async with asyncio.timeout(20):
                while not _settled(feeds, interest):  # noqa: ASYNC110  # states are only told by status
                    await asyncio.sleep(0.02)
        finally:
            await feeds.stop()
        lines = {line.venue: line for line in feeds.status() if line.family == "interest"}
        assert set(lines) == set(interest)
        assert ("/info" in server.paths(), PREMIUM in server.paths()) == (bool(interest), bool(interest))
        if interest:
            assert (lines["binance"].state, lines["hyperliquid"].state) == (LIVE, DOWN)
            assert "binance:openInterest:*" in kept.bodies()
            notices = [
                msgspec.json.decode(f.payload, type=FeedNotice)
                for f in kept.frames
                if f.kind is RecordKind.NOTICE
            ]
            assert {one.state for one in notices if one.venue == "hyperliquid"} == {CONNECTING, DOWN}


def _settled(feeds: Feeds, interest: tuple[str, ...]) -> bool:
    lines = feeds.status()
    if not interest:
        return any(line.family == "trades" for line in lines)
    return {line.state for line in lines if line.family == "interest"} == {LIVE, DOWN}
