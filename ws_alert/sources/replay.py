"""Replay of journals and recorded tapes: the live engine, fed from files (SEMANTICS 2, 24-26).

It reads no clock, no `.env`, no token, no database and no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from heapq import merge
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from teleglas.errors import InputError, OutputError
from teleglas.market import Completeness, Liquidation, PositionSide, PriceKind, TakerSide
from teleglas.money import cents, exact_decimal
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import REPLAY_TARGET, JournalRecord, RecordBatch
from ws_alert.rules import Rules
from ws_alert.sources.candle_files import CandleFile, CandleRow, candle_rows
from ws_alert.sources.decoders import decoders
from ws_alert.sources.interest_files import InterestFile, InterestFiles, InterestRow, RateRow
from ws_alert.sources.journal import Damage, JournalReader
from ws_alert.sources.journal_header import SegmentHeader
from ws_alert.sources.replay_lines import phase_line, verdict_line
from ws_alert.sources.tapes import TapeRow, Tapes

__all__ = ["FileRow", "Summary", "feed", "replay"]

_WRITTEN_TOGETHER = 1000

FileRow = TapeRow | CandleRow | RateRow | InterestRow


class Summary(NamedTuple):
    """What a replay did.

    span_ms: from the first input's time to the last one's. damage: where a journal's
    segment broke off; what follows there was left out. unknown: records that only a newer version can read.
    broken: journal records at which the engine raised, left out as a start leaves them out; first_broken: the
    number of the first one and what was raised.
    """

    inputs: int
    span_ms: int
    decisions: Counter[str]
    findings: Counter[str]
    refused: Counter[str]
    funnel: Mapping[str, Counter[str]] = {}
    damage: Sequence[Damage] = ()
    unknown: int = 0
    broken: int = 0
    first_broken: tuple[int, str] | None = None


def replay(
    *,
    journals: Sequence[Path],
    liquidations: Sequence[Path],
    trades: Sequence[Path],
    candles: Sequence[CandleFile] = (),
    funding: Sequence[InterestFile] = (),
    interest: Sequence[InterestFile] = (),
    out: Path,
    findings: Path | None,
    rules: Rules | None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Decide again on everything in the files and write the decisions as lines of JSON.

    rules: None takes those of the first journal segment, so that the verdicts are the
    live ones; the defaults where there is no journal. progress is told how many bytes
    more were read. Raises InputError for an unreadable file, and OutputError for one that
    cannot be written.
    """
    reader = _reader(journals, progress)
    inputs = _read(reader) if journals else iter(())
    first = next(inputs, None)
    if journals and not isinstance(first, SegmentHeader):
        raise InputError(str(journals[0]), 1, "no intact journal segment")
    engine = _engine(first if isinstance(first, SegmentHeader) else None, rules, journals)
    tapes = Tapes(liquidations, trades, engine.intake.refuse, progress)
    levels = InterestFiles(funding, interest, engine.intake.refuse, progress)
    with ExitStack() as files:
        writer = _Writer(
            files.enter_context(_written(out)), files.enter_context(_written(findings)) if findings else None
        )
        sources: list[Iterator[FileRow]] = []
        if liquidations or trades:
            sources.append(tapes.rows())
        if candles:
            sources.append(candle_rows(candles, engine.intake.refuse, progress))
        if funding or interest:
            sources.append(levels.rows())
        rows = sources[0] if len(sources) == 1 else merge(*sources, key=lambda row: row[:4])
        records = (batch for batch in inputs if isinstance(batch, RecordBatch))
        broken = _Broken()
        if not sources:
            summary = _run_journal(engine, records, writer, broken)
        else:
            summary = _run(engine, _merged(records, rows) if journals else rows, writer, broken)
            while (due := engine.next_deadline()) is not None:
                engine.advance(due)
                writer.write(engine)
    return summary._replace(
        decisions=writer.decisions,
        findings=writer.phases,
        refused=Counter({reason.value: n for reason, n in engine.intake.refused.items()}),
        funnel=engine.scanner.funnel,
        damage=reader.damage,
        unknown=reader.unknown,
        broken=broken.count,
        first_broken=broken.first,
    )


def _reader(journals: Sequence[Path], progress: Callable[[int], None]) -> JournalReader:
    try:
        return JournalReader(*journals, progress=progress)
    except OSError as error:
        raise InputError(str(error.filename or journals[0]), 1, error.strerror or str(error)) from error


def _read(reader: JournalReader) -> Iterator[SegmentHeader | RecordBatch]:
    try:
        yield from reader.batches()
    except OSError as error:
        raise InputError(str(error.filename or "journal"), 1, error.strerror or str(error)) from error


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


class _Writer:
    def __init__(self, out: IO[str], findings: IO[str] | None) -> None:
        self.decisions: Counter[str] = Counter()
        self.phases: Counter[str] = Counter()
        self._out = out
        self._findings = findings

    def write(self, engine: AlertEngine) -> None:
        for verdict in engine.drain():
            self.decisions[verdict.action.value] += 1
            self._out.write(verdict_line(verdict) + "\n")
        if engine.phases:
            for phase in engine.phases:
                self.phases[f"{phase.kind.value} {phase.phase}"] += 1
                if self._findings is not None:
                    self._findings.write(phase_line(phase) + "\n")
            engine.phases.clear()


class _Broken:
    """Counts records at which the engine raised. The exceptions are not kept: a defect may raise at every record."""

    def __init__(self) -> None:
        self.count = 0
        self.first: tuple[int, str] | None = None

    def note(self, sequence: int, error: Exception) -> None:
        self.count += 1
        if self.first is None:
            self.first = sequence, " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _engine(header: SegmentHeader | None, rules: Rules | None, journals: Sequence[Path]) -> AlertEngine:
    if header is None:
        return AlertEngine(rules or Rules(), decoders({}), [REPLAY_TARGET], budget=False)
    try:
        context = header.decode_context()
        rules = rules or Rules.model_validate_json(bytes(context.rules))
    except (msgspec.MsgspecError, ValueError) as error:
        why = f"its settings are of another version: {error}"
        raise InputError(str(journals[0]), 1, " ".join(why.split())[:200]) from error
    return AlertEngine(
        rules,
        decoders(context.instruments),
        [REPLAY_TARGET],
        simulated=context.simulated,
        budget=False,
    )


def _merged(
    batches: Iterator[RecordBatch], rows: Iterator[FileRow]
) -> Iterator[JournalRecord | FileRow]:
    records = (record for batch in batches for record in batch.records())
    return merge(records, rows, key=_time)


def _time(item: JournalRecord | FileRow) -> int:
    return item.received_ms if isinstance(item, JournalRecord) else item.ts_ms


def _run_journal(
    engine: AlertEngine, batches: Iterator[RecordBatch], writer: _Writer, broken: _Broken
) -> Summary:
    count = first_ms = last_ms = 0
    for batch in batches:
        if not count:
            first_ms = batch.times[0]
        engine.receive_again(batch, broken.note)
        writer.write(engine)
        count += len(batch)
        last_ms = batch.times[-1]
    return Summary(count, last_ms - first_ms, Counter(), Counter(), Counter())


def _run(
    engine: AlertEngine, inputs: Iterator[JournalRecord | FileRow], writer: _Writer, broken: _Broken
) -> Summary:
    count = first_ms = 0
    item: JournalRecord | FileRow | None = None
    for item in inputs:
        if count == 0:
            first_ms = _time(item)
        count += 1
        if isinstance(item, JournalRecord):
            engine.receive_again(RecordBatch.of(item), broken.note)
        else:
            feed(engine, item)
        if count % _WRITTEN_TOGETHER == 0:
            writer.write(engine)
    writer.write(engine)
    return Summary(count, _time(item) - first_ms if item is not None else 0, Counter(), Counter(), Counter())


def feed(engine: AlertEngine, row: FileRow) -> None:
    """Give an engine one row of a file, at the row's own time."""
    if isinstance(row, TapeRow) and isinstance(row.side, TakerSide):
        engine.file_trade(row.instrument, row.ts_ms, row.side, row.price, row.usd)
        return
    if isinstance(row, CandleRow):
        engine.file_candle(row.instrument, row.candle)
        return
    if isinstance(row, RateRow):
        engine.file_funding(row.instrument, row.ts_ms, row.rate, row.interval_h, row.every_ms)
        return
    if isinstance(row, InterestRow):
        engine.file_open_interest(row.instrument, row.ts_ms, row.usd_cents)
        return
    engine.file_liquidation(
        Liquidation(
            instrument=row.instrument,
            event_ms=row.ts_ms,
            side=PositionSide(row.side),
            price=row.price,
            usd_cents=cents(exact_decimal(row.usd)),
            # a tape does not say what its price was, nor whether its recorder saw everything
            price_kind=PriceKind.ORDER,
            completeness=Completeness.SAMPLED,
        )
    )
