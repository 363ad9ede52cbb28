"""Recorded funding and open interest as files, plain or .gz, merged by time.

| what | columns |
|---|---|
| funding | `ts_ms,exchange,symbol,rate`, and `interval_h` where it is known |
| open interest | `ts_ms,exchange,symbol,oi_usd` |

`venue` stands for exchange, `coin` for symbol, `funding_rate` for rate as well. A file without
an exchange is named with its venue: `binance=FILE`. A rate is a fraction per its interval,
positive where longs pay; open interest is single-sided, in USD. Rows may stand in any order of time:
a file is read whole before its first row is judged.
"""

from __future__ import annotations

import csv
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path
from typing import Any, Final, NamedTuple

from teleglas.errors import BadFrame, InputError
from teleglas.instruments import asset_of_symbol
from teleglas.market import Instrument, Refusal
from teleglas.money import cents
from teleglas.venues.interest_rows import at_least_zero
from ws_alert.sources.tapes import open_text, why

__all__ = ["InterestFile", "InterestFiles", "InterestRow", "RateRow", "parse"]

_FUNDING, _INTEREST = 3, 4
"""After liquidations, trades and candles of the same time (SEMANTICS 2)."""

_HOUR_MS: Final = 3_600_000
_LONGEST_H: Final = 24
_LATEST_MS: Final = 10**14
_OTHER_NAMES: Final = {"exchange": "venue", "symbol": "coin", "rate": "funding_rate"}
_OPTIONAL: Final = "interval_h"

_Refuse = Callable[[Refusal, str], None]


class InterestFile(NamedTuple):
    """One file. venue: of all its rows, empty where a column tells it."""

    venue: str
    path: Path


class RateRow(NamedTuple):
    """One funding rate; compares like `TapeRow`. every_ms: how far the rates of its contract are apart."""

    ts_ms: int
    kind: int
    argument: int
    line: int
    instrument: Instrument
    rate: float
    interval_h: float
    every_ms: int


class InterestRow(NamedTuple):
    """One open interest, in cents; compares like `TapeRow`."""

    ts_ms: int
    kind: int
    argument: int
    line: int
    instrument: Instrument
    usd_cents: int


def parse(argument: str) -> InterestFile:
    """Read `FILE` or `VENUE=FILE`."""
    venue, equals, path = argument.partition("=")
    if equals and venue and path and not Path(argument).exists():
        return InterestFile(venue, Path(path))
    return InterestFile("", Path(argument))


class InterestFiles:
    """Reads the files of one replay.

    refuse counts rows that no market can have produced, and rates whose interval is not
    known: they are never judged. progress is told how many bytes more of a file were read.
    """

    def __init__(
        self,
        funding: Sequence[InterestFile],
        interest: Sequence[InterestFile],
        refuse: _Refuse,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._funding = list(enumerate(funding))
        self._interest = list(enumerate(interest))
        self._refuse = refuse
        self._progress = progress
        self._instruments: dict[tuple[str, str], Instrument | None] = {}

    def rows(self) -> Iterator[RateRow | InterestRow]:
        """Return the rows of all files in the order of their time; of one time, by file and line.

        Raises InputError for a file that is missing, lacks a column, or breaks off.
        """
        rates: list[Iterator[RateRow | InterestRow]] = [self._rates(n, file) for n, file in self._funding]
        interest = [self._samples(n, file) for n, file in self._interest]
        return merge(*rates, *interest, key=lambda row: row[:4])

    def _rates(self, argument: int, file: InterestFile) -> Iterator[RateRow | InterestRow]:
        last: dict[Instrument, int] = {}
        for ts_ms, line, instrument, rate, told in sorted(self._told_rates(file), key=_place):
            before = last.get(instrument)
            last[instrument] = ts_ms
            hours = told
            if hours is None:
                hours = round((ts_ms - before) / _HOUR_MS) if before is not None else math.nan
            if 0 < hours <= _LONGEST_H:
                every_ms = round(hours * _HOUR_MS)
                yield RateRow(ts_ms, _FUNDING, argument, line, instrument, rate, float(hours), every_ms)
            else:
                what = f"{file.path.name}, line {line}: {instrument.symbol}"
                self._refuse(Refusal.UNKNOWN_INTERVAL, what[:200])

    def _told_rates(self, file: InterestFile) -> Iterator[tuple[int, int, Instrument, float, float | None]]:
        """Return (time, line, contract, rate, interval): None where no column tells it, NaN for an empty cell."""
        for line, cells in self._cells(file, "rate", optional=_OPTIONAL):
            found = self._contract(file, line, cells)
            if found is None:
                continue
            rate = _number(file.path, line, cells["rate"])
            if -1 < rate < 1:  # NaN is neither
                hours = _number(file.path, line, cells[_OPTIONAL]) if _OPTIONAL in cells else None
                yield found[0], line, found[1], rate, hours
            else:
                self._refuse(Refusal.BAD_NUMBER, f"{file.path.name}, line {line}: rate {cells['rate']}"[:200])

    def _samples(self, argument: int, file: InterestFile) -> Iterator[RateRow | InterestRow]:
        for ts_ms, line, instrument, usd_cents in sorted(self._told_samples(file), key=_place):
            yield InterestRow(ts_ms, _INTEREST, argument, line, instrument, usd_cents)

    def _told_samples(self, file: InterestFile) -> Iterator[tuple[int, int, Instrument, int]]:
        for line, cells in self._cells(file, "oi_usd"):
            found = self._contract(file, line, cells)
            if found is None:
                continue
            _number(file.path, line, cells["oi_usd"])
            try:
                usd_cents = cents(at_least_zero(cells["oi_usd"] or "nan"))
            except BadFrame as error:
                self._refuse(Refusal(error.reason), f"{file.path.name}, line {line}: {error}"[:200])
                continue
            yield found[0], line, found[1], usd_cents

    def _cells(
        self, file: InterestFile, value: str, optional: str = ""
    ) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Return (line, cells by column)."""
        path, line, told = file.path, 0, 0
        try:
            with path.open("rb") as raw, open_text(raw, path) as text:
                places: Mapping[str, int] = {}
                for line, cells in enumerate(csv.reader(text), start=1):
                    if line == 1:
                        places = _places(file, cells, value, optional)
                    elif cells:
                        yield line, {name: cells[place] for name, place in places.items()}
                    if line % 20_000 == 0:
                        self._progress(raw.tell() - told)
                        told = raw.tell()
        except IndexError as error:
            raise InputError(str(path), line, "fewer columns than its first line") from error
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise InputError(str(path), line + 1, why(error)) from error
        if line == 0:
            raise InputError(str(path), 1, "the file is empty")

    def _contract(
        self, file: InterestFile, line: int, cells: Mapping[str, str]
    ) -> tuple[int, Instrument] | None:
        """Return a row's time and contract; refuse it if it has none."""
        try:
            ts_ms = int(cells["ts_ms"])
        except ValueError as error:
            raise InputError(str(file.path), line, str(error)[:120]) from error
        venue, symbol = file.venue or cells["exchange"], cells["symbol"]
        if (venue, symbol) not in self._instruments:
            self._instruments[venue, symbol] = _instrument(venue, symbol)
        instrument = self._instruments[venue, symbol]
        if instrument is None:
            self._refuse(Refusal.UNKNOWN_SYMBOL, f"{file.path.name}, line {line}: {venue} {symbol}"[:200])
        elif not 0 <= ts_ms < _LATEST_MS:
            self._refuse(Refusal.BAD_NUMBER, f"{file.path.name}, line {line}: ts_ms {ts_ms}"[:200])
        else:
            return ts_ms, instrument
        return None


def _instrument(venue: str, symbol: str) -> Instrument | None:
    try:
        asset, scale = asset_of_symbol(symbol)
    except BadFrame:
        return None
    return Instrument(venue, symbol, asset, scale=scale) if venue and venue.isprintable() else None


def _places(file: InterestFile, header: Sequence[str], value: str, optional: str) -> dict[str, int]:
    """Return where each column stands. Raises InputError if one is missing, or the venue is told twice."""
    names = [name.strip().lstrip("\ufeff") for name in header]
    found = {}
    for name in ("ts_ms", "exchange", "symbol", value):
        spelled = name if name in names else _OTHER_NAMES.get(name, name)
        if names.count(spelled) > 1:
            raise InputError(str(file.path), 1, f"column {spelled} stands there twice")
        if name == "exchange" and bool(file.venue) == (spelled in names):
            raise InputError(str(file.path), 1, _about_venue(file))
        if spelled in names:
            found[name] = names.index(spelled)
        elif name != "exchange":
            raise InputError(str(file.path), 1, _about(name, names))
    if optional in names:
        found[optional] = names.index(optional)
    return found


def _about_venue(file: InterestFile) -> str:
    if file.venue:
        return f"its own column tells the venue: name the file without {file.venue}="
    return f"no column exchange: name the venue before the file, as in binance={file.path.name}"


def _about(name: str, names: Sequence[str]) -> str:
    other = f" (or {_OTHER_NAMES[name]})" if name in _OTHER_NAMES else ""
    coins = "; a column oi counts coins" if name == "oi_usd" and "oi" in names else ""
    return f"no column {name}{other}{coins}"


def _number(path: Path, line: int, cell: str) -> float:
    """Return a number, NaN for an empty cell. Raises InputError for text."""
    try:
        return float(cell) if cell.strip() else math.nan
    except ValueError as error:
        raise InputError(str(path), line, str(error)[:120]) from error


def _place(row: tuple[Any, ...]) -> tuple[int, int]:
    """Return a row's time and line: many files have one contract after the other."""
    return row[0], row[1]
