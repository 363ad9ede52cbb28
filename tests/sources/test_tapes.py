"""Files of every wrong kind: refused with file, line and reason, or read as they are meant."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from teleglas.errors import InputError, OutputError
from teleglas.market import Refusal
from tests.frames import START_MS, force_order
from ws_alert.messages import RecordKind
from ws_alert.sources.journal import JournalWriter
from ws_alert.sources.replay import Summary, replay

HEADER = "ts_ms,exchange,symbol,side,price,qty,usd"
GOOD = "1700000000000,binance,BTCUSDT,long,50000,20,1000000"
LATER = "1700000001000,bybit,BTCUSDT,long,50000,20,1000000"


def replayed(path: Path, *, journal: bool = False) -> Summary:
    """Replay one tape of liquidations, or one journal."""
    files = {"journals": [path], "liquidations": []} if journal else {"journals": [], "liquidations": [path]}
    out = path.parent / "out.jsonl"
    return replay(**files, trades=[], out=out, findings=None, rules=None)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "empty"),
        (b"a,b,c\n1,2,3\n", 1, "no column ts_ms"),
        (f"{HEADER},usd\n{GOOD},5\n".encode(), 1, "usd stands there twice"),
        (f"{HEADER}\n{GOOD}\nnow,binance,BTCUSDT,long,1,1,1\n".encode(), 3, "'now'"),
        (f"{HEADER}\n1.5,binance,BTCUSDT,long,1,1,1\n".encode(), 2, "'1.5'"),
        (f"{HEADER}\n1,binance,BTCUSDT,buy,1,1,1\n".encode(), 2, "'buy'"),
        (f"{HEADER}\n1,binance,BTCUSDT,LONG,1,1,1\n".encode(), 2, "'LONG'"),
        (f"{HEADER}\n1,binance,BTCUSDT,long,cheap,1,1\n".encode(), 2, "'cheap'"),
        (f"{HEADER}\n1,binance,BTCUSDT\n".encode(), 2, "fewer than 7 columns"),
        (HEADER.encode() + b"\n\xff\xfe\n", 1, "utf-8"),
        (b"\x00\x01\x02", 1, "no column"),
    ],
)
def test_what_is_no_tape_is_refused(tmp_path, content, line, reason):
    """File, line and reason, so that a person finds the spot."""
    tape = tmp_path / "tape.csv"
    tape.write_bytes(content)
    with pytest.raises(InputError) as raised:
        replayed(tape)
    assert f"tape.csv, line {line}: " in str(raised.value)
    assert reason in str(raised.value)


@pytest.mark.parametrize("kind", ["missing", "folder", "truncated", "no gzip", "half a header"])
def test_what_cannot_be_read_is_refused(tmp_path, kind):
    """A packed tape that breaks off is no shorter tape."""
    tape = tmp_path / "tape.csv.gz"
    packed = gzip.compress("\n".join([HEADER, *[GOOD] * 5_000]).encode())
    if kind == "folder":
        tape.mkdir()
    elif kind != "missing":
        tape.write_bytes(
            {"truncated": packed[:-9], "no gzip": HEADER.encode(), "half a header": packed[:5]}[kind]
        )
    with pytest.raises(InputError, match=r"tape\.csv\.gz, line \d+: \w"):
        replayed(tape)


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\n{GOOD}\n\n\n",
        f"{HEADER}\n{GOOD}",
        f"note,{HEADER}\nx,{GOOD}\n",
        " usd , qty,price,side,symbol,exchange,ts_ms\n1000000,20,50000,long,BTCUSDT,binance,1700000000000\n",
    ],
    ids=["Windows", "empty lines", "no last newline", "another column", "another order"],
)
def test_harmless_differences_are_read(tmp_path, content):
    """What a spreadsheet does to a tape changes nothing."""
    tape = tmp_path / "tape.csv"
    tape.write_text(content, encoding="utf-8", newline="")
    assert replayed(tape).decisions == {"hold": 1, "send": 1}


@pytest.mark.parametrize(
    "row",
    [
        "1700000000000,binance,BTCUSDT,long,nan,1,1000000",
        "1700000000000,binance,BTCUSDT,long,50000,1,inf",
        "1700000000000,binance,BTCUSDT,long,50000,1,1e99",
        "1700000000000,binance,BTCUSDT,long,50000,1,-1000000",
        "1700000000000,binance,BTCUSDT,long,0,1,1000000",
        "-1,binance,BTCUSDT,long,50000,1,1000000",
        "1700000000000000000,binance,BTCUSDT,long,50000,1,1000000",
        "99999999999999999999999,binance,BTCUSDT,long,50000,1,1000000",
    ],
)
def test_an_impossible_row_is_counted_and_costs_no_other(tmp_path, row):
    """One absurd number or time changes nothing about the rows around it."""
    tape = tmp_path / "tape.csv"
    tape.write_text(f"{HEADER}\n{row}\n{LATER}\n")
    summary = replayed(tape)
    assert summary.refused == {Refusal.BAD_NUMBER.value: 1}
    assert summary.decisions == {"hold": 1, "send": 1}


def test_a_symbol_of_two_lines_is_refused(tmp_path):
    """A quoted name may hold a line end; no asset may."""
    tape = tmp_path / "tape.csv"
    tape.write_text(f'{HEADER}\n1700000000000,binance,"BTC\nXUSDT",long,50000,20,1000000\n{LATER}\n')
    summary = replayed(tape)
    assert summary.refused == {Refusal.UNKNOWN_SYMBOL.value: 1}
    assert summary.decisions == {"hold": 1, "send": 1}


def test_a_damaged_journal_is_told(tmp_path):
    """What follows the damage is left out, and the summary says so."""
    with JournalWriter(tmp_path / "journal", header=_header) as journal:
        journal.append(RecordKind.FRAME, "binance", START_MS, force_order(START_MS, 700_000))
        journal.append(RecordKind.FRAME, "binance", START_MS + 5_000, force_order(START_MS + 5_000, 700_000))
        journal.write()
    segment = next((tmp_path / "journal").glob("*.journal"))
    segment.write_bytes(segment.read_bytes()[:-3])
    summary = replayed(tmp_path / "journal", journal=True)
    assert [(path, reason) for path, _, reason in summary.damage] == [(segment, "torn")]
    assert summary.inputs == 1


@pytest.mark.parametrize(
    "context",
    [
        b'{"program":"9","rules":{"window_ms":"long"},"instruments":{}}',
        b'{"program":"9","rules":{},"instruments":[]}',
        b"{}",
    ],
)
def test_a_journal_of_another_version_is_refused(tmp_path, context):
    """Settings that this version cannot read are a reason, not a traceback."""
    with JournalWriter(tmp_path / "journal", header=lambda: context) as journal:
        journal.append(RecordKind.TICK, "", START_MS, b"")
        journal.write()
    with pytest.raises(InputError, match="of another version"):
        replayed(tmp_path / "journal", journal=True)


def test_an_output_that_cannot_be_written(tmp_path):
    """The file and the reason."""
    tape = tmp_path / "tape.csv"
    tape.write_text(f"{HEADER}\n{GOOD}\n")
    with pytest.raises(OutputError, match="nowhere"):
        replay(
            journals=[],
            liquidations=[tape],
            trades=[],
            out=tmp_path / "nowhere" / "out",
            findings=None,
            rules=None,
        )


def _header() -> bytes:
    return b'{"program":"1","rules":{},"instruments":{}}'
