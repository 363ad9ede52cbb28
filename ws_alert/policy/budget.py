"""At most so many alerts an hour to one target; what overflows becomes one digest, never silence."""

from __future__ import annotations

import msgspec

from ws_alert.messages import DigestLine

__all__ = ["HOUR_MS", "Budget"]

HOUR_MS = 3_600_000


class Budget(msgspec.Struct):
    """Release times of the last hour, and what waits for the digest.

    limit 0 switches the budget off (replay).
    """

    limit: int
    sent_ms: list[int] = []
    overflow: list[DigestLine] = []

    def has_room(self, now_ms: int) -> bool:
        """Return whether another message may go out now."""
        while self.sent_ms and self.sent_ms[0] <= now_ms - HOUR_MS:
            self.sent_ms.pop(0)
        return not self.limit or len(self.sent_ms) < self.limit

    def spend(self, now_ms: int) -> None:
        """Count a message that goes out."""
        if self.limit:
            self.sent_ms.append(now_ms)

    def due_ms(self) -> int | None:
        """Return when the digest may go out, None if nothing overflowed."""
        return self.sent_ms[0] + HOUR_MS if self.overflow else None
