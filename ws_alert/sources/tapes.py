"""Recorded tapes as files: `ts_ms,exchange,symbol,side,price,qty,usd`, plain or .gz, merged by time."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple

from teleglas.errors import BadFrame, InputError
from teleglas.instruments import asset_of_symbol
from teleglas.market import Instrument, PositionSide, Refusal, TakerSide

__all__ = ["COLUMNS", "TapeRow", "Tapes", "open_text", "places", "why"]

COLUMNS = ("ts_ms", "exchange", "symbol", "side", "price", "qty", "usd")

_LIQUIDATIONS, _TRADES = 0, 1
_SIDES: tuple[dict[str, PositionSide | TakerSide], ...] = (
    {side.value: side for side in PositionSide},
    {side.value: side for side in TakerSide},
)
_MOST = 1e15
_LATEST_MS = 10**14
"""As on the venues' streams: microseconds, or one absurd row, would end the time of all others."""


class TapeRow(NamedTuple):
    """One row; compares by (time, kind, argument, line), which is the order of SEMANTICS 2.

    side: of the closed POSITION in a liquidation, of the taker in a trade. price: of one
    coin. usd: as the column says it.
    """

    ts_ms: int
    kind: int
    argument: int
    line: int
    instrument: Instrument
    side: PositionSide | TakerSide
    price: float
    usd: str

    @property
    def is_liquidation(self) -> bool:
        """Whether the row is a liquidation."""
        return self.kind == _LIQUIDATIONS


class Tapes:
    """Reads the files of one replay.

    refuse counts rows that no market can have produced; progress is told how many bytes
    more of a file were read.
    """

    def __init__(
        self,
        liquidations: Sequence[Path],
        trades: Sequence[Path],
        refuse: Callable[[Refusal, str], None],
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._files = [(_LIQUIDATIONS, n, path) for n, path in enumerate(liquidations)]
        self._files += [(_TRADES, n, path) for n, path in enumerate(trades)]
        self._refuse = refuse
        self._progress = progress
        self._instruments: dict[tuple[str, str], Instrument | None] = {}

    def rows(self) -> Iterator[TapeRow]:
        """Return the rows of all files in the order of their time.

        Raises InputError for a file that is missing, is not a tape, or breaks off.
        """
        return merge(*(self._read(kind, argument, path) for kind, argument, path in self._files))

    def _read(self, kind: int, argument: int, path: Path) -> Iterator[TapeRow]:
        line = told = 0
        try:
            with path.open("rb") as raw, open_text(raw, path) as text:
                for line, cells in enumerate(csv.reader(text), start=1):
                    if line == 1:
                        columns = itemgetter(*places(path, cells, COLUMNS))
                        continue
                    if not cells:
                        continue
                    if line % 20_000 == 0:
                        self._progress(raw.tell() - told)
                        told = raw.tell()
                    row = self._row(kind, argument, line, path, columns(cells))
                    if row is not None:
                        yield row
        except IndexError as error:
            raise InputError(str(path), line, f"fewer than {len(COLUMNS)} columns") from error
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise InputError(str(path), line + 1, why(error)) from error
        if line == 0:
            raise InputError(str(path), 1, "the file is empty")

    def _row(self, kind: int, argument: int, line: int, path: Path, cells: Sequence[str]) -> TapeRow | None:
        ts_text, exchange, symbol, side_text, price_text, _, usd = cells
        side = _SIDES[kind].get(side_text)
        try:
            ts_ms, price, amount = int(ts_text), float(price_text), float(usd)
        except ValueError as error:
            raise InputError(str(path), line, str(error)[:120]) from error
        if side is None:
            sides = " or ".join(_SIDES[kind])
            raise InputError(str(path), line, f"side {side_text[:40]!r} is neither {sides}")
        if not (0 < price < _MOST and 0 < amount < _MOST and 0 <= ts_ms < _LATEST_MS):
            what = f"ts_ms {ts_text}, price {price_text}, usd {usd}"
            self._refuse(Refusal.BAD_NUMBER, f"{path.name}, line {line}: {what}"[:200])
            return None
        instrument = self._instruments.get((exchange, symbol)) or self._instrument(exchange, symbol)
        if instrument is None:
            self._refuse(Refusal.UNKNOWN_SYMBOL, f"{path.name}, line {line}: {symbol}")
            return None
        return TapeRow(ts_ms, kind, argument, line, instrument, side, price / instrument.scale, usd)

    def _instrument(self, exchange: str, symbol: str) -> Instrument | None:
        key = (exchange, symbol)
        if key not in self._instruments:
            try:
                asset, scale = asset_of_symbol(symbol)
                self._instruments[key] = Instrument(venue=exchange, symbol=symbol, asset=asset, scale=scale)
            except BadFrame:
                self._instruments[key] = None
        return self._instruments[key]


def open_text(raw: IO[bytes], path: Path) -> io.TextIOWrapper:
    """Return a file's text, unpacked where its name ends in .gz."""
    data: IO[bytes] = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw  # type: ignore[assignment]
    return io.TextIOWrapper(data, encoding="utf-8", newline="")


def places(path: Path, header: list[str], columns: Sequence[str]) -> list[int]:
    """Return where each column stands in a file's header. Raises InputError if one is missing."""
    names = [name.strip().lstrip("\ufeff") for name in header]
    missing = [name for name in columns if name not in names]
    if missing:
        what = "a tape" if "price" in columns else "a candle file"
        raise InputError(str(path), 1, f"no column {', '.join(missing)}; {what} has {','.join(columns)}")
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise InputError(str(path), 1, f"column {', '.join(twice)} stands there twice")
    return [names.index(name) for name in columns]


def why(error: Exception) -> str:
    """Say in one line why a file cannot be read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"[:120]
