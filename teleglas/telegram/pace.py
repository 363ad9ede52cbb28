"""How fast somebody may ask. Pure: the time is an argument."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Pace"]

_MOST_PEOPLE = 10_000


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
