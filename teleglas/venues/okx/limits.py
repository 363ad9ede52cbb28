"""Limits of OKX v5's public streams.

Source: www.okx.com/docs-v5, "WebSocket", "Connect" and "Connection count limit".
"""

from __future__ import annotations

from typing import Final

from teleglas.venues.dialogue import Pace

__all__ = [
    "CONNECTS",
    "FRAMES_IN",
    "PING_EVERY_S",
    "PONG_WITHIN_S",
    "SUBSCRIBES_PER_HOUR",
    "TOPICS_PER_CONNECTION",
    "TOPICS_PER_FRAME",
]

CONNECTS: Final = Pace(3, 1.0)
"""3 new connections per second and address."""

SUBSCRIBES_PER_HOUR: Final = 480
"""Per connection. Whether a frame or an arg counts is not said, so we stay below by args."""

TOPICS_PER_CONNECTION: Final = 100
TOPICS_PER_FRAME: Final = 20
"""All args of a connection may be 64 KB; 100 of ours are 6 KB."""

FRAMES_IN: Final = Pace(3, 1.0)

PING_EVERY_S: Final = 20.0
"""The server cuts after 30 s without data; protocol pings do not count."""

PONG_WITHIN_S: Final = 10.0
