"""One client's conversation with a venue: what it asked for and what it is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Close", "Dialogue", "Refused", "Say"]


@dataclass(frozen=True, slots=True)
class Close:
    """The server ends the connection with this code (RFC 6455) and reason."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not open the connection: an HTTP status and a body instead."""

    status: int
    body: str


Say = dict[str, Any] | str | Close
"""A JSON message, a bare text, or the end."""


class Dialogue(Protocol):
    """A connection's state.

    channels: what it receives now (keys of `Push`). wrapped: each message comes as
    `{"stream": channel, "data": message}`. idle_ms: silence of the client after which the server cuts; 0
    for never. refusals: how many requests were refused.
    """

    channels: set[str]
    wrapped: bool
    idle_ms: int
    refusals: int

    def heard(self, text: str, now_ms: int) -> list[Say]:
        """Take a message of the client; `now_ms` is time since the simulation's start. Return the answers."""
