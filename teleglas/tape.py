"""The rows of our own market tape: what the alert bot records and the command bot reads. Pure.

Amounts are integer cents, times Unix ms UTC.
"""

from __future__ import annotations

import msgspec

__all__ = ["LIQUIDATION", "MINUTE_MS", "ORDER", "Bar", "Batch", "Event", "FeedMinute", "PriceMinute"]

LIQUIDATION, ORDER = "liquidation", "order"
"""Kinds of the tape: forced orders by liquidated POSITION (`long`, `short`), large taker orders (`buy`, `sell`)."""

MINUTE_MS = 60_000


class Bar(msgspec.Struct, frozen=True):
    """All events of a minute, an asset, a venue, a kind and a side so far."""

    minute_ms: int
    asset: str
    venue: str
    kind: str
    side: str
    usd: int
    count: int


class Event(msgspec.Struct, frozen=True):
    """One notable event. nth: how many of the same content came before it. price: 0.0 if unknown."""

    event_ms: int
    asset: str
    venue: str
    symbol: str
    kind: str
    side: str
    usd: int
    price: float
    nth: int = 0


class FeedMinute(msgspec.Struct, frozen=True):
    """How many ms of a minute a venue's family of streams was complete."""

    minute_ms: int
    venue: str
    family: str
    live_ms: int


class PriceMinute(msgspec.Struct, frozen=True):
    """What one coin of an asset cost within a minute, over all venues; there is none where no price was seen."""

    minute_ms: int
    asset: str
    low: float
    high: float
    last: float


class Batch(msgspec.Struct, frozen=True):
    """What is written together."""

    bars: tuple[Bar, ...] = ()
    events: tuple[Event, ...] = ()
    minutes: tuple[FeedMinute, ...] = ()
