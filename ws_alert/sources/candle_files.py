"""Recorded candles as files: `open_ts_ms,open,high,low,close,volume`, plain or .gz."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import Final, NamedTuple

from teleglas.errors import BadFrame, InputError
from teleglas.instruments import asset_of_symbol
from teleglas.market import Candle, Instrument, Refusal
from ws_alert.sources.tapes import open_text, places, why
from ws_alert.windows.candles import timeframe_ms

__all__ = ["COLUMNS", "CandleFile", "CandleRow", "candle_rows", "parse"]

COLUMNS: Final = ("open_ts_ms", "open", "high", "low", "close", "volume")

_CANDLES: Final = 2
"""After liquidations and trades of the same time (SEMANTICS 2)."""


class CandleFile(NamedTuple):
    """One file of one symbol and timeframe."""

    instrument: Instrument
    timeframe_ms: int
    path: Path


class CandleRow(NamedTuple):
    """One candle at the moment when it closed; compares like `TapeRow`."""

    ts_ms: int
    kind: int
    argument: int
    line: int
    instrument: Instrument
    candle: Candle


def parse(argument: str) -> CandleFile:
    """Read `BTCUSDT:1m=FILE`. Raises ValueError with what is wrong."""
    series, equals, path = argument.partition("=")
    symbol, colon, timeframe = series.rpartition(":")
    if not (equals and colon and symbol and path):
        raise ValueError(f"{argument!r} is not SYMBOL:TIMEFRAME=FILE, e.g. BTCUSDT:1m=candles.csv")
    try:
        asset, scale = asset_of_symbol(symbol)
    except BadFrame as bad:
        raise ValueError(f"{symbol!r} is not a symbol quoted in USD") from bad
    instrument = Instrument(venue="", symbol=symbol, asset=asset, scale=scale)
    return CandleFile(instrument, timeframe_ms(timeframe), Path(path))


def candle_rows(
    files: Sequence[CandleFile],
    refuse: Callable[[Refusal, str], None],
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[CandleRow]:
    """Return the candles of all files in the order in which they closed.

    A row without a usable number is counted by `refuse` and stays a hole. Raises
    InputError for a file that is missing, has other columns, or breaks off.
    """
    return merge(*(_read(number, file, refuse, progress) for number, file in enumerate(files)))


def _read(
    number: int, file: CandleFile, refuse: Callable[[Refusal, str], None], progress: Callable[[int], None]
) -> Iterator[CandleRow]:
    line = told = 0
    found: list[int] = []
    try:
        with file.path.open("rb") as raw, open_text(raw, file.path) as text:
            for line, cells in enumerate(csv.reader(text), start=1):
                if line == 1:
                    found = places(file.path, cells, COLUMNS)
                    continue
                if line % 20_000 == 0:
                    progress(raw.tell() - told)
                    told = raw.tell()
                row = _row(number, line, file, [cells[place] for place in found], refuse)
                if row is not None:
                    yield row
    except IndexError as error:
        raise InputError(str(file.path), line, f"fewer than {len(COLUMNS)} columns") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(file.path), line + 1, why(error)) from error
    if line == 0:
        raise InputError(str(file.path), 1, "the file is empty")


def _row(
    number: int, line: int, file: CandleFile, cells: list[str], refuse: Callable[[Refusal, str], None]
) -> CandleRow | None:
    try:
        open_ms = int(cells[0])
    except ValueError as error:
        raise InputError(str(file.path), line, str(error)[:120]) from error
    try:
        prices = [float(cell) for cell in cells[1:]]
    except ValueError:
        refuse(Refusal.BAD_NUMBER, f"{file.path.name}, line {line}: {','.join(cells)[:120]}")
        return None
    candle = Candle(open_ms, file.timeframe_ms, *prices)
    return CandleRow(candle.close_ms, _CANDLES, number, line, file.instrument, candle)
