"""Telegram's flood limits, sharp: no burst above them passes.

Source of the figures: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from __future__ import annotations

import math
from collections import deque

from simulator.bot_api.errors import ApiError

__all__ = ["FloodLimits"]

_OVERALL = (30, 1.0)
_PRIVATE = (1, 1.0)
_GROUP = (20, 60.0)


class FloodLimits:
    """Counts what was accepted in sliding windows; `now` is any monotonic clock in seconds."""

    def __init__(self) -> None:
        self._accepted: dict[tuple[str, int], deque[float]] = {}

    def admit(self, bot: int, chat: int, *, private: bool, edit: bool, now: float) -> None:
        """Count one message or edit to `chat` by `bot`.

        An edit counts in the group's and the overall window, not in a private chat's.
        Raises ApiError 429 with `retry_after` when a window is full; a refused request does not count.
        """
        windows = [(("bot", bot), _OVERALL)]
        if not private:
            windows.append((("group", chat), _GROUP))
        elif not edit:
            windows.append((("private", chat), _PRIVATE))
        wait = max(self._wait(key, limit, now) for key, limit in windows)
        if wait > 0:
            seconds = math.ceil(wait)
            raise ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        for key, _ in windows:
            self._accepted[key].append(now)

    def _wait(self, key: tuple[str, int], limit: tuple[int, float], now: float) -> float:
        most, seconds = limit
        seen = self._accepted.setdefault(key, deque())
        while seen and seen[0] <= now - seconds:
            seen.popleft()
        return seen[0] + seconds - now if len(seen) >= most else 0.0
