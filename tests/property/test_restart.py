"""A restart at any input changes no verdict: windows from the journal, the rest from memory."""

from __future__ import annotations

import os

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from teleglas.track_record import TrackRecord
from tests.frames import (
    START_MS,
    Feed,
    agg_trade,
    agg_trades_body,
    bybit_order,
    bybit_trade,
    engine,
    force_order,
    mark_price,
    notice,
    okx_order,
    okx_trade,
    refused,
    restarted,
)
from tests.shelf import SERIES, Shelf, note, state
from ws_alert.messages import Action, FeedState, JournalRecord, RecordKind
from ws_alert.records import KindRecord, Records, Step
from ws_alert.rules import Rules
from ws_alert.windows.baselines import MINUTE_MS, Baselines

EXAMPLES = int(os.environ.get("TELEGLAS_EXAMPLES", "200"))
RULES = {
    mode: Rules.model_validate({"hourly_budget": 4, "thresholds": {"mode": mode}})
    for mode in ("both", "adaptive")
}
TARGETS = ("one", "two")

_STEPS = [0, 1, 300, 1000, 2000, 5000, 29_999, 30_000, 61_000, 299_000, 400_000, 1_000_000, 3_600_000]
_LATE = [0, 0, 0, 0, 0, 5, 2000, 29_999, 59_999, 60_001]
_USD = [20.0, 5_000.0, 99_999.0, 150_000.0, 450_000.0, 600_000.0, 900_000.0, 1_100_000.0, 1_500_000.0, 2_500_000.0,
        9_000_000.0]  # fmt: skip
_WHAT = ["trade", "trade", "order", "order", "order", "bybit trade", "bybit order", "okx trade", "okx order", "mark",
         "again", "body", "tick", "live", "polling", "down", "refused", "record"]  # fmt: skip

_inputs = st.lists(
    st.tuples(
        st.sampled_from(_WHAT),
        st.integers(0, 11).flatmap(lambda n: st.sampled_from(_STEPS[:6] if n else _STEPS)),
        st.sampled_from(_LATE),
        st.sampled_from(_USD),
        st.booleans(),
        st.sampled_from([1, 1, 1, 4]),
    ),
    min_size=12,
    max_size=60,
)


def _input(feed: Feed, item, now: int, number: int, times: dict[int, int]) -> tuple[RecordKind, str, bytes]:
    if item[0] != "record":
        return _payload(feed, item, now, number, times)
    right = TrackRecord(40, 40 if item[4] else 20)
    known = KindRecord({"long": right, "buy": right}, right, (Step(0.0, right.hits / 40, right.hits, 40),))
    kinds = ("stop_hunt", "order_flow", "liquidation_storm", "whale_cluster")
    return RecordKind.TRACK_RECORD, "", msgspec.json.encode(Records(dict.fromkeys(kinds, known)))


def _payload(feed: Feed, item, now: int, number: int, times: dict[int, int]) -> tuple[RecordKind, str, bytes]:
    what, _, late, usd, up, _ = item
    at_ms = START_MS + now - late
    frames = {
        "trade": ("binance", lambda: agg_trade(at_ms, number, usd, buy=up)),
        "order": ("binance", lambda: force_order(at_ms, usd, long=up)),
        "bybit trade": ("bybit", lambda: bybit_trade(at_ms, number, usd, buy=up)),
        "bybit order": ("bybit", lambda: bybit_order(at_ms, usd, usd, long=up)),
        "okx trade": ("okx", lambda: okx_trade(at_ms, number, usd, buy=up)),
        "okx order": ("okx", lambda: okx_order(at_ms, usd, long=up)),
        "mark": ("binance", lambda: mark_price(at_ms, 90.0 + usd % 13)),
    }
    if what in frames:
        source, frame = frames[what]
        return RecordKind.FRAME, source, frame()
    if what == "body":
        # a venue tells an id always with the same time, so what is older than the warm-up is too old as well
        rows = [(times[earlier], earlier, usd) for earlier in range(max(11, number - 5), number + 1)]
        return RecordKind.BODY, "binance:aggTrades:BTCUSDT", agg_trades_body(rows)
    if what == "again" and feed.records:
        last = feed.records[-1]
        return last.kind, last.source, last.payload
    if what == "refused":
        sent = [verdict for verdict in feed.verdicts if verdict.action is Action.SEND and verdict.alert]
        if sent:
            return RecordKind.REFUSED, "", refused(sent[-1])
    if what in {"live", "polling", "down"}:
        family = "trades" if up else "liquidations"
        return (
            RecordKind.NOTICE,
            "binance",
            notice("binance", family, FeedState(what), START_MS + now, complete=usd > 1e5),
        )
    return RecordKind.TICK, "", b""


def _past() -> Shelf:
    """Return thirty hours of BTC before the start: quantiles among the amounts, a median minute of $150,000."""
    shelf, baselines = Shelf(), Baselines()
    baselines.keeps = True
    first = START_MS // MINUTE_MS - 1_800
    for minute in range(first, first + 1_797):
        usual = (100 + minute % 7) * 1_000_00
        note(
            baselines,
            minute,
            {("BTC", kind, side): usual * (1 + 20 * (minute % 90 == 0)) for kind, side in SERIES},
        )
        volume = 100_000_00 + minute % 2 * 100_000_00
        baselines.close(minute, [("BTC", volume)], looked=True, interest=None)
        shelf.keep(baselines)
    return shelf


PAST = _past()


def _fresh(mode: str) -> Feed:
    feed = Feed(engine(RULES[mode], TARGETS))
    feed.shelf.assets, feed.shelf.minutes = dict(PAST.assets), dict(PAST.minutes)
    feed.engine.remember(PAST.stored())
    return feed


def _whole(inputs, mode: str) -> tuple[Feed, list[int]]:
    """Return an uninterrupted run and how many verdicts stood after each record."""
    feed = _fresh(mode)
    now, number, decided = 0, 10, []
    times: dict[int, int] = {}
    for item in inputs:
        now += item[1]
        times |= dict.fromkeys(range(number + 1, number + item[5] + 1), START_MS + now - item[2])
        number += item[5]
        feed.record(now, *_input(feed, item, now, number, times))
        decided.append(len(feed.verdicts))
    feed.rest()
    return feed, decided


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    inputs=_inputs,
    cuts=st.lists(st.integers(0, 59), min_size=1, max_size=2),
    mode=st.sampled_from(sorted(RULES)),
)
@example(  # a poll tells an id that a contract, quiet for longer than the warm-up, jumped over
    inputs=[("trade", 0, 0, 20.0, False, 1)] * 7
    + [("order", 400_000, 0, 20.0, False, 1)] * 6
    + [("trade", 0, 0, 20.0, False, 1)] * 4
    + [("body", 0, 0, 150_000.0, False, 1)],
    cuts=[7],
    mode="adaptive",
)
@example(  # a level ends minutes after its last finding, whose orders a restart does not read again
    inputs=[
        ("trade", 0, 0, 900_000.0, True, 1),
        ("trade", 0, 0, 1_100_000.0, True, 1),
        ("trade", 40_000, 0, 20.0, False, 1),
        ("trade", 1, 0, 150_000.0, True, 1),
        ("trade", 400_000, 0, 20.0, False, 1),
    ],
    cuts=[4],
    mode="adaptive",
)
def test_remaining_verdicts_are_those_of_an_uninterrupted_run(inputs, cuts, mode) -> None:
    """Byte for byte, alerts with charts and coverage included, after one or two crashes."""
    whole, decided = _whole(inputs, mode)
    records = whole.records
    feed = _fresh(mode)
    stops = sorted({cut % len(records) + 1 for cut in cuts})
    for stop in stops:
        _feed(feed, records[len(feed.records) : stop])
        feed.engine = restarted(feed, stop, engine(RULES[mode], TARGETS))
    before = len(feed.verdicts)
    assert before == decided[stops[-1] - 1]
    _feed(feed, records[stops[-1] :])
    feed.rest()
    for mine, its in zip(feed.verdicts, whole.verdicts, strict=False):
        assert msgspec.json.encode(mine) == msgspec.json.encode(its)
    assert len(feed.verdicts) == len(whole.verdicts)
    assert feed.engine.memory() == whole.engine.memory()
    assert state(feed.engine.baselines) == state(whole.engine.baselines)


def _feed(feed: Feed, records: list[JournalRecord]) -> None:
    for record in records:
        feed.record(record.received_ms - START_MS, record.kind, record.source, record.payload)
