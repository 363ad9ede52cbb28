"""REST answers as of a venue that changed its format; the envelope stays what it was."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from simulator.faults import VenueFaults

__all__ = ["PARTS", "spoiled"]

PARTS = 3
"""Into how many parts the fields of an answer are divided for `null_rest`."""

_ENVELOPE = frozenset({"code", "msg", "data", "success", "retCode", "retMsg", "result", "list"})


def spoiled(body: Any, faults: VenueFaults) -> Any:
    """Return a body as the faults that are on leave it."""
    if faults.rename_rest:
        body = _renamed(body)
    if faults.null_rest:
        body = _nulled(body, faults.null_rest)
    if faults.retype_rest:
        body = _retyped(body)
    return body


def _renamed(value: Any) -> Any:
    """Return other names and other rows."""
    if isinstance(value, Mapping):
        return {
            name if name in _ENVELOPE else f"{name}_v9": _renamed(inner) if name in _ENVELOPE else inner
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_renamed(row) if isinstance(row, Mapping) else {"row_v9": row} for row in value]
    return value


def _nulled(value: Any, part: int) -> Any:
    """Return null for each field of a part: by its name, in a row without names by its place."""
    if isinstance(value, Mapping):
        return {
            name: _nulled(inner, part) if name in _ENVELOPE else _or_null(inner, part, str(name))
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            _nulled(row, part) if isinstance(row, Mapping | list | tuple) else _or_null(row, part, str(at))
            for at, row in enumerate(value)
        ]
    return value


def _or_null(value: Any, part: int, place: str) -> Any:
    if zlib.crc32(place.encode()) % PARTS == (part - 1) % PARTS:
        return None
    return _nulled(value, part)


def _retyped(value: Any) -> Any:
    """Return numbers as text and text of numbers as numbers."""
    if isinstance(value, Mapping):
        return {
            key: inner
            if key in _ENVELOPE and not isinstance(inner, Mapping | list | tuple)
            else _retyped(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_retyped(row) for row in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return str(value)
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
