"""Tells a healthy connection from one that is merely connected. Pure: time by argument.

Venues acknowledge subscriptions that never deliver, and half-open sockets look fine for
minutes. So health is a canary that ticks and pongs that return; silence of the liquidations
themselves is normal and never counts.
"""

from __future__ import annotations

__all__ = ["SILENT_AFTER_S", "Watchdog"]

SILENT_AFTER_S = 10.0
"""A canary (BTC trades of a large venue) is never quiet so long; found and said within 15 s."""

ACKNOWLEDGE_WITHIN_S = 10.0


class Watchdog:
    """The clocks of one connection, in seconds of a monotonic clock.

    last_bytes: anything at all from the server. last_pong: an answer to our ping.
    last_canary: market data, the canary's included. last_event: data that was delivered.
    """

    def __init__(self, now: float, *, pong_within_s: float, silent_after_s: float = SILENT_AFTER_S) -> None:
        self._silent_after = silent_after_s
        self._pong_within = pong_within_s
        self._unanswered: float | None = None
        self._unacknowledged: float | None = None
        self._blocked = False
        self.last_bytes = now
        self.last_pong = now
        self.last_canary = now
        self.last_event: float | None = None
        self.first_data: float | None = None

    def heard(self, now: float) -> None:
        """Note that something came over the wire."""
        self.last_bytes = now

    def data(self, now: float) -> None:
        """Note market data."""
        self.last_canary = now
        if self.first_data is None:
            self.first_data = now

    def delivered(self, now: float) -> None:
        """Note market data that went on to the engine."""
        self.last_event = now

    def pinged(self, now: float) -> None:
        """Note a ping of ours; only the oldest unanswered one counts."""
        if self._unanswered is None:
            self._unanswered = now

    def ponged(self, now: float) -> None:
        """Note the answer to our ping."""
        self.last_pong = now
        self._unanswered = None

    def subscribing(self, now: float) -> None:
        """Note a subscribe frame: its acknowledgement is due from now on."""
        self._unacknowledged = now

    def acknowledged(self) -> None:
        """Note that everything we asked for is acknowledged."""
        self._unacknowledged = None

    def blocked(self) -> None:
        """Note that our own engine takes no frames: the server is not to blame."""
        self._blocked = True

    def unblocked(self, now: float) -> None:
        """Start every clock anew: the engine takes frames again."""
        self._blocked = False
        self.last_bytes = self.last_canary = now
        if self._unanswered is not None:
            self._unanswered = now
        if self._unacknowledged is not None:
            self._unacknowledged = now

    def healthy_s(self) -> float:
        """Return for how many seconds data flowed."""
        return 0.0 if self.first_data is None else self.last_canary - self.first_data

    def trouble(self, now: float) -> str | None:
        """Return why this connection must be given up, None while it is healthy."""
        if self._blocked:
            return None
        if now - self.last_canary > self._silent_after:
            heard = now - self.last_bytes
            how = "nothing at all" if heard > self._silent_after else "no market data"
            return f"silent: {how} for {now - self.last_canary:.0f} s"
        if self._unanswered is not None and now - self._unanswered > self._pong_within:
            return f"no pong within {self._pong_within:.0f} s"
        if self._unacknowledged is not None and now - self._unacknowledged > ACKNOWLEDGE_WITHIN_S:
            return f"subscription not acknowledged within {ACKNOWLEDGE_WITHIN_S:.0f} s"
        return None
