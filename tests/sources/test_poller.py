"""Polls against real HTTP servers: backfill without a hole, pages, limits, refusals; and the loop that runs them."""

from __future__ import annotations

import asyncio
import json

import pytest

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.binance.rest import TRADES_PER_S, BinanceRest
from teleglas.venues.bybit import rest as bybit
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.okx.rest import OkxRest
from teleglas.venues.rest_client import Banned, Throttled, new_http_client
from tests.rest_server import Answer, running_rest_server
from ws_alert.messages import Frame, RecordKind
from ws_alert.sources.failover import PollReport
from ws_alert.sources.poll_liquidations import CoinglassPolls, OkxLiquidationPolls
from ws_alert.sources.poll_trades import AggTradePolls, NewestTradePolls, Tape
from ws_alert.sources.poller import REFUSED_FOR_S, Cycle, Poller, Watch

NOW = 1_790_000_000_000
HOUR = 3_600_000


class _Time:
    """Wall and monotonic clock that move only by sleeping or by hand."""

    def __init__(self) -> None:
        self.ms = NOW
        self.slept: list[float] = []

    def wall_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)
        await asyncio.sleep(0)

    def watch(self) -> Watch:
        return Watch(self.wall_ms, self.monotonic_s, self.sleep, lambda: 1.0)


class _Kept:
    """An inbox that keeps everything."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    async def put(self, frame: Frame) -> None:
        self.frames.append(frame)

    def sources(self) -> list[str]:
        return [frame.source for frame in self.frames]


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
def inbox():
    """Keep what is put."""
    return _Kept()


def _rest(kind, http, server, time):
    return kind(http, server.url, clock=time.monotonic_s, sleep=time.sleep)


class _AggTape:
    """Binance's aggTrades of symbols: contiguous ids, pages by fromId or startTime."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {}

    def add(self, symbol: str, count: int, from_ms: int, to_ms: int) -> None:
        rows = self.rows.setdefault(symbol, [])
        for number in range(count):
            at_ms = from_ms + (to_ms - from_ms) * number // max(1, count)
            rows.append({"a": len(rows), "p": "1", "q": "1", "T": at_ms, "m": True})

    def answer(self, query: dict[str, str]) -> Answer | str:
        rows = self.rows.get(query["symbol"])
        if rows is None:
            return Answer('{"code":-1121,"msg":"Invalid symbol."}', 400)
        limit = int(query["limit"])
        if "fromId" in query:
            return json.dumps(rows[int(query["fromId"]) :][:limit])
        if "startTime" in query:
            return json.dumps([row for row in rows if row["T"] >= int(query["startTime"])][:limit])
        return json.dumps(rows[-limit:])


def _ids(inbox: _Kept, symbol: str) -> list[int]:
    return [
        row["a"]
        for frame in inbox.frames
        if frame.source == f"binance:aggTrades:{symbol}"
        for row in json.loads(frame.payload)
    ]


class TestBinanceTrades:
    """`AggTradePolls`."""

    async def test_backfill_has_no_hole(self, http, server, time, inbox):
        """Everything since the gap is fetched over pages, and later cycles go on where the last ended."""
        tape = _AggTape()
        tape.add("BTCUSDT", 500, NOW - 50_000, NOW - 30_000)
        tape.add("BTCUSDT", 2_600, NOW - 30_000, NOW)
        server.rules["/fapi/v1/aggTrades"] = tape.answer
        polls = AggTradePolls(_rest(BinanceRest, http, server, time), lambda: ["BTCUSDT"], inbox.put, time.wall_ms)
        polls.begin(NOW - 30_000)
        cycle = await polls.cycle()
        assert (cycle.covered_ms, cycle.missing) == (NOW, "")
        ids = _ids(inbox, "BTCUSDT")
        assert ids == list(range(ids[0], 3_100))
        assert 400 < ids[0] <= 500
        tape.add("BTCUSDT", 1_700, NOW, NOW + 4_000)
        time.ms = NOW + 4_000
        await polls.cycle()
        assert _ids(inbox, "BTCUSDT") == list(range(ids[0], 4_800))
        assert all(frame.kind is RecordKind.BODY for frame in inbox.frames)

    async def test_no_more_than_a_minute_is_fetched(self, http, server, time, inbox):
        """What would be dropped as too old is not asked for: neither at the start nor after a pause."""
        tape = _AggTape()
        tape.add("BTCUSDT", 1_200, NOW - 600_000, NOW)
        server.rules["/fapi/v1/aggTrades"] = tape.answer
        polls = AggTradePolls(_rest(BinanceRest, http, server, time), lambda: ["BTCUSDT"], inbox.put, time.wall_ms)
        polls.begin(NOW - 500_000)
        await polls.cycle()
        assert _ids(inbox, "BTCUSDT")[0] == 1_080
        time.ms += 300_000
        tape.add("BTCUSDT", 600, NOW, NOW + 300_000)
        await polls.cycle()
        assert server.queries("/fapi/v1/aggTrades")[-1].get("startTime") == str(time.ms - 60_000)

    async def test_unknown_symbol_does_not_stop_the_others(self, http, server, time, inbox):
        """A delisted symbol is skipped and not asked again."""
        tape = _AggTape()
        tape.add("BTCUSDT", 3, NOW - 1_000, NOW)
        server.rules["/fapi/v1/aggTrades"] = tape.answer
        symbols = ["GONEUSDT", "BTCUSDT"]
        polls = AggTradePolls(_rest(BinanceRest, http, server, time), lambda: symbols, inbox.put, time.wall_ms)
        polls.begin(NOW - 5_000)
        await polls.cycle()
        await polls.cycle()
        assert inbox.sources() == ["binance:aggTrades:BTCUSDT"]
        assert [q["symbol"] for q in server.queries("/fapi/v1/aggTrades")].count("GONEUSDT") == 1

    async def test_more_symbols_than_the_weight_allows_are_declared(self, http, server, time, inbox):
        """The most traded are polled within a minute; that the others are not is said."""
        server.rules["/fapi/v1/aggTrades"] = lambda _: "[]"
        symbols = [f"C{number}USDT" for number in range(200)]
        polls = AggTradePolls(_rest(BinanceRest, http, server, time), lambda: symbols, inbox.put, time.wall_ms)
        polls.begin(NOW)
        cycle = await polls.cycle()
        fits = int(TRADES_PER_S * 45)
        assert cycle.missing == f"the request limit allows {fits} of 200 symbols"
        assert {q["symbol"] for q in server.queries("/fapi/v1/aggTrades")} == set(symbols[:fits])
        assert time.ms - NOW <= 60_000

    async def test_block_ends_the_cycle(self, http, server, time, inbox):
        """A region block is the venue's, not the symbol's."""
        server.rules["/fapi/v1/aggTrades"] = lambda _: Answer("", 451)
        polls = AggTradePolls(_rest(BinanceRest, http, server, time), lambda: ["BTCUSDT"], inbox.put, time.wall_ms)
        polls.begin(NOW)
        with pytest.raises(FeedRefused, match="region_block"):
            await polls.cycle()

    async def test_strange_body_is_interrupted(self, http, server, time, inbox):
        """JSON of another shape fails the cycle and is not put."""
        server.rules["/fapi/v1/aggTrades"] = lambda _: '{"code":0}'
        polls = AggTradePolls(_rest(BinanceRest, http, server, time), lambda: ["BTCUSDT"], inbox.put, time.wall_ms)
        polls.begin(NOW)
        with pytest.raises(FeedInterrupted, match="unexpected body"):
            await polls.cycle()
        assert inbox.frames == []


class TestNewestTrades:
    """`NewestTradePolls`, as Bybit's."""

    @pytest.fixture
    def tape(self, server):
        """Answer with the newest rows, newest first."""
        rows: list[tuple[str, int]] = []

        def answer(query):
            found = [{"execId": name, "time": str(at)} for name, at in rows[::-1][: int(query["limit"])]]
            return json.dumps({"retCode": 0, "result": {"list": found}})

        server.rules["/v5/market/recent-trade"] = answer
        return rows

    @pytest.fixture
    def polls(self, http, server, time, inbox):
        """Poll BTCUSDT."""
        rest = _rest(bybit.BybitRest, http, server, time)
        tape = Tape("bybit:recent-trade", rest.recent_trades, bybit.trade_refs, bybit.MAX_TRADES, 60.0)
        return NewestTradePolls(tape, lambda: ["BTCUSDT"], inbox.put, time.wall_ms)

    def _limits(self, server):
        return [int(query["limit"]) for query in server.queries("/v5/market/recent-trade")]

    async def test_asks_for_what_it_needs(self, tape, polls, server, time, inbox):
        """The first answer is the largest, later ones overlap the one before; nothing new is not put."""
        tape += [(f"a{number}", NOW - 10_000 + number) for number in range(500)]
        polls.begin(NOW - 10_000)
        assert (await polls.cycle()).missing == ""
        await polls.cycle()
        assert len(inbox.frames) == 1
        time.ms += 2_000
        tape += [(f"b{number}", NOW + number) for number in range(30)]
        assert (await polls.cycle()).missing == ""
        assert len(inbox.frames) == 2
        assert self._limits(server)[0] == 1000
        assert self._limits(server)[-1] <= 1000

    async def test_a_burst_is_asked_again_whole(self, tape, polls, server, inbox):
        """When the answer does not reach back to the last one, the largest is asked at once."""
        tape += [(f"a{number}", NOW + number) for number in range(20)]
        polls.begin(NOW)
        await polls.cycle()
        tape += [(f"b{number}", NOW + 100 + number) for number in range(10)]
        await polls.cycle()
        tape += [(f"c{number}", NOW + 200 + number) for number in range(300)]
        assert (await polls.cycle()).missing == ""
        assert self._limits(server) == [1000, 1000, 60, 1000]
        assert b'"c0"' in inbox.frames[-1].payload

    async def test_a_hole_is_told(self, tape, polls):
        """More trades than one answer holds cannot be had here, and that is said."""
        tape += [("a", NOW)]
        polls.begin(NOW)
        await polls.cycle()
        tape += [(f"b{number}", NOW + 1 + number) for number in range(1_500)]
        assert "1000" in (await polls.cycle()).missing
        assert (await polls.cycle()).missing == ""

    async def test_a_first_answer_that_does_not_reach_the_gap_is_a_hole(self, tape, polls):
        """The gap itself may hold more than one answer."""
        tape += [(f"b{number}", NOW - 5_000 + number) for number in range(1_500)]
        polls.begin(NOW - 30_000)
        assert (await polls.cycle()).missing

    async def test_rows_of_one_millisecond_are_told_apart(self, tape, polls, inbox):
        """A new row with the newest time is new."""
        tape += [("a", NOW)]
        polls.begin(NOW)
        await polls.cycle()
        tape += [("b", NOW)]
        await polls.cycle()
        assert len(inbox.frames) == 2


def _okx_body(*times: int) -> str:
    details = [{"bkPx": "1", "posSide": "long", "side": "sell", "sz": "1", "ts": str(at)} for at in times]
    return json.dumps({"code": "0", "msg": "", "data": [{"instId": "BTC-USDT-SWAP", "details": details}]})


class TestOkxLiquidations:
    """`OkxLiquidationPolls`."""

    PATH = "/api/v5/public/liquidation-orders"

    def _polls(self, http, server, time, inbox, families):
        rest = _rest(OkxRest, http, server, time)
        return OkxLiquidationPolls(rest, lambda: families, inbox.put, time.wall_ms)

    async def test_pages_reach_back_to_the_gap(self, http, server, time, inbox):
        """A full page is followed by older ones until the gap is covered."""
        rows = [NOW - 100 * number for number in range(260)]

        def answer(query):
            older = int(query.get("after", NOW + 1))
            return _okx_body(*[at for at in rows if at < older][:100])

        server.rules[self.PATH] = answer
        polls = self._polls(http, server, time, inbox, ["BTC-USDT"])
        polls.begin(NOW - 15_000)
        cycle = await polls.cycle()
        assert cycle.covered_ms == NOW
        got = {int(row["ts"]) for frame in inbox.frames for row in json.loads(frame.payload)["data"][0]["details"]}
        assert got >= {at for at in rows if at >= NOW - 15_000}
        assert set(inbox.sources()) == {"okx:liquidation-orders:BTC-USDT"}

    async def test_the_same_answer_is_put_once(self, http, server, time, inbox):
        """Quiet families cost no journal."""
        server.rules[self.PATH] = lambda _: _okx_body(NOW - 50)
        polls = self._polls(http, server, time, inbox, ["BTC-USDT"])
        polls.begin(NOW - 1_000)
        await polls.cycle()
        await polls.cycle()
        assert len(inbox.frames) == 1

    async def test_old_rows_are_not_put(self, http, server, time, inbox):
        """What the engine would drop as too old stays out."""
        server.rules[self.PATH] = lambda _: _okx_body(NOW - 61_000)
        polls = self._polls(http, server, time, inbox, ["BTC-USDT"])
        polls.begin(NOW - 500_000)
        await polls.cycle()
        assert inbox.frames == []

    async def test_all_families_have_their_turn(self, http, server, time, inbox):
        """The active ones each cycle, every other within a minute; covered only when all were asked."""
        server.rules[self.PATH] = lambda _: '{"code":"0","data":[]}'
        families = [f"C{number}-USDT" for number in range(300)]
        polls = self._polls(http, server, time, inbox, families)
        polls.begin(NOW)
        started = time.ms
        covered = []
        while not covered or not covered[-1]:
            before = time.ms
            cycle = await polls.cycle()
            covered.append(cycle.covered_ms)
            time.ms = max(time.ms, before + round(cycle.pause_s * 1000))
        asked = [query["uly"] for query in server.queries(self.PATH)]
        assert set(asked) == set(families)
        assert asked.count("C0-USDT") == len(covered) > 1
        assert time.ms - started <= 60_000

    async def test_gone_family_is_skipped(self, http, server, time, inbox):
        """A family that the venue does not know does not stop the others."""
        server.rules[self.PATH] = lambda q: '{"code":"51001","msg":"gone"}' if q["uly"] == "X-USDT" else _okx_body(NOW)
        polls = self._polls(http, server, time, inbox, ["X-USDT", "BTC-USDT"])
        polls.begin(NOW)
        await polls.cycle()
        assert (await polls.cycle()).covered_ms > 0
        assert inbox.sources() == ["okx:liquidation-orders:BTC-USDT"]


def _glass_orders(one: int, two: int, at_ms: int) -> str:
    rows = [{"side": 1, "usd_value": 100.0}] * one + [{"side": 2, "usd_value": 100.0}] * two
    data = [{"exchange_name": "BINANCE", "symbol": "BTCUSDT", "base_asset": "BTC", "price": 1.0, "time": at_ms, **row} for row in rows]
    return json.dumps({"code": "0", "data": data})


class TestCoinglass:
    """`CoinglassPolls`."""

    ORDERS = "/api/futures/liquidation/order"
    HISTORY = "/api/futures/liquidation/history"
    LIST = "/api/futures/liquidation/exchange-list"
    bar_ms = NOW // HOUR * HOUR - HOUR

    @pytest.fixture
    def polls(self, http, server, time, inbox):
        """Poll two coins with a Standard key."""
        rest = _rest(CoinglassRest, http, server, time)
        rest.use_key("k")
        rest.observe({"api-key-max-limit": "300"})
        polls = CoinglassPolls(rest, lambda: ["BTC", "ETH"], inbox.put, time.wall_ms, time.monotonic_s)
        polls.begin(NOW - 5_000)
        server.rules[self.LIST] = lambda _: '{"code":"0","data":[]}'
        return polls

    def _history(self, long_usd: float, short_usd: float) -> str:
        bar = {"time": self.bar_ms, "long_liquidation_usd": str(long_usd), "short_liquidation_usd": str(short_usd)}
        return json.dumps({"code": "0", "data": [bar]})

    @pytest.mark.parametrize(("long_usd", "short_usd", "sides"), [(4_000, 500, "1=long"), (500, 4_000, "1=short")])
    async def test_orders_carry_their_calibration(self, polls, server, time, inbox, long_usd, short_usd, sides):
        """The side's meaning is measured first and travels with each body; all pairs have their turn."""
        server.rules[self.ORDERS] = lambda _: _glass_orders(30, 4, self.bar_ms + 5)
        server.rules[self.HISTORY] = lambda _: self._history(long_usd, short_usd)
        for _ in range(6):
            cycle = await polls.cycle()
            assert cycle.pause_s == 1.0
            time.ms += 1_000
        assert set(inbox.sources()) == {f"coinglass:liquidation/order:calibrated:{sides}"}
        live = [q for q in server.queries(self.ORDERS) if int(q["end_time"]) >= NOW]
        assert {(q["exchange"], q["symbol"]) for q in live} == {(e, c) for e in ("Binance", "OKX", "Bybit") for c in ("BTC", "ETH")}
        assert cycle.covered_ms > 0
        assert "pairs" in cycle.missing

    async def test_windows_overlap(self, polls, server, time):
        """Orders that are published late are not missed."""
        server.rules[self.ORDERS] = lambda _: _glass_orders(30, 4, self.bar_ms + 5)
        server.rules[self.HISTORY] = lambda _: self._history(4_000, 500)
        for _ in range(12):
            await polls.cycle()
            time.ms += 1_000
        seen = [q for q in server.queries(self.ORDERS) if q["exchange"] == "OKX" and q["symbol"] == "ETH"]
        assert int(seen[1]["start_time"]) == int(seen[0]["end_time"]) - 60_000

    async def test_plan_refusal_is_remembered_for_an_hour(self, polls, server, time, inbox):
        """A plan without orders is polled by sums, and not asked again for an hour."""
        server.rules[self.ORDERS] = lambda _: '{"code":"401","msg":"Upgrade plan"}'
        for _ in range(3):
            cycle = await polls.cycle()
        assert cycle.pause_s == 10.0
        assert "sums" in cycle.missing
        assert len(server.queries(self.ORDERS)) == 1
        assert inbox.sources()[0] == f"coinglass:liquidation/exchange-list:BTC@{NOW}"
        time.ms += 3_600_000
        await polls.cycle()
        assert len(server.queries(self.ORDERS)) == 2

    async def test_without_a_clear_side_no_orders_are_polled(self, polls, server, time, inbox):
        """Rather sums with a known side than orders with a guessed one; measured again later."""
        server.rules[self.ORDERS] = lambda _: _glass_orders(10, 10, self.bar_ms + 5)
        server.rules[self.HISTORY] = lambda _: self._history(1_500, 1_500)
        await polls.cycle()
        asked = len(server.queries(self.HISTORY))
        await polls.cycle()
        assert len(server.queries(self.HISTORY)) == asked
        assert all("exchange-list" in source for source in inbox.sources())
        server.rules[self.HISTORY] = lambda _: self._history(3_000, 1_000)
        server.rules[self.ORDERS] = lambda _: _glass_orders(20, 4, self.bar_ms + 5)
        time.ms += 600_000
        await polls.cycle()
        assert inbox.sources()[-1] == "coinglass:liquidation/order:calibrated:1=long"

    async def test_full_lists_are_asked_again_for_the_large_ones(self, polls, server, inbox):
        """Two hundred rows are a truncated list: the large orders must still come."""

        def answer(query):
            small = int(query["min_liquidation_amount"]) < 1_000 and int(query["end_time"]) >= NOW
            return _glass_orders(200, 0, NOW) if small else _glass_orders(30, 4, self.bar_ms + 5)

        server.rules[self.ORDERS] = answer
        server.rules[self.HISTORY] = lambda _: self._history(4_000, 500)
        await polls.cycle()
        live = [q["min_liquidation_amount"] for q in server.queries(self.ORDERS) if int(q["end_time"]) >= NOW]
        assert live == ["1", "1000"]
        assert len(inbox.frames) == 2

    async def test_bad_key_is_raised(self, polls, server):
        """A wrong key is not mistaken for a small plan."""
        server.rules[self.ORDERS] = lambda _: '{"code":"400","msg":"Invalid API key provided"}'
        with pytest.raises(FeedRefused, match="invalid_key"):
            await polls.cycle()


class _Script:
    """A source that does what it is told, then waits for ever."""

    def __init__(self, *results) -> None:
        self.results = list(results)
        self.begun: list[int] = []
        self.done = asyncio.Event()

    def begin(self, gap_ms: int) -> None:
        self.begun.append(gap_ms)

    async def cycle(self) -> Cycle:
        if not self.results:
            self.done.set()
            await asyncio.Event().wait()
        result = self.results.pop(0)
        if isinstance(result, BaseException):
            raise result
        return result


async def _run(source: _Script, time: _Time, poller: Poller | None = None) -> tuple[list[PollReport], Poller]:
    reports: list[PollReport] = []
    poller = poller or Poller("test", source, reports.append, time.watch())
    poller.start(NOW - 7)
    async with asyncio.timeout(5):
        await source.done.wait()
    await poller.close()
    assert not poller.running
    return reports, poller


class TestPoller:
    """`Poller`."""

    async def test_backs_off_and_recovers(self, time):
        """Failures are reported and spaced ever wider; a success starts anew."""
        fail = FeedInterrupted("HTTP 500")
        source = _Script(fail, fail, fail, fail, fail, fail, Cycle(NOW, "m", 3.0), fail)
        reports, _ = await _run(source, time)
        assert time.slept == [1, 2, 4, 8, 16, 30, 3, 1]
        assert [bool(report.error) for report in reports] == [True] * 6 + [False, True]
        assert (reports[6].covered_ms, reports[6].missing) == (NOW, "m")
        assert source.begun == [NOW - 7]

    async def test_obeys_the_venues_own_time(self, time):
        """Retry-After is longer than our back-off, so it rules."""
        await _run(_Script(Throttled(45, "HTTP 429"), Banned(700, "HTTP 418")), time)
        assert time.slept == [45, 700]

    async def test_refusal_is_remembered_over_a_restart(self, time):
        """Starting again within the hour does not ask again."""
        source = _Script(FeedRefused("plan", "Upgrade plan"))
        reports: list[PollReport] = []
        told = asyncio.Event()

        def report(one: PollReport) -> None:
            reports.append(one)
            told.set()

        gate = asyncio.Event()

        async def sleep(seconds: float) -> None:
            time.slept.append(seconds)
            await gate.wait()

        poller = Poller("test", source, report, Watch(time.wall_ms, time.monotonic_s, sleep, lambda: 1.0))
        for left in (REFUSED_FOR_S, REFUSED_FOR_S - 600):
            told.clear()
            poller.start(NOW)
            async with asyncio.timeout(5):
                await told.wait()
            assert reports[-1].refused
            await asyncio.sleep(0)
            assert time.slept[-1] == left
            poller.stop()
            time.ms += 600_000
        assert source.results == []
        assert not source.done.is_set()
        await poller.close()

    async def test_defects_stay_inside(self, time):
        """An error nobody thought of is reported, and polling goes on."""
        reports, _ = await _run(_Script(ZeroDivisionError("oops"), Cycle(NOW)), time)
        assert reports[0].error
        assert not reports[1].error

    async def test_may_be_stopped_from_its_own_report(self, time):
        """Failover ends polling while a poll is being reported."""
        stopped = asyncio.Event()

        def report(_: PollReport) -> None:
            poller.stop()
            stopped.set()

        source = _Script(Cycle(NOW), Cycle(NOW))
        poller = Poller("test", source, report, time.watch())
        poller.start(NOW)
        async with asyncio.timeout(5):
            await stopped.wait()
        await poller.close()
        assert len(source.results) == 1
