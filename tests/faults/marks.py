"""Which stages a process has entered and left, in memory that survives its death."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["AIMS", "MARKS", "Marks", "stages_open"]

AIMS: Final = ("before_commit", "before_http", "before_confirm")
"""The stages in which a kill must have fallen."""

MARKS: Final = ("before_commit", "committed", "before_http", "before_confirm", "settled")
"""What `ws_alert.process.run` passes, each counted."""

_COUNTS: Final = struct.Struct(f"={len(MARKS)}Q")


class Marks:
    """Counts how often each of MARKS was passed, in a file that both processes map."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_COUNTS.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _COUNTS.size)

    def clear(self) -> None:
        """Start at zero."""
        _COUNTS.pack_into(self._memory, 0, *([0] * len(MARKS)))

    def add(self, mark: str) -> int:
        """Count one passing and return which it is, from 1."""
        counts = list(_COUNTS.unpack_from(self._memory))
        place = MARKS.index(mark)
        counts[place] += 1
        _COUNTS.pack_into(self._memory, 0, *counts)
        return counts[place]

    def read(self) -> dict[str, int]:
        """Return the counts."""
        return dict(zip(MARKS, _COUNTS.unpack_from(self._memory), strict=True))


def stages_open(passed: Mapping[str, int]) -> dict[str, int]:
    """Return how many commits and deliveries were in each stage when a process died."""
    return {
        "before_commit": passed["before_commit"] - passed["committed"],
        "before_http": passed["before_http"] - passed["before_confirm"],
        "before_confirm": passed["before_confirm"] - passed["settled"],
    }
