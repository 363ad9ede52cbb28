"""Which errors are worth a mail to the administrator: each cause once an hour. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

__all__ = ["HOUR_MS", "Causes", "key_of"]

HOUR_MS = 3_600_000
_MOST = 1_000


def key_of(cause: str) -> str:
    """Return the name under which it is remembered that a cause was told."""
    return f"admin:{hashlib.sha256(cause.encode()).hexdigest()[:16]}"


class Causes:
    """Remembers what was told, and how often it came up since. Times are Unix ms.

    told: key -> until when it is not told again, as an earlier process left it.
    """

    def __init__(self, told: Mapping[str, int]) -> None:
        self._until = {key: until_ms for key, until_ms in told.items() if key.startswith("admin:")}
        self._left_out: dict[str, int] = {}

    def due(self, cause: str, now_ms: int) -> int | None:
        """Return None if this cause was told within the hour, else how often it was left out since."""
        key = key_of(cause)
        if self._until.get(key, now_ms) > now_ms:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            return None
        if len(self._until) >= _MOST:
            self._until = {key: until_ms for key, until_ms in self._until.items() if until_ms > now_ms}
            self._left_out = {key: n for key, n in self._left_out.items() if key in self._until}
            if len(self._until) >= _MOST:
                return None
        self._until[key] = now_ms + HOUR_MS
        return self._left_out.pop(key, 0)
