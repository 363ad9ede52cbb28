"""What a process says of itself for the other one's `/status`. Pure. Times are Unix ms UTC."""

from __future__ import annotations

import msgspec

__all__ = ["Feed", "Heartbeat"]


class Feed(msgspec.Struct, frozen=True):
    """One family of a venue's streams; `state` since `since_ms`, `why` if it is not live."""

    venue: str
    family: str
    state: str
    since_ms: int
    why: str = ""


class Heartbeat(msgspec.Struct, frozen=True):
    """How a process is doing. at_ms: when it said so. note: what is wrong in a few words, empty if nothing.

    summary: the health line of its log. storms: (asset, liquidated side) of the storms that went on then.
    """

    at_ms: int
    started_ms: int
    version: str
    simulated: bool = False
    feeds: tuple[Feed, ...] = ()
    inputs: int = 0
    last_event_ms: int | None = None
    sent: int = 0
    note: str = ""
    summary: str = ""
    storms: tuple[tuple[str, str], ...] = ()
