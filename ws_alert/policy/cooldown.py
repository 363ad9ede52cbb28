"""What one target was told last of each (kind, asset, direction), and what that allows now."""

from __future__ import annotations

import msgspec

from teleglas.money import exact_decimal
from ws_alert.messages import ConfluenceFacts, Finding

__all__ = ["REPEATS_KEPT_MS", "Told", "grew", "is_cooling", "is_repeat"]

REPEATS_KEPT_MS = 1_800_000
"""How long the last entry of a confluence is remembered (SPEC 6)."""


class Told(msgspec.Struct):
    """The last message of one (kind, asset, direction) to one target.

    event_ms: the deciding event's time, from which the cooldown runs. usd, count: what the
    message said when it was sent; edits do not count as told. own: it has a message of its
    own, which can be edited; else it was a line in another's or waits in a digest.
    cools: it started a cooldown (a folded line does not). told_ms: when it was released.
    refused: its target refused it for good, so it counts as not told; a later message of
    the same episode takes the next step all the same, since its id must be its own.
    entry: of a candle confluence, else 0.
    """

    alert_id: str
    episode_ms: int
    event_ms: int
    usd: int
    count: int
    step: int
    told_ms: int
    own: bool = True
    cools: bool = True
    refused: bool = False
    revision: int = 0
    edited_ms: int = 0
    edited_usd: int = 0
    entry: float = 0.0


def is_cooling(told: Told | None, now_ms: int, cooldown_ms: int) -> bool:
    """Return whether the cooldown still runs; it is free again at exactly its duration."""
    return told is not None and told.cools and now_ms - told.event_ms < cooldown_ms


def grew(told: Told | None, finding: Finding, *, cooling: bool) -> bool:
    """Return whether this is at least twice what was told in its episode or within its cooldown."""
    if told is None or not told.usd or finding.usd < 2 * told.usd:
        return False
    return cooling or (finding.window_ms > 0 and told.episode_ms == finding.episode_ms)


def is_repeat(told: Told | None, finding: Finding, *, within_ms: int, percent: float) -> bool:
    """Return whether a confluence was told too short ago at too near a price (SEMANTICS 14).

    Blocked less than `within_ms` after the last one of its type and timeframe, while the
    price has moved by `percent` of that entry or less.
    """
    if told is None or not told.entry or not isinstance(finding.facts, ConfluenceFacts):
        return False
    entry, last = exact_decimal(finding.facts.entry), exact_decimal(told.entry)
    near = abs(entry - last) * 100 <= last * exact_decimal(percent) if percent else entry == last
    return near and finding.event_ms - told.event_ms < within_ms
