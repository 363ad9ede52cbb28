"""What waits, in order of (due time, name); a deadline whose reason moved or went away follows it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

__all__ = ["Deadlines", "key_of", "named"]


class Deadlines:
    """A heap of names. `due` says when a name is really due now, None if nothing waits for it any more.

    attention_ms: nothing is due before it; whoever looked may set it later again.
    """

    def __init__(self, due: Callable[[str], int | None]) -> None:
        self.attention_ms = 0
        self._due = due
        self._heap: list[tuple[int, str]] = []
        self._names: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Whether a name waits."""
        return name in self._names

    def schedule(self, due_ms: int, name: str) -> None:
        """Let a name wait until then; no effect while it waits already."""
        if name not in self._names:
            self._names.add(name)
            heappush(self._heap, (due_ms, name))
            self.attention_ms = min(self.attention_ms, due_ms)

    def next_ms(self) -> int | None:
        """Return when the first one is due, None if nothing waits."""
        heap = self._heap
        while heap:
            due, name = heap[0]
            real = self._due(name)
            if real == due:
                return due
            # what it waits for went on, or is gone: its deadline moved after it was scheduled
            heappop(heap)
            if real is None:
                self._names.discard(name)
            else:
                heappush(heap, (real, name))
        return None

    def pop(self) -> str:
        """Take out the first one."""
        _, name = heappop(self._heap)
        self._names.discard(name)
        return name

    def first_ms(self, otherwise: int) -> int:
        """Return the time of the first one, without looking whether it still holds."""
        return self._heap[0][0] if self._heap else otherwise

    def starting(self, what: str) -> list[str]:
        """Return the names that wait and start so, sorted."""
        return sorted(name for name in self._names if name.startswith(what))


def named(what: str, key: tuple[str, str, str]) -> str:
    """Return the name of what waits for (kind, asset, direction)."""
    return "\n".join((what, *key))


def key_of(name: str) -> tuple[str, str, str]:
    """Return (kind, asset, direction) of a name."""
    _, kind, asset, direction = name.split("\n")
    return kind, asset, direction
