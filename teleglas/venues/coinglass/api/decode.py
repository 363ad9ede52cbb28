"""From a body's `data` to rows: bad rows are skipped and counted, an unknown shape is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from teleglas.venues.coinglass.api.values import WINDOWS, canonical_exchange, decode_value

__all__ = ["Board", "Decoded", "Reader", "ShapeError", "board", "convert", "each", "history", "one", "rows", "window_map"]

T = TypeVar("T")
Row = TypeVar("Row", bound=msgspec.Struct)
Data = Any
"""What JSON can hold."""

_LARGEST = 200_000
"""Rows; the longest real list, all pairs of all exchanges, is far below."""


class ShapeError(ValueError):
    """`data` is not of the documented shape."""


class Decoded(msgspec.Struct, Generic[T], frozen=True):
    """skipped: rows that were no rows; the value holds the others."""

    value: T
    skipped: int = 0


Reader = Callable[[Data], Decoded[T]]
"""Reads `data`; None stands for an absent one. Raises ShapeError."""


class Board(msgspec.Struct, Generic[Row], frozen=True):
    """A list by exchange. total: the service's own row `All`, which is the sum: never add it."""

    venues: list[Row]
    total: Row | None = None


def convert(row_type: type[Row], data: Data) -> Row:
    """Return one typed row. Raises ValueError (msgspec's included) for anything else."""
    return msgspec.convert(data, row_type, dec_hook=decode_value)


def each(data: Data, make: Callable[[Any], T]) -> Decoded[list[T]]:
    """Make a value of each item of a list; absent or null data is an empty list.

    Raises ShapeError if data is no list, or if it has items and none of them is good.
    """
    if data is None:
        return Decoded([])
    if not isinstance(data, list) or len(data) > _LARGEST:
        raise ShapeError(f"a list was expected, not {type(data).__name__}")
    made: list[T] = []
    why = ""
    for item in data:
        try:
            made.append(make(item))
        except (ValueError, TypeError, LookupError) as error:
            why = str(error)[:120]
    if data and not made:
        raise ShapeError(f"no row is as documented: {why}")
    return Decoded(made, len(data) - len(made))


def rows(
    row_type: type[Row],
    *,
    strip: Iterable[str] = (),
    windows: Mapping[str, tuple[str, ...]] | None = None,
) -> Reader[list[Row]]:
    """Return a reader of a list of rows.

    strip: prefixes to cut from the keys, e.g. `aggregated_`. windows: field -> prefixes of the
    keys that end in a length of time, collected into one mapping (see `window_map`).
    """
    prefixes, collected = tuple(strip), windows or {}
    return lambda data: each(data, lambda item: convert(row_type, _prepared(item, prefixes, collected)))


def history(row_type: type[Row], *, strip: Iterable[str] = ()) -> Reader[list[Row]]:
    """Return a reader of rows with a `time_ms`, oldest first."""
    read = rows(row_type, strip=strip)

    def ordered(data: Data) -> Decoded[list[Row]]:
        found = read(data)
        found.value.sort(key=lambda row: row.time_ms)  # type: ignore[attr-defined]
        return found

    return ordered


def one(row_type: type[Row], *, windows: Mapping[str, tuple[str, ...]] | None = None) -> Reader[Row | None]:
    """Return a reader of a lone object; None where there is no data (absent, null, empty)."""
    collected = windows or {}

    def read(data: Data) -> Decoded[Row | None]:
        if not data:
            return Decoded(None)
        try:
            return Decoded(convert(row_type, _prepared(data, (), collected)))
        except (ValueError, TypeError, LookupError) as error:
            raise ShapeError(str(error)[:160]) from None

    return read


def board(read: Reader[list[Row]]) -> Reader[Board[Row]]:
    """Return a reader that parts the row `All` from the exchanges' rows."""

    def parted(data: Data) -> Decoded[Board[Row]]:
        found = read(data)
        totals = [row for row in found.value if _is_total(row)]
        venues = [row for row in found.value if not _is_total(row)]
        return Decoded(Board(venues, totals[0] if totals else None), found.skipped)

    return parted


def window_map(item: Mapping[str, Any], prefixes: tuple[str, ...]) -> dict[str, Any]:
    """Return length of time -> value of the keys `<prefix><length>`; earlier prefixes win."""
    found: dict[str, Any] = {}
    for prefix in prefixes:
        for window in WINDOWS:
            if window not in found and prefix + window in item:
                found[window] = item[prefix + window]
    return found


def _is_total(row: msgspec.Struct) -> bool:
    return canonical_exchange(row.exchange) == "All"  # type: ignore[attr-defined]


def _prepared(item: Data, prefixes: tuple[str, ...], windows: Mapping[str, tuple[str, ...]]) -> Data:
    if not isinstance(item, dict):
        raise ShapeError(f"a row was expected, not {type(item).__name__}")
    if prefixes:
        item = {_stripped(key, prefixes): value for key, value in item.items()}
    for field, names in windows.items():
        found = window_map(item, names)
        if found:
            item = item | {field: found}
    return item


def _stripped(key: str, prefixes: tuple[str, ...]) -> str:
    for prefix in prefixes:
        if key.startswith(prefix):
            return key[len(prefix) :]
    return key
