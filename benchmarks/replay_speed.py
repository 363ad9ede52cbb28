"""How long the replay of a day takes: a journal of three venues' frames, decided again.

    python benchmarks/replay_speed.py [--frames 1000000] [--rounds 3]

The journal is written by the program's own writer, frame by frame as at the typical mean
load: Binance, Bybit and OKX by the shares below. Replayed plain and packed with zstd
(as all but the newest segment are), in turn with the limit: the CRC of each record and bare msgspec decode of
the same fields, and nothing else. Goal (SPEC 10): a day in less than 60 s; the mean
rate that a day may have for that is printed. reference: Binance's mean is 150 to 250 aggTrades/s,
Bybit and OKX together as many trades again (an estimate, no public total exists); a frame of Bybit's holds two, as in
the recorded ones.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path
from zlib import crc32

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hot_path  # noqa: F401,I001 - before anything that it compiles

import bare
import frames
import venue_frames

from teleglas import __version__
from ws_alert.messages import Frame, RecordKind
from ws_alert.rules import Rules
from ws_alert.sources.journal import JournalWriter
from ws_alert.sources.journal_header import Context
from ws_alert.sources.replay import replay

_DAY_S = 86_400
_WITHIN_S = 60
_MEAN = 400
"""Trades/s: the middle of the reference's estimate."""
_TRADES = 1.25
"""Trades (or liquidations) a frame: one, and two of the quarter that is Bybit's."""
_RATE = round(_MEAN / _TRADES)


def write(folder: Path, count: int, *, max_segment_bytes: int) -> int:
    """Write the journal; return its bytes."""
    context = Context(__version__, msgspec.Raw(Rules().model_dump_json().encode()), venue_frames.tables())
    header = msgspec.json.encode(context)
    with JournalWriter(folder, header=lambda: header, max_segment_bytes=max_segment_bytes) as journal:
        for stamp, batch in groupby(venue_frames.stream(count, rate=_RATE), key=lambda row: row[0]):
            journal.extend([Frame(RecordKind.FRAME, source, payload) for _, source, payload in batch], stamp)
            journal.write()
    return sum(path.stat().st_size for path in folder.glob("*.journal*"))


def _decide_again(journal: Path, count: int) -> tuple[float, float]:
    """Return seconds and CPU seconds of a replay."""
    started, cpu = time.perf_counter(), time.process_time()
    out = journal.parent / "decisions"
    summary = replay(journals=[journal], liquidations=[], trades=[], out=out, findings=None, rules=None)
    spent = time.perf_counter() - started, time.process_time() - cpu
    assert summary.inputs == count
    assert not summary.refused
    return spent


def _limit(records: list[tuple[str, bytes]]) -> tuple[float, float]:
    """Return seconds and CPU seconds of what no replay can do without."""
    decode, started, cpu = bare.VENUES, time.perf_counter(), time.process_time()
    for venue, payload in records:
        crc32(payload)
        decode[venue](payload)
    return time.perf_counter() - started, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    count = chosen.frames
    sizes, spent = dict[str, str](), {"limit": [], "plain": [], "packed": []}
    records = [(venue, payload) for _, venue, payload in venue_frames.stream(count, rate=_RATE)]
    with tempfile.TemporaryDirectory() as name:
        folders = {"plain": Path(name) / "plain", "packed": Path(name) / "packed"}
        for what, segment in (("plain", 1 << 40), ("packed", 32 << 20)):
            sizes[what] = f"{write(folders[what], count, max_segment_bytes=segment) / 1e6:.0f} MB"
        for _ in range(chosen.rounds):
            spent["limit"].append(_limit(records))
            for what, folder in folders.items():
                spent[what].append(_decide_again(folder, count))
    seconds = count / _RATE
    print(
        f"journal: {count:,} frames of three venues ({frames.origin()}), {_RATE} frames or {_MEAN} trades a second:"
        f" {seconds / 60:.0f} min"
    )
    for what, rounds in spent.items():
        wall, cpu = (statistics.median(each[place] for each in rounds) for place in (0, 1))
        print(
            f"{what:6} {sizes.get(what, ''):>6}: {count / wall:9,.0f} frames/s ({count / cpu:9,.0f} per CPU second),"
            f" {seconds / wall:5,.0f} x real time; a day {wall * _DAY_S / seconds:4.0f} s;"
            f" a day in {_WITHIN_S} s up to {count * _TRADES / wall * _WITHIN_S / _DAY_S:4.0f} trades/s"
        )
        if what == "limit":
            continue
        ratios = sorted(a[1] / b[1] for a, b in zip(spent["limit"], rounds, strict=True))
        print(f"       {statistics.median(ratios):.2f} of the limit (rounds {ratios[0]:.2f}..{ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
