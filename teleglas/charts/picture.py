"""What a chart shows, as plain values: complete, picklable, and without matplotlib."""

from __future__ import annotations

import msgspec

__all__ = ["Picture"]


class Picture(msgspec.Struct, frozen=True):
    """Everything that one square chart draws; times are Unix ms UTC, amounts cents, prices USD of one coin.

    title, subtitle, sources, footer: finished text. price: rows (open_ms, low, high, close) of
    `bucket_ms` each, ascending, without rows where nothing traded. bars: rows (open_ms,
    up_cents, down_cents). up, down: what the bars above and below zero are (`shorts`,
    `longs` or `buys`, `sells`). from_ms..to_ms: the span of the time axis.
    shade_from_ms..shade_to_ms: the window that fired. callout: said beside the shaded
    bars, above zero if `callout_up`. simulated: marks the picture as not of a real market.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    from_ms: int
    to_ms: int
    bucket_ms: int
    price: tuple[tuple[int, float, float, float], ...]
    bars: tuple[tuple[int, int, int], ...]
    up: str
    down: str
    shade_from_ms: int
    shade_to_ms: int
    callout: str
    callout_up: bool
    simulated: bool = False
