"""What was answered before: bounded, the least recently used go first. Times are monotonic seconds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

__all__ = ["Cache", "Kept", "Key"]

Key = tuple[str, tuple[tuple[str, str | int], ...]]
"""A path and its sorted parameters."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A decoded value. at_s: when it came; fetched_ms: the same as Unix ms; size: bytes of its body."""

    value: Any
    at_s: float
    fetched_ms: int
    interval: str
    size: int


class Cache:
    """At most `entries` values whose bodies are at most `size` bytes together."""

    def __init__(self, entries: int = 1000, size: int = 16 << 20) -> None:
        self._room, self._size_room = entries, size
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Kept | None:
        """Return what is kept, however old."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        """Keep a value in place of an older one; a value larger than all the room is not kept."""
        self._drop(key)
        if kept.size > self._size_room:
            return
        self._kept[key] = kept
        self.size += kept.size
        while len(self._kept) > self._room or self.size > self._size_room:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.size -= gone.size
