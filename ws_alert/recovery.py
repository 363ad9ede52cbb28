"""Start-up is crash recovery: warm the windows, restore the memory, decide on from the position (SEMANTICS 22)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from teleglas.errors import BadFrame, InputError
from teleglas.instrument_table import decode as decode_instruments
from teleglas.market import Instrument
from ws_alert.alert_engine import WARM_UP_MS, AlertEngine
from ws_alert.messages import FeedNotice, FeedState, Frame, JournalRecord, RecordBatch, RecordKind
from ws_alert.sources.journal import JournalReader
from ws_alert.sources.journal_files import list_segments
from ws_alert.sources.journal_header import SegmentHeader

__all__ = ["Tables", "is_readable", "known_tables", "recover", "stopped_feeds"]

Tables = dict[str, tuple[Instrument, ...]]
"""Contracts by venue, as a journal header carries them."""

_TOLD = 10


class Recovered(NamedTuple):
    """warmed: records that refilled the windows. decided: records decided on again, uncommitted before.

    left_out: records at which the engine raised; broken: what it raised at the first of them, by number of the
    record. unknown: records of a newer version.
    """

    warmed: int
    decided: int
    left_out: int
    broken: dict[int, Exception]
    unknown: int


def known_tables(folder: Path) -> Tables:
    """Return the contracts that the decoders knew at the end of the journal; empty without one."""
    tables: Tables = {}
    for item in _last_segment(folder):
        if isinstance(item, SegmentHeader):
            tables = _tables_of(item)
        elif item.kind == RecordKind.INSTRUMENTS:
            with contextlib.suppress(BadFrame):
                tables[item.source] = tuple(decode_instruments(item.payload).values())
    return tables


def _tables_of(header: SegmentHeader) -> Tables:
    try:
        return dict(header.decode_context().instruments)
    except msgspec.MsgspecError:
        return {}  # another version wrote it; the venues' own lists come soon


def recover(engine: AlertEngine, folder: Path, memory: bytes | None, position: int) -> Recovered:
    """Bring an engine to where the journal ends; its verdicts since `position` wait to be drained.

    Without a memory (first start, or a lost database) nothing before the journal's end is
    decided on: that news is old.
    """
    warmed = decided = 0
    left_out = _LeftOut()
    reader = JournalReader(folder)
    engine.warming = True
    if memory is None:
        for batch in _batches(reader, since_ms=_last_ms(folder) - WARM_UP_MS):
            engine.receive_again(batch, left_out.note)
            warmed += len(batch)
        engine.warming = False
        return Recovered(warmed, 0, left_out.count, left_out.broken, reader.unknown)
    started = engine.time_of(memory) - WARM_UP_MS
    for batch in _batches(reader, since_ms=started):
        known, new = batch.split(position - batch.first + 1)
        engine.receive_again(known, left_out.note)
        warmed += len(known)
        if new and not decided:
            engine.warming = False
            engine.restore(memory)
        engine.receive_again(new, left_out.note)
        decided += len(new)
    if not decided:
        engine.warming = False
        engine.restore(memory)
    return Recovered(warmed, decided, left_out.count, left_out.broken, reader.unknown)


class _LeftOut:
    """Counts records at which the engine raised. A defect may raise at every record, and few are enough to find it."""

    def __init__(self) -> None:
        self.count = 0
        self.broken: dict[int, Exception] = {}

    def note(self, sequence: int, error: Exception) -> None:
        self.count += 1
        if len(self.broken) < _TOLD:
            self.broken[sequence] = error


def is_readable(memory: bytes) -> bool:
    """Return whether this version understands what an earlier process remembered."""
    try:
        AlertEngine.time_of(memory)
    except msgspec.MsgspecError:
        return False
    return True


def stopped_feeds(engine: AlertEngine, last_ms: int) -> list[Frame]:
    """Return notices that no feed was read since the last record: while this program was not running."""
    frames = []
    for key, spans in sorted(engine.health.spans.items()):
        if spans[-1].state is FeedState.DOWN:
            continue
        venue, _, family = key.partition("/")
        notice = FeedNotice(
            venue, family, FeedState.DOWN, last_ms, "TELEGLAS was not running", complete=False
        )
        frames.append(Frame(RecordKind.NOTICE, venue, msgspec.json.encode(notice)))
    return frames


def _batches(reader: JournalReader, *, since_ms: int) -> Iterator[RecordBatch]:
    return (item for item in reader.batches(since_ms=since_ms) if isinstance(item, RecordBatch))


def _last_segment(folder: Path) -> Iterator[SegmentHeader | JournalRecord]:
    for segment in reversed(list_segments(folder) if folder.is_dir() else []):
        try:
            return JournalReader(segment.path).read()
        except InputError:
            continue  # a kill left it without a whole header; the writer will put it aside
    return iter(())


def _last_ms(folder: Path) -> int:
    last = 0
    for item in _last_segment(folder):
        last = item.first_received_ms if isinstance(item, SegmentHeader) else item.received_ms
    return last
