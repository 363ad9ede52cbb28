"""CoinGlass's simulated answers: every endpoint, consistent with one another, in the documented shapes."""

from __future__ import annotations

import random
from itertools import pairwise

import httpx
import msgspec
import pytest

from teleglas.venues.answer import NeedsPlan, SourceChanged, SourceDown, UnknownSymbol
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.api.decode import Decoded, ShapeError
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.calibration import calibrate
from teleglas.venues.coinglass.rest import CoinglassRest

HOUR = 3_600_000
EXCHANGES = "Binance,Bybit,OKX"
ALL = E.all()
VALUES = {"exchange": "Binance", "interval": "1h", "limit": 24, "exchange_list": EXCHANGES, "usd": 10_000,
          "min_liquidation_amount": "0"}  # fmt: skip


def params(endpoint, coin="BTC", pair="BTCUSDT"):
    """Return good parameters for an endpoint."""
    span = "1d" if "map" in endpoint.path or "accumulated" in endpoint.path else "1h"
    values = VALUES | {"symbol": coin if endpoint.symbol == "coin" else pair, "range": span}
    return {name: values[name] for name in endpoint.required}


@pytest.fixture
async def http():
    """Return a client."""
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
async def get(world, http):
    """Return a function that asks an endpoint on the highest plan for its data."""
    await world.advance(20_000)

    async def data(endpoint, **query):
        answer = await http.get(
            world.urls["COINGLASS_REST_URL"] + endpoint.path,
            params=params(endpoint) | query,
            headers={"CG-API-KEY": "simulated-professional"},
        )
        assert answer.json()["code"] == "0", answer.text
        return answer.json()["data"]

    return data


def api_of(world, http, plan):
    """Return a client with a plan's key, whose pace does not wait."""

    async def no_sleep(_seconds):
        return None

    rest = CoinglassRest(http, world.urls["COINGLASS_REST_URL"], sleep=no_sleep)
    rest.use_key(f"simulated-{plan}")
    return CoinglassApi(rest)


@pytest.mark.parametrize("plan", ["hobbyist", "startup", "standard", "professional"])
async def test_each_plan_has_what_it_pays_for(world, http, plan):
    """On every plan each endpoint answers, or says which plan it needs."""
    order = ["hobbyist", "startup", "standard", "professional"]
    few = 12 if plan == "hobbyist" else 60  # a fresh client may need two tries for an interval
    for number, endpoint in enumerate(ALL.values(), 1):
        if number % few == 0:
            await world.advance(60_000)  # the next minute of the plan's budget
        api = api_of(world, http, plan)
        served = order.index(plan) >= order.index(endpoint.plan.lower())
        if served:
            answer = await api.ask(endpoint, within_s=10, **params(endpoint))
            assert answer.value, endpoint.name
            if endpoint.floor:
                assert answer.interval == ("4h" if plan == "hobbyist" else "1h")
        else:
            with pytest.raises(NeedsPlan) as caught:
                await api.ask(endpoint, within_s=10, **params(endpoint))
            assert caught.value.plan == endpoint.plan
        await api.close()


async def test_every_coin_has_every_answer(get):
    """A small coin, a multiplied one and one of a single venue are served like BTC."""
    for coin, pair in (("PEPE", "1000PEPEUSDT"), ("牛来", "牛来USDT"), ("TIA", "TIAUSDT")):
        for endpoint in ALL.values():
            if endpoint.symbol:
                query = {"symbol": coin if endpoint.symbol == "coin" else pair}
                assert endpoint.read(await get(endpoint, **query)).skipped == 0, (coin, endpoint.name)


async def test_the_parts_make_the_whole(get):
    """Open interest, liquidations and taker flow of the exchanges add up to the total."""
    interest = E.OPEN_INTEREST.read(await get(E.OPEN_INTEREST)).value
    assert sum(row.usd for row in interest.venues) == pytest.approx(interest.total.usd)
    assert sum(row.quantity for row in interest.venues) == pytest.approx(interest.total.quantity)
    for span in ("1h", "4h", "12h", "24h"):
        forced = E.LIQUIDATIONS.read(await get(E.LIQUIDATIONS, range=span, symbol="BTC")).value
        assert sum(row.usd for row in forced.venues) == pytest.approx(forced.total.usd) != 0
        assert forced.total.long_usd + forced.total.short_usd == pytest.approx(forced.total.usd)
        takers = E.TAKERS.read(await get(E.TAKERS, range=span)).value
        assert sum(row.buy_usd for row in takers.venues) == pytest.approx(takers.total.buy_usd)


async def test_every_page_tells_the_same(get):
    """What two endpoints both know, they know alike."""
    interest = E.OPEN_INTEREST.read(await get(E.OPEN_INTEREST)).value
    (coin,) = [row for row in E.COINS_MARKETS.read(await get(E.COINS_MARKETS)).value if row.coin == "BTC"]
    pairs = E.PAIRS_MARKETS.read(await get(E.PAIRS_MARKETS)).value
    assert coin.open_interest_usd == pytest.approx(interest.total.usd) == pytest.approx(sum(row.open_interest_usd for row in pairs))
    forced = E.LIQUIDATIONS.read(await get(E.LIQUIDATIONS, range="24h", symbol="BTC")).value
    assert coin.long_liquidation_usd["24h"] == pytest.approx(forced.total.long_usd)
    takers = E.TAKERS.read(await get(E.TAKERS, range="24h")).value
    flow = E.NET_FLOW.read(await get(E.NET_FLOW)).value
    assert flow.buy_usd["24h"] == pytest.approx(takers.total.buy_usd, rel=1e-6)
    assert sum(row.volume_usd for row in pairs) == pytest.approx(takers.total.buy_usd + takers.total.sell_usd)
    rates = E.FUNDING.read(await get(E.FUNDING)).value.by_coin["BTC"]
    assert {row.exchange for row in rates} == {"Binance", "Bybit", "OKX"}
    assert min(rate.percent_8h for rate in rates) <= coin.funding_percent_by_oi <= max(rate.percent_8h for rate in rates)


async def test_bars_join_without_a_gap(get, world):
    """Candles begin where the last one ended, at the market's price; flows of hours make the day's."""
    candles = E.PRICE_HISTORY.read(await get(E.PRICE_HISTORY, limit=48)).value
    assert [row.time_ms for row in candles] == [candles[0].time_ms + hour * HOUR for hour in range(48)]
    assert all(before.close == after.open for before, after in pairwise(candles))
    assert all(row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high for row in candles)
    assert candles[-1].close == pytest.approx(world.market.price("BTC"), rel=0.001)
    hours = E.TAKER_HISTORY.read(await get(E.TAKER_HISTORY, limit=48, end_time=candles[-1].time_ms)).value
    days = E.TAKER_HISTORY.read(
        await get(E.TAKER_HISTORY, interval="12h", limit=4, end_time=candles[-1].time_ms)
    ).value
    whole = [day for day in days if day.time_ms + 12 * HOUR <= candles[-1].time_ms and day.time_ms >= hours[0].time_ms]
    assert whole
    for day in whole:
        inside = [row for row in hours if day.time_ms <= row.time_ms < day.time_ms + 12 * HOUR]
        assert sum(row.buy_usd for row in inside) == pytest.approx(day.buy_usd, rel=1e-6)


async def test_deltas_begin_at_zero_with_each_answer(get):
    """The running difference is of its own answer only, as the real one."""
    for limit in (5, 24):
        rows = E.COIN_CVD.read(await get(E.COIN_CVD, limit=limit)).value
        assert rows[0].cvd_usd == pytest.approx(rows[0].buy_usd - rows[0].sell_usd, abs=0.01)
        assert rows[-1].cvd_usd == pytest.approx(sum(row.buy_usd - row.sell_usd for row in rows), abs=0.1)


async def test_the_side_of_orders_can_be_measured(get, world):
    """An hour's orders and its bar tell what side 1 means."""
    end = (world.start_ms + world.now_ms) // HOUR * HOUR
    query = {"start_time": end - HOUR, "end_time": end}
    orders = await get(E.LIQUIDATION_ORDERS, **query)
    history = await get(E.LIQUIDATION_HISTORY, limit=1, **query)
    bodies = [msgspec.json.encode({"code": "0", "data": rows}) for rows in (orders, history)]
    assert len(orders) > 8
    assert calibrate(*bodies) == "1=long"


async def test_books_stand_around_the_price(get, world):
    """Bids are below and asks above the price; walls stand on their side."""
    price = world.market.price("BTC")
    (book,) = E.BOOK.read(await get(E.BOOK, limit=1)).value
    bids, asks = book.sides()
    assert bids[0].price < price * 1.001
    assert asks[0].price > price * 0.999
    for wall in E.WALLS.read(await get(E.WALLS)).value:
        assert wall.side(price) is wall.side() is not None


async def test_wrong_questions_are_refused(world, http):
    """An unknown coin and pair, a coin for a pair, a book that is too deep, a missing parameter."""
    api = api_of(world, http, "professional")
    for endpoint, change in ((E.OPEN_INTEREST, {"symbol": "NOSUCH"}), (E.PRICE_HISTORY, {"symbol": "BTC"}),
                             (E.PRICE_HISTORY, {"exchange": "Nowhere"}), (E.LIQUIDATION_COINS, {"exchange": "Nowhere"})):  # fmt: skip
        with pytest.raises(UnknownSymbol if endpoint.symbol else SourceChanged):
            await api.ask(endpoint, **(params(endpoint) | change))
    for endpoint, change in ((E.BOOK, {"limit": 101}), (E.DEPTH, {"range": "7"}), (E.PRICE_HISTORY, {"interval": "2h"}),
                             (E.RSI_HISTORY, {"window": 7}), (E.OPEN_INTEREST_CHART, {"range": "2h"})):  # fmt: skip
        with pytest.raises(SourceChanged, match="code 400"):
            await api.ask(endpoint, **(params(endpoint) | change))
    await api.close()


async def test_a_damaged_answer_is_rows_or_a_shape_error(get):
    """Any node of any answer replaced by anything: the reader skips rows or names the shape, nothing else."""
    dice = random.Random(5)  # noqa: S311 - a seed, so that a failure comes again
    junk = [None, "", "x", -1, 0, 1e300, [], {}, [None], {"All": 1}, True, "NaN", [[]], "2026-01-01"]
    for endpoint in ALL.values():
        text = msgspec.json.encode(await get(endpoint))
        for _ in range(12):
            damaged = {"data": msgspec.json.decode(text)}
            node, key = damaged, "data"
            for _ in range(dice.randrange(5)):
                below = node[key]
                if not isinstance(below, list | dict) or not below:
                    break
                node, key = below, dice.choice(list(below) if isinstance(below, dict) else range(len(below)))
            node[key] = dice.choice(junk)
            try:
                assert isinstance(endpoint.read(damaged["data"]), Decoded)
            except (ShapeError, msgspec.ValidationError):
                continue


async def test_faults_of_the_rest_door(world, http):
    """Slow answers, a proxy's page and renamed fields are what the client says they are."""
    api, faults = api_of(world, http, "professional"), world.venues["coinglass"].faults
    faults.set("latency", 5_000)
    with pytest.raises(SourceDown, match="no answer within"):
        await api.ask(E.COINS, within_s=0.1)
    faults.clear()
    faults.set("html_rest", 1)
    with pytest.raises(SourceDown):
        await api.ask(E.PAIRS)
    faults.clear()
    faults.set("rename_rest", 1)
    with pytest.raises(SourceChanged):
        await api.ask(E.PAIRS_MARKETS, symbol="BTC")
    faults.clear()
    assert (await api.ask(E.PAIRS_MARKETS, symbol="ETH")).value
    await api.close()
