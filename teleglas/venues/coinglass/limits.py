"""Limits of CoinGlass's stream. Only the 20 s ping is documented (docs.coinglass.com, WebSocket)."""

from __future__ import annotations

from typing import Final

from teleglas.venues.dialogue import Pace

__all__ = [
    "CHANNELS_PER_CONNECTION",
    "CHANNELS_PER_FRAME",
    "CONNECTS",
    "FRAMES_IN",
    "PING_EVERY_S",
    "PONG_WITHIN_S",
]

CHANNELS_PER_CONNECTION: Final = 200
CHANNELS_PER_FRAME: Final = 20
FRAMES_IN: Final = Pace(10, 1.0)
CONNECTS: Final = Pace(10, 60.0)
"""Not published: chosen small, because a key that annoys the service may be closed."""

PING_EVERY_S: Final = 20.0
PONG_WITHIN_S: Final = 10.0
