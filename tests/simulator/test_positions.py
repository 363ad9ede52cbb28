"""Open interest and funding of the simulated venues: one ledger, moved by a scenario, found by the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx
import pytest

from simulator.patterns import make
from simulator.scenarios import Intensity, Move, Scenario
from simulator.world import World
from teleglas.instrument_table import decode, encode
from teleglas.venues.binance.rest import BinanceRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx import instruments as okx_instruments
from teleglas.venues.okx.rest import OkxRest
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import REPLAY_TARGET, Frame, Kind, RecordKind
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.poll_interest import (
    BinanceInterestPolls,
    BybitInterestPolls,
    CoinglassInterestPolls,
    HyperliquidInterestPolls,
    OkxInterestPolls,
)
from ws_alert.sources.poller import PollSource, Watch

START_MS = 1_790_000_000_000
COINS = ("BTC", "ETH", "SOL", "DOGE")
VENUES = ("binance", "bybit", "okx", "hyperliquid")
QUIET = Intensity(trade_rate=0.05, liquidation_rate=0.0)


def scenario(*moves: Move) -> Scenario:
    """Return a nearly idle market with these moves."""
    return Scenario("moved", QUIET, moves=moves)


class _Desk:
    """Polls the venues of a world once a minute of its time and lets an engine decide."""

    def __init__(
        self,
        world: World,
        http: httpx.AsyncClient,
        names: Sequence[str] = VENUES,
        coins: Sequence[str] = COINS,
    ) -> None:
        self.world = world
        self.engine = AlertEngine(Rules(), decoders({}), [REPLAY_TARGET], budget=False)
        watch = Watch(lambda: START_MS + world.now_ms, lambda: world.now_ms / 1000, self._sleep, lambda: 0.5)
        pairs = tuple(f"{coin}USDT" for coin in coins)
        swaps = tuple(f"{coin}-USDT-SWAP" for coin in coins)

        def door(kind):
            url = world.urls[f"{kind.venue.upper()}_REST_URL"]
            return kind(http, url, clock=watch.monotonic_s, sleep=watch.sleep)

        glass = door(CoinglassRest)
        glass.use_key("standard")
        made: dict[str, Callable[[], PollSource]] = {
            "binance": lambda: BinanceInterestPolls(door(BinanceRest), lambda: pairs, self.put, watch),
            "bybit": lambda: BybitInterestPolls(door(BybitRest), lambda: pairs, self.put, watch),
            "okx": lambda: OkxInterestPolls(door(OkxRest), lambda: swaps, self.put, watch),
            "hyperliquid": lambda: HyperliquidInterestPolls(
                door(HyperliquidRest), 0.0, coins, self.put, watch
            ),
            "coinglass": lambda: CoinglassInterestPolls(glass, lambda: coins, self.put, watch),
        }
        self.polls = [made[name]() for name in names]
        self.okx = door(OkxRest)

    async def minutes(self, count: int) -> list[tuple[str, str, str, str, int]]:
        """Let minutes pass, polling in each; return starts and ends of episodes with their minute."""
        table = encode(okx_instruments.parse_instruments(await self.okx.instruments()))
        assert "BTC-USDT-SWAP" in decode(table)
        await self.put(Frame(RecordKind.INSTRUMENTS, "okx", table))
        for _ in range(count):
            for poll in self.polls:
                await poll.cycle()
            await self.world.advance(60_000)
        return [
            (one.phase, one.kind.value, one.asset, one.direction, (one.event_ms - START_MS) // 60_000)
            for one in self.engine.phases
            if one.kind in (Kind.FUNDING_EXTREME, Kind.OI_DIVERGENCE)
        ]

    async def put(self, frame: Frame) -> None:
        self.engine.receive(frame.kind, frame.source, frame.payload, START_MS + self.world.now_ms)

    async def _sleep(self, _seconds: float) -> None:
        """Cost no time: the desk alone moves the world."""


@pytest.fixture
async def http():
    """Return a client."""
    async with httpx.AsyncClient() as client:
        yield client


async def test_extreme_funding_of_one_venue_is_found(http):
    """Longs pay on Hyperliquid, shorts on Bybit, each for a while; what stays below the threshold is nothing."""
    moves = (
        Move("hyperliquid", "SOL", 150, 400, funding_8h=0.1001),
        Move("bybit", "DOGE", 0, 300, funding_8h=-0.25),
        Move("binance", "BTC", 0, 400, funding_8h=0.0999),
    )
    async with World(scenario=scenario(*moves), speed=0, start_ms=START_MS) as world:
        found = await _Desk(world, http).minutes(10)
    assert found == [
        ("start", "funding_extreme", "DOGE", "short", 0),
        ("start", "funding_extreme", "SOL", "long", 3),
        # a minute after another venue's rate was the last to be told before the extreme one was over
        ("end", "funding_extreme", "DOGE", "short", 5),
        ("end", "funding_extreme", "SOL", "long", 7),
    ]


async def test_open_interest_that_changes_venues_is_found(http):
    """OKX gains in ETH what the others lose; the same rise while they gain a little, or on all venues, is nothing."""
    loss = [Move(venue, "ETH", 60, 300, interest=0.985) for venue in ("binance", "bybit", "hyperliquid")]
    rise = [Move(venue, "SOL", 60, 300, interest=1.05) for venue in VENUES]
    rise += [Move(venue, "DOGE", 60, 300, interest=1.01) for venue in VENUES]
    moves = (
        Move("okx", "ETH", 60, 300, interest=1.04),
        Move("okx", "DOGE", 60, 300, interest=1.04),
        *loss,
        *rise,
    )
    async with World(scenario=scenario(*moves), speed=0, start_ms=START_MS) as world:
        desk = _Desk(world, http)
        found = await desk.minutes(30)
    assert [row[:4] for row in found] == [
        ("start", "oi_divergence", "ETH", "neutral"), ("end", "oi_divergence", "ETH", "neutral")
    ]  # fmt: skip
    assert 15 <= found[0][4] <= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["funding_extreme", "oi_divergence"])
async def test_patterns_of_known_truth_come_through_the_polls(http, name):
    """What fires is found once, within its time; what only looks similar is not."""
    pattern = make(name, 3)
    async with World(
        scenario=replace(pattern.scenario(), base=QUIET), speed=0, start_ms=START_MS, seed=3
    ) as world:
        desk = _Desk(world, http, coins=sorted({move.asset for move in pattern.moves}))
        found = await desk.minutes(pattern.length_ms // 60_000)
    starts = [row[1:] for row in found if row[0] == "start"]
    wanted = {case.asset: case for case in pattern.cases if case.fires}
    assert sorted(row[:3] for row in starts) == sorted(
        (name, case.asset, case.direction) for case in wanted.values()
    )
    for _, asset, _, minute in starts:
        assert wanted[asset].from_ms // 60_000 <= minute <= wanted[asset].to_ms // 60_000


async def test_a_falling_price_is_no_divergence(http):
    """It makes the open interest in USD fall on all venues alike, by more than one per cent here."""
    falling = Scenario("falling", replace(QUIET, drift=-0.0002))
    async with World(scenario=falling, speed=0, start_ms=START_MS) as world:
        before = world.market.price("BTC")
        assert await _Desk(world, http).minutes(18) == []
        assert world.market.price("BTC") < 0.99 * before


async def test_coinglass_tells_what_the_venues_tell(http):
    """In percent, by exchange: the same rates, and the same extremes."""
    moves = (Move("bybit", "BTC", 0, 200, funding_8h=0.2), Move("okx", "ETH", 0, 200, funding_8h=-0.1))
    async with World(
        scenario=scenario(*moves), speed=0, start_ms=START_MS, keys={"standard": "STANDARD"}
    ) as world:
        found = await _Desk(world, http, ["coinglass"]).minutes(2)
        own = await _Desk(world, http, ["binance", "bybit", "okx"]).minutes(1)
    assert found == [
        ("start", "funding_extreme", "BTC", "long", 0), ("start", "funding_extreme", "ETH", "short", 0)
    ]  # fmt: skip
    assert [row[:4] for row in own] == [row[:4] for row in found]


async def test_every_venue_lists_what_the_ledger_says(world, http):
    """All contracts in one answer: Bybit's both sides are twice the single one, OKX's swaps all stand there."""
    await world.advance(2_000)
    urls = world.urls
    rows = (
        await http.get(urls["BYBIT_REST_URL"] + "/v5/market/tickers", params={"category": "linear"})
    ).json()
    ledger = world.venues["coinglass"].feed.ledger
    now = START_MS + world.now_ms
    for row in rows["result"]["list"]:
        contract = next(one for one in ledger.contracts if one.name == f"bybit {row['symbol']}")
        assert float(row["singleOpenInterestValue"]) == pytest.approx(
            ledger.interest(contract, now, now)[0], rel=1e-9
        )
        assert float(row["openInterestValue"]) == pytest.approx(
            2 * float(row["singleOpenInterestValue"]), rel=1e-9
        )
        assert float(row["fundingRate"]) * 100 == pytest.approx(ledger.funding(contract, now), abs=1e-5)
        assert int(row["fundingIntervalHour"]) == contract.funding_hours
    swaps = (
        await http.get(urls["OKX_REST_URL"] + "/api/v5/public/open-interest", params={"instType": "SWAP"})
    ).json()
    listed = {contract.listing.symbol for contract in ledger.contracts if contract.listing.venue == "okx"}
    assert {row["instId"] for row in swaps["data"]} == listed


def test_a_move_goes_evenly_and_stays():
    """Half the way in half the time; funding holds for its time only."""
    move = Move("okx", "BTC", 10, 20, interest=1.5, funding_8h=0.3)
    assert [move.factor(at * 1000) for at in (0, 10, 15, 20, 99)] == [1.0, 1.0, 1.25, 1.5, 1.5]
    assert [move.funding(at * 1000) for at in (9, 10, 19, 20)] == [None, 0.3, 0.3, None]
    assert Move("okx", "BTC", 0, 0).factor(5) == 1.0
