"""The record reaches the engine as an input: journalled, replayed, remembered; and what it does to a score."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.market import Instrument, TakerSide
from teleglas.storage.store import Store, open_store
from teleglas.tape import MINUTE_MS
from teleglas.track_record import NOTHING, TrackRecord, track_record
from tests.frames import START_MS, Feed, agg_trade, engine, force_order, restarted
from tests.outcomes.house import NOON, House
from ws_alert.alert_engine import AlertEngine
from ws_alert.engine_memory import EngineMemory
from ws_alert.messages import Action, Kind, RecordKind, Tier
from ws_alert.outcomes.minute_prices import SETTLED_MS
from ws_alert.records import AlertRecord, KindRecord, Records, Step
from ws_alert.rules import Rules
from ws_alert.sources.replay import replay

SECOND = 1_000


def right(hits, n):
    """Return so many right calls of so many."""
    return track_record([(1.0, 0.5)] * hits + [(-1.0, 0.5)] * (n - hits))


def hunt(feed, at):
    """Flush 2.1 million of longs within a second, then absorb it: 50, one side 15, volume 10, absorption 25."""
    for each in range(7):
        feed.binance(at + each, force_order(START_MS + at + each, 300_000))
    feed.binance(at + 5 * SECOND, agg_trade(START_MS + at + 5 * SECOND, 9_000 + at, 150_000))
    feed.rest()
    return [v for v in feed.verdicts if v.kind is Kind.STOP_HUNT and v.action is Action.SEND][-1]


def told(feed, at, records):
    """Feed a record."""
    feed.note(at, RecordKind.TRACK_RECORD, msgspec.json.encode(records))


@pytest.mark.parametrize(
    ("hits", "n", "points"), [(22, 30, 10), (21, 30, 0), (29, 29, 0), (71, 100, 10), (70, 100, 0)]
)
def test_a_measured_record_adds_ten(hits, n, points):
    """More than seven of ten, over at least thirty."""
    feed = Feed()
    told(feed, 0, Records({"stop_hunt": KindRecord({}, right(hits, n))}))
    assert [part.points for part in hunt(feed, SECOND).alert.score_parts] == [
        50,
        10,
        15,
        25,
        *([points] if points else []),
    ]


def test_only_the_kinds_own_record_counts():
    """Another kind's does not help it."""
    feed = Feed()
    told(feed, 0, Records({"order_flow": KindRecord({}, right(40, 40))}))
    assert [part.points for part in hunt(feed, SECOND).alert.score_parts] == [50, 10, 15, 25]


def test_a_record_lets_a_small_flow_be_found():
    """50, one side 15, record 10: above 70 below the first step of volume."""
    found = []
    for hits in (28, 20):
        machine = AlertEngine(Rules(require_confirmation=()), {}, ["1"])
        machine.receive(
            RecordKind.TRACK_RECORD,
            "",
            msgspec.json.encode(Records({"order_flow": KindRecord({}, right(hits, 30))})),
            NOON,
        )
        coin = Instrument("binance", "BTCUSDT", "BTC")
        for each in range(4):
            machine.file_trade(coin, NOON + each * SECOND, TakerSide.BUY, 100.0, "400000")
        machine.advance(NOON + 10 * SECOND)
        found.append(
            [v.score for v in machine.drain() if v.kind is Kind.ORDER_FLOW and v.action is Action.SEND]
        )
    assert found == [[75.0], []]


def test_an_alert_tells_the_record_of_its_kind_and_direction():
    """And the calibrated share for its strength."""
    ways = {"long": right(5, 12), "short": right(9, 9)}
    curve = (Step(0.0, 0.4, 4, 10), Step(99.0, 0.6, 18, 30))
    known = Records({"stop_hunt": KindRecord(ways, right(20, 40), curve)})
    feed = Feed()
    told(feed, 0, known)
    alert = hunt(feed, SECOND).alert
    assert alert.strength == 99
    assert (alert.record.way, alert.record.right) == (right(5, 12), right(20, 40))
    assert (alert.record.score_v2.share, alert.record.score_v2.hits, alert.record.score_v2.n) == (0.6, 18, 30)
    assert alert.tier is Tier.URGENT


def test_without_a_record_nothing_is_added():
    """A replay of files has none."""
    assert hunt(Feed(), SECOND).alert.record == AlertRecord(NOTHING, NOTHING)


def test_a_restart_remembers_the_record():
    """Also when the input lies before the windows that are refilled, and memories of older versions have none."""
    feed = Feed()
    told(feed, 0, Records({"stop_hunt": KindRecord({}, right(30, 40))}))
    feed.binance(2_000_000, agg_trade(START_MS + 2_000_000, 1, 500.0))
    again = restarted(feed, len(feed.records), engine())
    fresh = engine()
    assert again.memory() == feed.engine.memory()
    assert msgspec.json.decode(again.memory(), type=EngineMemory).records.kinds["stop_hunt"].right.hits == 30
    old = msgspec.json.decode(fresh.memory())
    del old["records"]
    fresh.restore(msgspec.json.encode(old))
    assert msgspec.json.decode(fresh.memory(), type=EngineMemory).records == Records()


def test_a_newer_record_replaces_the_older_one_and_a_damaged_one_is_refused():
    """What cannot be read leaves what is known."""
    feed = Feed()
    told(feed, 0, Records({"stop_hunt": KindRecord({}, right(30, 30))}))
    feed.note(1, RecordKind.TRACK_RECORD, b'{"kinds": 7}')
    assert hunt(feed, SECOND).alert.record.right.n == 30
    told(feed, 3_000_000, Records())
    assert hunt(feed, 3_001_000).alert.record.right == NOTHING


async def test_the_record_comes_back_into_the_next_alert_and_into_its_replay(tmp_path):
    """Told at the start, told again when an outcome is known; a replay of the journal decides the same bytes."""
    house = House(tmp_path)
    async with house.process() as process:
        await process.look(0)
        assert process.records == [Records()]
        await process.trades(0, MINUTE_MS, 100.0)
        process.storm(MINUTE_MS)
        await process.commit()
        await process.trades(70 * SECOND, 16 * MINUTE_MS, 99.0)
        await process.look(16 * MINUTE_MS + SETTLED_MS)
        assert len(process.records) == 2
        storms = process.records[-1].kinds["liquidation_storm"]
        assert (storms.ways["long"].n, storms.ways["long"].median, storms.right.hits) == (
            1,
            pytest.approx(-1.0),
            1,
        )
        process.storm(18 * MINUTE_MS)
        sent = [
            v
            for v in process.pipeline._decided
            if v.action is Action.SEND and v.kind is Kind.LIQUIDATION_STORM
        ]
        assert sent[-1].alert.record.way == storms.ways["long"]
        await process.commit()
    async with house.process() as again:
        await again.look(19 * MINUTE_MS)
        await again.commit()
        assert again.records == [process.records[-1]]
    out = tmp_path / "out.jsonl"
    replay(journals=[tmp_path / "journal"], liquidations=[], trades=[], out=out, findings=None, rules=None)
    store = open_store(house.url)
    committed = [msgspec.json.decode(body) for body in Store.verdicts(store)]
    store.close()
    replayed = [msgspec.json.decode(line) for line in out.read_text().splitlines()]
    assert [(v["action"], v["kind"], v["event_ms"]) for v in replayed] == [
        (v["action"], v["kind"], v["event_ms"]) for v in committed
    ]


def test_an_empty_record_is_nothing():
    """What is told of it has no figure."""
    assert TrackRecord(0, 0) == NOTHING
