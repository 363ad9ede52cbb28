"""The exchanges' public data over real HTTP: right figures, and an honest rest when one of them fails."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest

from bot.answers import Missing, MissingError, Reason
from bot.sources.exchanges import open_exchanges
from bot.sources.hyperliquid import Hyperliquid
from bot.sources.public import PublicSource
from simulator.faults import FaultStep
from simulator.world import World
from teleglas.cache import TtlCache
from teleglas.market import Instrument, PositionSide, TakerSide
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.rest_client import new_http_client
from tests.rest_server import Answer, running_rest_server

START_MS = 1_790_000_000_000
VENUES = ("binance", "bybit", "okx", "hyperliquid")
NAMES = {"binance": "Binance", "bybit": "Bybit", "okx": "OKX", "hyperliquid": "Hyperliquid"}
FAULTS = [("refuse_rest", 500, Reason.NO_ANSWER), ("refuse_rest", 429, Reason.BUSY), ("refuse_rest", 451, Reason.REFUSED),
          ("html_rest", 1, Reason.NO_ANSWER), ("rename_rest", 1, Reason.CHANGED)]  # fmt: skip


class _Clock:
    """Monotonic seconds that a test can move ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
async def world():
    """Return a busy world two minutes after its start."""
    async with World(scenario="storm", seed=7, speed=0, start_ms=START_MS) as running:
        await running.advance(125_000)
        yield running


@pytest.fixture
async def young_world():
    """Return a world of a few seconds, for what does not depend on what happened."""
    async with World(scenario="storm", seed=7, speed=0, start_ms=START_MS) as running:
        await running.advance(6_000)
        yield running


@pytest.fixture
def clock():
    """Return the clock of what is kept."""
    return _Clock()


@pytest.fixture
async def source(world, clock):
    """Return a source that asks the busy world."""
    async with opened(world, clock) as each:
        yield each


@pytest.fixture
async def young_source(young_world, clock):
    """Return a source that asks the young world and knows the contracts."""
    async with opened(young_world, clock) as each:
        await each.coins()
        clock.ahead += 10
        yield each


@pytest.fixture
async def server():
    """Return a scripted exchange."""
    async with running_rest_server() as each:
        yield each


@asynccontextmanager
async def opened(world, clock, patience_s=10.0):
    """Open a source on a world; patient, since the exchanges compute their figures in the test's own process."""
    urls = {name: world.urls[f"{name.upper()}_REST_URL"] for name in VENUES}
    async with new_http_client() as http:
        exchanges = open_exchanges(
            lambda: http, urls, patience_s=patience_s, wall_ms=lambda: START_MS + world.now_ms, clock=clock
        )
        yield PublicSource(exchanges)
        await exchanges.close()


def questions(source, coin):
    """Return every question about a coin that any one exchange can answer."""
    return {
        "price": lambda: source.price(coin),
        "rsi": lambda: source.rsi(coin),
        "candles": lambda: source.candles(coin, "24h"),
        "volume": lambda: source.volume(coin),
        "open_interest": lambda: source.open_interest(coin),
        "open_interest_history": lambda: source.open_interest_history(coin, "24h"),
        "funding": lambda: source.funding(coin),
        "funding_history": lambda: source.funding_history(coin),
        "ratios": lambda: source.ratios(coin),
        "flow": lambda: source.flow(coin),
        "cvd": lambda: source.cvd(coin),
        "book": lambda: source.book(coin),
        "whale_trades": lambda: source.whale_trades(coin, 10_000),
    }


@pytest.mark.parametrize("coin", ["BTC", "PEPE", "牛来"])
async def test_every_question_is_answered_for_large_multiplied_and_small_coins(world, source, coin):
    """Each value has its exchanges and its time, and no exchange is missing that lists the coin."""
    for name, ask in questions(source, coin).items():
        block = await ask()
        assert block.value is not None, name
        assert block.venues
        assert block.gaps == ()
        assert block.as_of_ms == START_MS + world.now_ms
        assert not block.stale


async def test_prices_are_of_one_coin_on_every_exchange(world, source):
    """PEPE is priced by the thousand on three exchanges and in contracts of ten million on the fourth."""
    price = world.market.price("PEPE")
    for venue in NAMES.values():
        book = (await source.book("PEPE", venue)).value
        assert book.bid < price * 1.001
        assert book.ask > price * 0.999
        assert book.ask / book.bid < 1.01
    assert (await source.price("PEPE")).value.price == pytest.approx(price, rel=0.02)


async def test_sums_over_exchanges_agree_with_the_ledger(world, source):
    """Bybit publishes both sides and OKX contracts; the total is single-sided USD. Hyperliquid is in no sum."""
    ledger = world.venues["coinglass"].feed.ledger
    now = START_MS + world.now_ms
    contracts = [row for row in ledger.of("BTC") if row.listing.symbol != "BTC-USD-SWAP"]
    block = await source.open_interest("BTC")
    assert block.value.total_usd == pytest.approx(ledger.interest_of(contracts, now, now)[0], rel=1e-3)
    assert {row.venue for row in block.value.by_venue} == {"Binance", "Bybit", "OKX"}
    coins = sum(ledger.interest(row, now, now)[1] for row in contracts)
    before = sum(ledger.interest(row, now - 3_600_000, now)[1] for row in contracts)
    assert block.value.change_percent["1h"] == pytest.approx((coins / before - 1) * 100, abs=0.5)
    assert set(block.value.change_percent) == {"1h", "4h", "24h"}
    volume = (await source.volume("BTC")).value
    day = 86_400_000
    theirs = sum(ledger.flow(contracts, now - day, now))
    assert volume.futures_usd == pytest.approx(theirs + 42e9 * 0.12, rel=0.1)
    assert volume.spot_usd > 0


async def test_funding_is_percent_and_comparable(world, source):
    """Each rate has its interval; the mean is per 8 h and between the extremes."""
    funding = (await source.funding("PEPE")).value
    rows = {row.venue: row for row in funding.by_venue}
    assert (rows["Hyperliquid"].interval_h, rows["Bybit"].interval_h, rows["Binance"].interval_h) == (1, 4, 8)
    ledger = world.venues["coinglass"].feed.ledger
    okx = next(row for row in ledger.of("PEPE", ["OKX"]))
    assert rows["OKX"].percent == pytest.approx(ledger.funding(okx, START_MS + world.now_ms), abs=1e-6)
    per_8h = [row.percent_8h for row in funding.by_venue if row.venue != "Hyperliquid"]
    assert min(per_8h) <= funding.weighted_8h <= max(per_8h)
    assert all(START_MS < row.next_ms <= START_MS + 8 * 3_600_000 + 130_000 for row in funding.by_venue)
    history = (await source.funding_history("PEPE")).value
    assert [row.time_ms for row in history] == sorted(row.time_ms for row in history)
    assert len(history) == 21


async def test_changes_and_flows_have_every_window(source):
    """Four lengths of flow that differ, five of change; RSI of three lengths."""
    price = (await source.price("ETH")).value
    assert set(price.change_percent) == {"5m", "15m", "1h", "4h", "24h"}
    assert price.low_7d <= price.low_24h <= price.price <= price.high_24h <= price.high_7d
    flows = (await source.flow("ETH")).value
    assert [flow.window for flow in flows] == ["5m", "15m", "1h", "4h"]
    assert flows[0].buy_usd < flows[1].buy_usd < flows[2].buy_usd < flows[3].buy_usd
    assert set((await source.rsi("ETH")).value) == {"1h", "4h", "1d"}
    assert (await source.ratios("ETH")).value.top_position is not None


async def test_whales_are_the_large_rows_of_every_tape(world, source):
    """Sides are the takers'; sums are of what was found."""
    block = await source.whale_trades("BTC", 50_000)
    found = block.value
    assert block.venues == ("Binance", "Bybit", "OKX", "Hyperliquid")
    assert found.count > 0
    assert found.trades[0].time_ms >= found.trades[-1].time_ms
    assert found.top[0].usd == max(row.usd for row in found.top)
    assert all(row.usd >= 50_000 for row in found.top)
    tape = [
        row for row in world.venues["binance"].feed.history.trades["BTCUSDT"] if row["T"] >= found.from_ms
    ]
    largest = max(tape[-1000:], key=lambda row: float(row["p"]) * float(row["q"]))
    theirs = [row for row in found.top if row.venue == "Binance"]
    assert theirs[0].side is (TakerSide.SELL if largest["m"] else TakerSide.BUY)
    assert theirs[0].usd == pytest.approx(float(largest["p"]) * float(largest["q"]))


async def test_positions_are_of_the_largest_takers(world, source):
    """Whose they are is told; each is what the exchange says of that address, of this coin, and not below the least."""
    block = await source.whale_positions("BTC", 50_000)
    found = block.value
    assert (block.venues, found.coins, found.min_usd) == (("Hyperliquid",), ("BTC",), 50_000)
    assert 0 < found.takers <= 10
    assert found.positions
    assert [row.usd for row in found.positions] == sorted((row.usd for row in found.positions), reverse=True)
    url = world.urls["HYPERLIQUID_REST_URL"] + "/info"
    async with new_http_client() as http:
        trades = (await http.post(url, json={"type": "recentTrades", "coin": "BTC"})).json()
        takers = {trade["users"][0 if trade["side"] == "B" else 1] for trade in trades}
        assert {row.address for row in found.positions} <= takers
        for row in found.positions:
            state = (await http.post(url, json={"type": "clearinghouseState", "user": row.address})).json()
            held = [each["position"] for each in state["assetPositions"]]
            (theirs,) = [each for each in held if each["coin"] == "BTC"]
            assert row.usd == pytest.approx(float(theirs["positionValue"]))
            assert row.usd >= 50_000
            assert (row.side is PositionSide.LONG) is (float(theirs["szi"]) > 0)
            assert (row.leverage, row.profit_usd) == (
                theirs["leverage"]["value"],
                float(theirs["unrealizedPnl"]),
            )
    everything = (await source.whale_positions(None, 50_000)).value
    assert everything.coins == ("BTC", "ETH", "SOL")
    assert everything.takers > found.takers
    with pytest.raises(MissingError) as caught:
        await source.whale_positions("牛来", 50_000)
    assert caught.value.missing == Missing(Reason.NOT_LISTED, "Hyperliquid")


async def test_a_hundred_people_look_at_positions_once(young_world, young_source):
    """One question for the trades and one for each of at most ten accounts, then nothing for a while."""
    before = young_world.venues["hyperliquid"].rest.requests
    await asyncio.gather(*(young_source.whale_positions("BTC", 1e4) for _ in range(100)))
    asked = young_world.venues["hyperliquid"].rest.requests - before
    assert 2 <= asked <= 11
    await young_source.whale_positions("BTC", 5e6)
    assert young_world.venues["hyperliquid"].rest.requests == before + asked


async def test_an_account_that_is_not_told_is_a_gap(server):
    """The others are shown, in time; if none is told there is no answer."""
    silent = ["0xb"]

    def answer(question):
        if question["type"] == "recentTrades":
            row = {"px": "100", "side": "B", "time": 5}
            return json.dumps(
                [row | {"sz": "1", "users": ["0xa", "0xz"]}, row | {"sz": "2", "users": ["0xb", "0xz"]}]
            )
        if question["user"] in silent:
            return Answer("", hang=True)
        position = {
            "coin": "BTC",
            "szi": "1",
            "positionValue": "100",
            "unrealizedPnl": "1",
            "leverage": {"value": 2},
        }
        return json.dumps({"time": 5, "assetPositions": [{"position": position}]})

    server.posts["/info"] = answer
    cache = TtlCache()
    async with new_http_client() as http:
        hyperliquid = Hyperliquid(HyperliquidRest(http, server.url), cache)
        contract = Instrument("hyperliquid", "BTC", "BTC")
        told = await hyperliquid.takers(contract)
        assert ([holder.address for holder in told.holders], told.silent) == (["0xa"], 1)
        silent.append("0xa")
        await cache.close()
        again = Hyperliquid(HyperliquidRest(http, server.url), TtlCache())
        with pytest.raises(TimeoutError):
            await again.takers(contract)
        await again._cache.close()


@pytest.mark.parametrize(("fault", "value", "reason"), FAULTS)
@pytest.mark.parametrize("venue", VENUES)
async def test_one_failing_exchange_leaves_the_others(young_world, young_source, venue, fault, value, reason):
    """The sums name the exchange as a gap, single answers come from the next one, nothing is zero or slow."""
    young_world.begin(FaultStep(0, venue, fault, value))
    asked = {name: ask for name, ask in questions(young_source, "BTC").items() if name != "cvd"}
    blocks = dict(zip(asked, await asyncio.gather(*(ask() for ask in asked.values())), strict=True))
    for name, block in blocks.items():
        assert block.value is not None, name
        assert NAMES[venue] not in block.venues, name
    (gap,) = blocks["whale_trades"].gaps
    assert (gap.who, gap.reason) == (NAMES[venue], reason)
    assert {row.venue for row in blocks["funding"].value.by_venue} == set(NAMES.values()) - {NAMES[venue]}
    assert NAMES[venue] not in {row.venue for row in blocks["open_interest"].value.by_venue}
    assert blocks["open_interest"].value.total_usd > 0


@pytest.mark.parametrize("venue", VENUES)
async def test_a_silent_exchange_holds_nobody_for_long(young_world, clock, venue):
    """Its patience is the most that an answer waits; single answers do not even wait for that."""
    async with opened(young_world, clock, 1.0) as source:
        await source.coins()
        clock.ahead += 10
        young_world.begin(FaultStep(0, venue, "stall_rest", 1))
        began = time.monotonic()
        funding, whales, book = await asyncio.gather(
            source.funding("BTC"), source.whale_trades("BTC", 1e4), source.book("BTC")
        )
        assert time.monotonic() - began < 2.0
        gap = Missing(Reason.NO_ANSWER, NAMES[venue])
        assert funding.gaps == whales.gaps == (gap,)
        assert {row.venue for row in funding.value.by_venue} == set(NAMES.values()) - {NAMES[venue]}
        assert book.venues == ("Bybit" if venue == "binance" else "Binance",)


async def test_a_listing_that_does_not_come_is_told_as_such(young_world, clock):
    """Without the list of contracts nobody guesses symbols."""
    young_world.begin(FaultStep(0, "bybit", "stall_rest", 1))
    async with opened(young_world, clock, 1.0) as source:
        with pytest.raises(MissingError) as caught:
            await source.book("BTC", "Bybit")
        assert caught.value.missing == Missing(Reason.NO_ANSWER, "Bybit")
        coins = await source.coins()
        assert [gap.who for gap in coins.gaps] == ["Bybit"]
        assert "BTC" in coins.value


async def test_an_old_listing_is_as_good_as_none_is_bad(young_world, young_source, clock):
    """A list of contracts is used for as long as no newer one comes."""
    young_world.begin(FaultStep(0, "all", "refuse_rest", 503))
    clock.ahead += 100_000
    assert "BTC" in (await young_source.coins()).value


async def test_everybody_failing_is_one_reason(young_world, young_source):
    """The error names an exchange that is out of order."""
    young_world.begin(FaultStep(0, "all", "refuse_rest", 503))
    for ask in questions(young_source, "ETH").values():
        with pytest.raises(MissingError) as caught:
            await ask()
        assert caught.value.missing.reason is Reason.NO_ANSWER


async def test_an_older_answer_stands_in_and_says_so(young_world, young_source, clock):
    """Within ten minutes; its time stays that of the answer."""
    first = await young_source.funding_history("BTC")
    young_world.begin(FaultStep(0, "all", "refuse_rest", 503))
    clock.ahead += 60
    second = await young_source.funding_history("BTC")
    assert (second.value, second.as_of_ms, second.stale) == (first.value, first.as_of_ms, True)
    clock.ahead += 600
    with pytest.raises(MissingError):
        await young_source.funding_history("BTC")


async def test_coins_that_nobody_lists_are_not_listed(young_source):
    """No exchange, or not the one that was named."""
    for ask in questions(young_source, "NOSUCH").values():
        with pytest.raises(MissingError) as caught:
            await ask()
        assert caught.value.missing.reason is Reason.NOT_LISTED
    for coin, venue in (("牛来", "okx"), ("BTC", "Kraken")):
        with pytest.raises(MissingError) as caught:
            await young_source.book(coin, venue)
        assert caught.value.missing.reason is Reason.NOT_LISTED


async def test_a_hundred_people_cost_one_request_each(young_world, young_source):
    """Equal questions at the same time are joined, and answered from the cache afterwards."""
    await young_source.coins()
    before = young_world.venues["binance"].rest.requests
    blocks = await asyncio.gather(*(young_source.ratios("BTC") for _ in range(100)))
    assert young_world.venues["binance"].rest.requests == before + 3
    # a busy machine may let the next venue answer some of them, or all: each was asked once for all
    answers = {block.value for block in blocks}
    assert len(answers) == len({answer.venue for answer in answers})
    await young_source.ratios("BTC")
    assert young_world.venues["binance"].rest.requests == before + 3


async def test_a_kept_book_is_shown_again_without_a_question(young_world, young_source, clock):
    """Only a newer book is compared with the one before, and only then are the trades between asked for."""
    binance = young_world.venues["binance"].rest
    first = await young_source.book("BTC", "Binance")
    asked = binance.requests
    assert (await young_source.book("BTC", "Binance")).value is first.value
    assert binance.requests == asked
    clock.ahead += 60
    assert (await young_source.book("BTC", "Binance")).value.bid > 0
    assert binance.requests == asked + 2


async def test_listing_has_every_coin_and_the_multiplied_ones(young_world, young_source):
    """Larger coins first; delisted ones of Hyperliquid are not there."""
    coins = (await young_source.coins()).value
    assert coins[0] == "BTC"
    assert set(coins) == {asset.name for asset in young_world.venues["coinglass"].feed.assets}
    assert await young_source.multiplied() == {"PEPE"}
    assert young_source._exchanges.counts()["Binance"]["answered"] == 1
