"""How often something may be done: connects per venue, frames per connection, delays of reconnects."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

from teleglas.venues.dialogue import Pace

__all__ = ["Turnstile", "reconnect_delays"]

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0


class Turnstile:
    """Lets `count` through in any `per_s` seconds; the rest is told how long to wait."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._turns: deque[float] = deque(maxlen=pace.count)

    def turn(self, now: float) -> float:
        """Take the next turn and return the seconds until it; the caller waits so long, then acts."""
        at = now
        if len(self._turns) == self._pace.count:
            at = max(now, self._turns[0] + self._pace.per_s)
        self._turns.append(at)
        return at - now


def reconnect_delays(rng: random.Random) -> Iterator[float]:
    """Yield seconds to wait before each further try: exponential from 1 to 60 s, with jitter.

    The first delay is spread over its whole range, so that a venue's restart is not met by
    everybody at once. The later ones are spread over the upper half of theirs: with full
    jitter an unlucky draw would break the promise of at most 10 connects in the first minute
    against a server that accepts and closes, and 2 per minute after it.
    """
    yield rng.uniform(0, FIRST_DELAY_S)
    ceiling = 2 * FIRST_DELAY_S
    while True:
        yield rng.uniform(ceiling / 2, ceiling)
        ceiling = min(2 * ceiling, LONGEST_DELAY_S)
