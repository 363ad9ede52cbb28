"""Who may ask, and how fast. Pure: the time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

__all__ = ["EVERYONE", "Access", "Pace"]

EVERYONE = "*"
"""The word in ALLOWED_USERS that opens the bot to all."""

_MOST_PEOPLE = 10_000


class Access:
    """allowed: ids of people and chats, or `EVERYONE`; empty for everyone. The admin may always ask."""

    def __init__(self, allowed: Collection[str], admin: int | None) -> None:
        self._everyone = not allowed or EVERYONE in allowed
        self._ids = {int(each) for each in allowed if each != EVERYONE}
        self._admin = admin

    def permits(self, user_id: int | None, chat_id: int | None) -> bool:
        """Return whether to answer; a chat on the list speaks for all who are in it."""
        if self._everyone:
            return True
        if self._admin is not None and self._admin in (user_id, chat_id):
            return True
        return user_id in self._ids or chat_id in self._ids


class Pace:
    """A bucket of questions for each person, refilled evenly. Times are seconds that never go back."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._left: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def take(self, who: int, now_s: float) -> float:
        """Take one question; return 0, or the seconds to wait until one may be taken."""
        left, then = self._left.pop(who, (self._burst, now_s))
        left = min(self._burst, left + (now_s - then) * self._rate)
        allowed = left >= 1
        self._left[who] = (left - 1 if allowed else left, now_s)
        while len(self._left) > _MOST_PEOPLE:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate
