"""When to tell the admin that something broke or works again, though it may flap. Pure."""

from __future__ import annotations

__all__ = ["BETWEEN_MS", "StateNotice"]

BETWEEN_MS = 300_000
"""Least time between two notices of one thing: of what changes in between only the last state is told."""


class StateNotice:
    """Knows which state was told last and when. It works at first, which nobody is told."""

    def __init__(self) -> None:
        self._told_broken = False
        self._told_ms: int | None = None

    def is_due(self, *, broken: bool, now_ms: int) -> bool:
        """Take the state as it is now; return whether it is to be told now, which then counts as done."""
        if broken is self._told_broken:
            return False
        if self._told_ms is not None and now_ms - self._told_ms < BETWEEN_MS:
            return False
        self._told_broken, self._told_ms = broken, now_ms
        return True
