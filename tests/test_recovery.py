"""A start after a kill decides exactly what the killed process would have decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from ws_alert.alert_engine import AlertEngine
from ws_alert.alert_runner import main
from ws_alert.detectors.liquidation_storm_detector import LiquidationStormDetector
from ws_alert.messages import Frame, RecordKind, Verdict
from ws_alert.pipeline import Pipeline
from ws_alert.recovery import Recovered, known_tables, recover
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalWriter
from ws_alert.sources.journal_header import Context
from ws_alert.sources.replay import replay
from ws_alert.sources.replay_lines import verdict_line

START_MS = 1_700_000_000_000


class Machine:
    """A folder and a clock that outlive the processes on them."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = START_MS
        self.journal, self._database = folder / "journal", f"sqlite:///{folder}/alert.db"
        self._folder = folder

    async def live(self, frames: Sequence[Frame], *, killed: bool, together: bool = False) -> None:
        """Start a process and let it decide on each frame, a second apart; a killed one commits nothing of it.

        together: all frames come at the same moment.
        """
        store = StoreThread(open_store(self._database))
        tables = known_tables(self.journal)
        rules = Rules()
        pipeline = Pipeline(
            inbox=Inbox(), engine=AlertEngine(rules, decoders(tables), ["1"]), store=store, tables=tables,
            clock=lambda: self.now_ms, tell_admin=_nobody,
        )  # fmt: skip
        journal = JournalWriter(
            self.journal,
            header=lambda: pipeline.header(rules, simulated=False),
            committed=await pipeline.load(),
        )
        try:
            await pipeline.recover(journal, self.journal)
            for batch in [list(frames)] if together else [[frame] for frame in frames]:
                self.now_ms += 1000
                pipeline._decide(batch)
            if not killed:
                await pipeline._commit()
        finally:
            journal.close()
            await store.close()

    def committed(self) -> list[str]:
        """Return what the database says was decided."""
        store = open_store(self._database)
        try:
            return [verdict_line(msgspec.json.decode(body, type=Verdict)) for body in Store.verdicts(store)]
        finally:
            store.close()

    def replayed(self, *, broken: int = 0) -> list[str]:
        """Return what an uninterrupted replay of the whole journal decides, with so many records left out."""
        out = self._folder / "out.jsonl"
        done = replay(journals=[self.journal], liquidations=[], trades=[], out=out, findings=None, rules=None)
        assert done.broken == broken
        return out.read_text().splitlines()


async def _nobody(_text: str) -> None:
    return


def forced(at_ms: int, usd: int, symbol: str = "BTCUSDT") -> Frame:
    """Return a forced order of a long as Binance sends it."""
    row = {
        "s": symbol,
        "S": "SELL",
        "q": str(usd),
        "p": "1",
        "ap": "1",
        "l": "1",
        "z": str(usd),
        "T": at_ms,
    }
    data = {"e": "forceOrder", "E": at_ms, "o": row}
    return Frame(
        RecordKind.FRAME, "binance", json.dumps({"stream": "!forceOrder@arr", "data": data}).encode()
    )


def tick() -> Frame:
    """Return an input that is only the time."""
    return Frame(RecordKind.TICK, "", b"")


@pytest.fixture
def machine(tmp_path):
    """Return a machine on which nothing ever ran."""
    return Machine(tmp_path)


async def test_killed_before_the_first_commit(machine):
    """What the very first process journalled but never committed is decided by the next one."""
    await machine.live([forced(START_MS, 700_000)], killed=True)
    assert machine.committed() == []
    await machine.live([tick(), tick(), tick()], killed=False)
    decided = machine.committed()
    assert [json.loads(line)["action"] for line in decided] == ["hold", "send"]
    assert decided == machine.replayed()


@pytest.mark.parametrize("pieces", [(1, 1, 1, 1, 1, 1), (2, 3, 1), (3, 3), (5, 1)])
@pytest.mark.parametrize("killed", [True, False])
async def test_restarts_change_no_decision(machine, pieces, killed):
    """However a storm is cut into lives, killed or ended well, the verdicts are those of one life."""
    at = START_MS
    frames = [
        forced(at, 1_200_000),
        forced(at + 900, 1_300_000),
        tick(),
        tick(),
        forced(at + 4_000, 9_000_000),
        tick(),
    ]
    for size in pieces:
        life, frames = frames[:size], frames[size:]
        await machine.live(life, killed=killed)
        machine.now_ms += 700
    await machine.live([tick()], killed=False)
    assert machine.committed() == machine.replayed()
    assert '"grew"' in "".join(machine.committed())


@pytest.mark.parametrize("written", [0, 5, 200])
async def test_killed_while_a_segment_began(machine, written):
    """A last segment without a whole header does not keep the next process from starting."""
    await machine.live([forced(START_MS, 700_000)], killed=False)
    whole = next(machine.journal.glob("*.journal"))
    torn = machine.journal / f"{2:016d}-{machine.now_ms + 5:013d}.journal"
    torn.write_bytes(whole.read_bytes()[:written])
    await machine.live([tick(), tick(), tick()], killed=False)
    assert [json.loads(line)["action"] for line in machine.committed()] == ["hold", "send"]
    assert machine.committed() == machine.replayed()


@pytest.fixture
def mistaken(monkeypatch):
    """Make the storms' detector raise at what an order of $123,456 has brought into the window."""
    whole = LiquidationStormDetector.detect

    def detect(self, events, side, event_ms):
        if any(row.usd == 123_456_00 for row in events.liquidations[side].inside()):
            raise ZeroDivisionError("a mistake")
        return whole(self, events, side, event_ms)

    monkeypatch.setattr(LiquidationStormDetector, "detect", detect)


@pytest.mark.usefixtures("mistaken")
async def test_a_record_that_breaks_a_detector_costs_one_start_and_nothing_else(machine, monkeypatch, capsys):
    """A mistake of ours ends the process once; the next start and a replay leave it out and decide all others."""
    with pytest.raises(ZeroDivisionError):
        await machine.live([forced(START_MS, 700_000), forced(START_MS + 1_500, 123_456)], killed=True)
    machine.now_ms += 40_000
    later = forced(machine.now_ms, 900_000)
    with capture_logs() as said:
        await machine.live([tick(), later, tick(), tick(), tick()], killed=False)
    assert [(each["event"], each["record"]) for each in said if each["log_level"] == "error"] == [("record_left_out", 2)]
    decided = [json.loads(line) for line in machine.committed()]
    assert [(each["action"], each["usd"]) for each in decided] == [
        ("hold", 700_000.0), ("send", 700_000.0), ("hold", 900_000.0), ("drop", 900_000.0)
    ]  # fmt: skip
    assert machine.committed() == machine.replayed(broken=1)
    monkeypatch.chdir(machine.journal.parent)
    assert main(["replay", "journal", "--out", "out.jsonl"]) == 0
    told = "left out: 1 records that break the engine; the first is number 2 (ZeroDivisionError: a mistake)"
    assert told in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("mistaken")
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_what_came_together_with_a_record_that_breaks_a_detector_is_decided(machine, place):
    """Of frames with one stamp the broken one alone is left out, whether a start or a replay reads them."""
    frames = [forced(START_MS, 700_000), forced(START_MS, 800_000)]
    # of another coin, whose window alone the mistake spoils
    frames.insert(place, forced(START_MS, 123_456, symbol="DOGEUSDT"))
    with pytest.raises(ZeroDivisionError):
        await machine.live(frames, killed=True, together=True)
    await machine.live([tick(), tick(), tick()], killed=False)
    decided = [json.loads(line) for line in machine.committed()]
    assert [(each["action"], each["asset"], each["usd"]) for each in decided] == [
        ("hold", "BTC", 700_000.0), ("fold", "BTC", 800_000.0), ("send", "BTC", 700_000.0)
    ]  # fmt: skip
    assert machine.committed() == machine.replayed(broken=1)


@pytest.mark.usefixtures("mistaken")
async def test_of_many_records_that_break_a_detector_the_first_are_told_and_all_counted(machine):
    """A mistake that each record brings to light must not fill the memory with its traces."""
    coins = [forced(START_MS, 123_456, symbol=f"C{number}USDT") for number in range(25)]
    with pytest.raises(ZeroDivisionError):
        await machine.live(coins, killed=True, together=True)
    with capture_logs() as said:
        await machine.live([tick()], killed=False)
    told = [(each["record"], each["left_out"]) for each in said if each["event"] == "record_left_out"]
    assert told == [(number, 25) for number in range(1, 11)]


def test_a_start_counts_what_it_reads_and_a_replay_says_how_long_it_was(tmp_path):
    """Up to the committed position records only refill windows; those after it are decided on, in however many segments they lie."""
    rules, frames = Rules(), [forced(START_MS + number * 1000, 100_000) for number in range(8)]
    life = AlertEngine(rules, decoders({}), ["1"])
    context = Context("1.2.3", msgspec.Raw(rules.model_dump_json().encode()), {})
    with JournalWriter(
        tmp_path, header=lambda: msgspec.json.encode(context), max_segment_bytes=1_000
    ) as journal:
        for number, frame in enumerate(frames):
            at_ms = START_MS + number * 1000
            journal.append(frame.kind, frame.source, at_ms, frame.payload)
            journal.write()
            if number < 5:
                life.receive(frame.kind, frame.source, frame.payload, at_ms)
    memory = life.memory()
    for known, wanted in ((memory, (5, 3)), (None, (8, 0))):
        fresh = AlertEngine(rules, decoders({}), ["1"])
        assert recover(fresh, tmp_path, known, 5) == Recovered(*wanted, 0, {}, 0)
    out = tmp_path / "out.jsonl"
    done = replay(journals=[tmp_path], liquidations=[], trades=[], out=out, findings=None, rules=None)
    assert (done.inputs, done.span_ms) == (8, 7_000)
