"""The engine decides the same on frames in batches, as they come live, as on each record by itself, as a start reads them."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.instrument_table import encode
from teleglas.market import Instrument
from tests.frames import START_MS, agg_trade, bybit_trade, engine, force_order, mark_price, okx_order
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import RecordKind
from ws_alert.rules import Rules

SYMBOLS = ["BTCUSDT", "BTCUSDT", "BTCUSDC", "DOTUSDT", "1000PEPEUSDT", "ETHBTC"]
RULES = Rules(group_wait_ms=0)

symbols = st.sampled_from(SYMBOLS)
behind = st.sampled_from([-2000, -1, 0, 0, 0, 1, 3, 300, 999, 1000, 5000, 59_999, 60_000, 60_001, 60_001])
sums = st.sampled_from([0.004, 0.005, 0.015, 1, 17.345, 9_999.98, 9_999.99, 10_000, 99_999.99, 250_000, 3e6])
trades = st.tuples(st.just("trade"), symbols, behind, sums, st.booleans(), st.sampled_from([0, 1, 1, 1, 2]))
orders = st.tuples(st.just("order"), symbols, behind, sums, st.booleans(), st.just(0))
marks = st.tuples(st.just("mark"), symbols, behind, sums, st.booleans(), st.just(0))
broken = st.tuples(st.just("broken"), symbols, behind, sums, st.booleans(), st.just(0))
batches = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 7, 400, 1000, 30_000, 61_000, 70_000]),
        st.booleans(),
        st.lists(trades | trades | trades | trades | orders | marks | broken, min_size=1, max_size=12),
    ),
    max_size=8,
)


def payloads(rows: list[tuple], now_ms: int, numbers: dict[str, int]) -> list[bytes]:
    """Return the frames of one batch received at `now_ms`."""
    made = []
    for kind, symbol, late, usd, flag, step in rows:
        at_ms = now_ms - late
        if kind == "trade":
            numbers[symbol] = numbers.get(symbol, 0) + step
            made.append(agg_trade(at_ms, numbers[symbol], usd, buy=flag, symbol=symbol))
        elif kind == "order":
            made.append(force_order(at_ms, usd, long=flag, symbol=symbol))
        elif kind == "mark":
            made.append(mark_price(at_ms, 100 + usd % 7, symbol=symbol))
        else:
            made.append(agg_trade(at_ms, 1, usd, symbol=symbol)[: -1 if flag else 40])
    return made


def seen(machine: AlertEngine) -> tuple:
    """Return all that a stage after the windows can know."""
    tapes = {
        events.asset: (
            events.newest_ms,
            events.tape.flow(events.tape.second),
            events.tape.minute,
            [
                events.tape.chart(events.newest_ms + 1000, orders=orders, bucket_s=1)
                for orders in (True, False)
            ],
            [(window.usd, window.count, window.inside()) for window in events.liquidations.values()],
            [(window.usd, window.count, window.inside()) for window in events.orders.values()],
        )
        for events in machine.intake.assets()
    }
    return tapes, machine.intake.refused, machine.phases, machine.drain()


@settings(max_examples=300, deadline=None)
@given(batches=batches)
def test_batches_are_decided_like_single_records(batches: list[tuple[int, bool, list[tuple]]]) -> None:
    """Late, early, large, repeated, broken rows and refreshed tables included, to the cent."""
    batched, single = engine(RULES), engine(RULES)
    now_ms, numbers, multiplier = START_MS, dict[str, int](), 1
    for waited, relisted, rows in batches:
        now_ms += waited
        if relisted:
            multiplier += 1
            table = {"BTCUSDT": Instrument("binance", "BTCUSDT", "BTC", multiplier=Decimal(multiplier))}
            for machine in (batched, single):
                machine.receive(RecordKind.INSTRUMENTS, "binance", encode(table), now_ms)
        frames = payloads(rows, now_ms, numbers)
        batched.receive_frames("binance", frames, now_ms)
        for frame in frames:
            single.receive(RecordKind.FRAME, "binance", frame, now_ms)
        assert seen(batched) == seen(single)


turns = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 2000, 30_000]),
        st.lists(
            st.tuples(st.sampled_from(["binance", "bybit", "okx", "later"]), sums), min_size=1, max_size=8
        ),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(turns=turns)
def test_sources_that_take_turns_are_decided_like_single_records(turns: list[tuple]) -> None:
    """Also within one stamp, when deadlines are due at once; a source that nobody decodes counts by its frames."""
    batched, single = engine(RULES), engine(RULES)
    now_ms, number = START_MS, 0
    for waited, rows in turns:
        now_ms += waited
        frames = []
        for source, usd in rows:
            number += 1
            made = {
                "binance": agg_trade(now_ms, number, usd),
                "bybit": bybit_trade(now_ms, number, usd),
                "okx": okx_order(now_ms, usd),
                "later": b"{}",
            }
            frames.append((source, made[source]))
        for source, run in groupby(frames, key=lambda frame: frame[0]):
            batched.receive_frames(source, [payload for _, payload in run], now_ms)
        for source, payload in frames:
            single.receive(RecordKind.FRAME, source, payload, now_ms)
        assert seen(batched) == seen(single)
