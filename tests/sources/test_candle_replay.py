"""Candle files in, decisions out: the same as live, the same as the journal, and readable errors."""

from __future__ import annotations

import gzip
import json

import msgspec
import pytest

from teleglas import __version__
from teleglas.errors import InputError
from teleglas.market import Instrument
from tests.made_candles import DAY, MINUTE, walk, write
from tests.venues.test_candle_rows import body, frame
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import REPLAY_TARGET, Frame, RecordKind
from ws_alert.rules import Rules
from ws_alert.sources.candle_files import parse
from ws_alert.sources.decoders import decoders
from ws_alert.sources.journal import JournalWriter
from ws_alert.sources.journal_header import Context
from ws_alert.sources.replay import Summary, replay
from ws_alert.sources.replay_lines import verdict_line

RULES = Rules.model_validate({"scanner": {"mode": "scored"}})
CANDLES = walk(900)
TABLE = {"binance": (Instrument("binance", "BTCUSDT", "BTC"),)}


def _replay(out, files=(), journals=(), rules=RULES) -> Summary:
    return replay(
        journals=journals, liquidations=(), trades=(), candles=[parse(each) for each in files], out=out,
        findings=None, rules=rules,
    )  # fmt: skip


class Live:
    """An engine on a journal: every input is appended before it is decided on."""

    def __init__(self, folder, memory: bytes | None = None) -> None:
        self.folder = folder
        self.engine = AlertEngine(RULES, decoders(TABLE), [REPLAY_TARGET], budget=False)
        if memory is not None:
            self.engine.restore(memory)
        context = Context(__version__, msgspec.Raw(RULES.model_dump_json().encode()), TABLE, False)
        self.journal = JournalWriter(folder, header=lambda: msgspec.json.encode(context))
        self.lines: list[str] = []

    def take(self, item: Frame, at_ms: int) -> None:
        """Let due timers run as the live pipeline does, then decide on the input."""
        while (due := self.engine.next_deadline()) is not None and due <= at_ms:
            self._one(Frame(RecordKind.TICK, "", b""), due)
        self._one(item, at_ms)

    def _one(self, item: Frame, at_ms: int) -> None:
        self.journal.extend([item], at_ms)
        self.journal.write()
        self.engine.receive(item.kind, item.source, item.payload, at_ms)
        self.lines += [verdict_line(verdict) for verdict in self.engine.drain()]


def _stream(live: Live, candles, delay_ms: int = 120) -> None:
    for candle in candles:
        moving = frame("binance", msgspec.structs.replace(candle, close=candle.open), closed=False)
        live.take(Frame(RecordKind.FRAME, "binance", moving), candle.close_ms - 30_000)
        closed = frame("binance", candle, closed=True)
        live.take(Frame(RecordKind.FRAME, "binance", closed), candle.close_ms + delay_ms)


def _history(live: Live, candles, at_ms: int) -> None:
    source = "binance:klines:BTCUSDT:1m"
    live.take(Frame(RecordKind.BODY, source, body("binance", candles)), at_ms)


def test_live_decides_what_its_journal_decides(tmp_path):
    """History by REST, the stream, a hole that is refilled, a restart: byte for byte."""
    live = Live(tmp_path / "journal")
    _history(live, CANDLES[:401], CANDLES[400].open_ms + 5_000)
    _stream(live, CANDLES[400:600])
    _history(live, CANDLES[590:622], CANDLES[621].open_ms + 1_500)  # 600..620 were missed
    _stream(live, CANDLES[621:700])
    live.journal.close()
    again = Live(tmp_path / "journal", live.engine.memory())
    _history(again, CANDLES[200:711], CANDLES[710].open_ms + 3_000)
    _stream(again, CANDLES[710:])
    again.take(Frame(RecordKind.TICK, "", b""), CANDLES[-1].close_ms + 10_000)
    again.journal.close()
    lines = live.lines + again.lines
    _replay(tmp_path / "out.jsonl", journals=[tmp_path / "journal"], rules=None)
    assert (tmp_path / "out.jsonl").read_text().splitlines() == lines
    sent = [json.loads(line)["event_ms"] for line in lines if '"send"' in line]
    assert len(sent) == len(set(sent)) > 5


def test_live_finds_what_the_file_gives(tmp_path):
    """The same candles as a file: the same moments, directions, levels and actions."""
    live = Live(tmp_path / "journal")
    _stream(live, CANDLES)
    live.take(Frame(RecordKind.TICK, "", b""), CANDLES[-1].close_ms + 10_000)
    live.journal.close()
    _replay(tmp_path / "out.jsonl", [f"BTCUSDT:1m={write(tmp_path / 'c.csv', CANDLES)}"])
    told = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    lived = [json.loads(line) for line in live.lines]
    for line in [*told, *lived]:
        line.pop("release_ms", None)
    assert told == lived
    assert len(told) > 10


def test_lines_have_the_figures(tmp_path):
    """The eight fields behind the usual ones; the event is the candle's close; nothing depends on packing."""
    file = write(tmp_path / "c.csv", CANDLES)
    packed = tmp_path / "c.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    _replay(tmp_path / "plain.jsonl", [f"BTCUSDT:1m={file}"])
    _replay(tmp_path / "packed.jsonl", [f"BTCUSDT:1m={packed}"])
    text = (tmp_path / "plain.jsonl").read_text()
    assert text == (tmp_path / "packed.jsonl").read_text()
    line = json.loads(text.splitlines()[0])
    assert list(line)[-8:] == ["timeframe", "entry", "stop", "target", "atr", "rsi", "vwap", "confidence"]
    assert (line["kind"], line["asset"], line["timeframe"]) == ("candle_confluence", "BTC", "1m")
    assert (line["event_ms"] - DAY) % MINUTE == 0
    closes = {candle.close_ms: candle.close for candle in CANDLES}
    assert line["entry"] == closes[line["event_ms"]]


def test_cutting_the_file_changes_no_earlier_line(tmp_path):
    """Nothing looks ahead, through the whole program."""
    _replay(tmp_path / "whole.jsonl", [f"BTCUSDT:1m={write(tmp_path / 'a.csv', CANDLES)}"])
    _replay(tmp_path / "cut.jsonl", [f"BTCUSDT:1m={write(tmp_path / 'b.csv', CANDLES[:650])}"])
    whole, cut = ((tmp_path / name).read_text() for name in ("whole.jsonl", "cut.jsonl"))
    assert cut
    assert whole.startswith(cut)


def test_rows_without_numbers_are_holes(tmp_path):
    """NaN and text are counted and skipped; the candles around them are read."""
    lines = write(tmp_path / "c.csv", CANDLES[:10]).read_text().splitlines()
    lines[3] = lines[3].rsplit(",", 2)[0] + ",nan,1"
    lines[5] = lines[5].rsplit(",", 1)[0] + ",many"
    (tmp_path / "c.csv").write_text("\n".join(lines))
    summary = _replay(tmp_path / "out.jsonl", [f"BTCUSDT:1m={tmp_path / 'c.csv'}"])
    assert summary.refused == {"bad_number": 2}
    assert summary.funnel["1m"]["missing"] == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("open_ts_ms,open,high,low,close\n1,1,1,1,1\n", "no column volume; a candle file has"),
        ("open_ts_ms,open,high,low,close,volume\nnoon,1,1,1,1,1\n", "line 2"),
        ("open_ts_ms,open,high,low,close,volume\n60000,1\n", "fewer than 6 columns"),
    ],
)
def test_what_is_no_candle_file_is_named(tmp_path, text, why):
    """One line with the file and what is wrong."""
    file = tmp_path / "c.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=r".") as raised:
        _replay(tmp_path / "out.jsonl", [f"BTCUSDT:1m={file}"])
    assert why in str(raised.value)
    assert "c.csv" in str(raised.value)


@pytest.mark.parametrize(
    "argument", ["c.csv", "BTCUSDT=c.csv", "BTCUSDT:1m", ":1m=c.csv", "ETHBTC:1m=c", "BTCUSDT:7m=c"]
)
def test_what_is_no_series_is_refused(argument):
    """SYMBOL:TIMEFRAME=FILE and nothing else."""
    with pytest.raises(ValueError, match=r"SYMBOL|quoted|divide"):
        parse(argument)
