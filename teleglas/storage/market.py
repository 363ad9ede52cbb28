"""A span of the market out of the database, piece by piece.

Many small reads instead of a large one: alerts wait for the same thread.
"""

from __future__ import annotations

from teleglas.market_view import Found, MarketRows
from teleglas.storage import history, tape
from teleglas.storage.thread import StoreThread
from teleglas.tape import LIQUIDATION, Bar, Event, FeedMinute

__all__ = ["FAMILY", "market_rows"]

FAMILY = "liquidations"
"""The feeds whose coverage counts."""

_HOUR_MS = 3_600_000
_UNSETTLED_MS = 30_000
"""A minute is recorded in the end within two beats of the alert process."""


async def market_rows(
    store: StoreThread, from_ms: int, to_ms: int, bucket_ms: int, *, now_ms: int
) -> MarketRows:
    """Return what is known of from_ms <= time < to_ms; from_ms is the start of a minute.

    Raises StoreUnavailable.
    """
    bars: list[Bar] = []
    singles: list[Event] = []
    found: list[Found] = []
    minutes: list[FeedMinute] = []
    for at in range(from_ms, to_ms, bucket_ms):
        end = min(to_ms, at + bucket_ms)
        bars += await store.run_at_home(tape.bars, LIQUIDATION, at, end)
        minutes += await store.run_at_home(tape.minutes, FAMILY, at, end)
        found += await store.run_at_home(history.found, at, end)
        single = await store.run_at_home(tape.largest, LIQUIDATION, at, end)
        singles += [single] if single is not None else []
    # How the episodes ended that were open at the end of the span.
    found += await store.run_at_home(history.found, to_ms, to_ms + _HOUR_MS)
    return MarketRows(
        from_ms=from_ms,
        to_ms=to_ms,
        bucket_ms=bucket_ms,
        settled_ms=now_ms - _UNSETTLED_MS,
        bars=tuple(bars),
        largest=max(singles, key=lambda each: (each.usd, -each.event_ms), default=None),
        found=tuple(found),
        minutes=tuple(minutes),
    )
