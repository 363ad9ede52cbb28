"""Limits of Binance USD-M's public streams.

Source: developers.binance.com, USD-M futures, "Websocket Market Streams" and "Important
WebSocket Change Notice" (routed paths since 2026-04-23).
"""

from __future__ import annotations

from typing import Final

from teleglas.venues.dialogue import Pace

__all__ = [
    "CONNECTION_LIFE_S",
    "CONNECTS",
    "FRAMES_IN",
    "PING_EVERY_S",
    "PONG_WITHIN_S",
    "ROTATE_AFTER_S",
    "STREAMS_PER_CONNECTION",
    "STREAMS_PER_FRAME",
]

CONNECTION_LIFE_S: Final = 24 * 3600
"""The server closes every connection after 24 h."""

ROTATE_AFTER_S: Final = 23 * 3600
"""An hour before the cut, so that a failed replacement can be tried again."""

FRAMES_IN: Final = Pace(5, 1.0)
"""The server takes 10 frames/s, pongs included, and bans repeat offenders: we use half."""

STREAMS_PER_CONNECTION: Final = 200
"""The server takes 1,024; a fifth of it keeps one reader's share of a crash second small."""

STREAMS_PER_FRAME: Final = 50

CONNECTS: Final = Pace(100, 300.0)
"""300 connection attempts per 5 minutes and address; a third leaves room for other programs."""

PING_EVERY_S: Final = 20.0
"""LIST_SUBSCRIPTIONS as a probe: it also tells whether the server forgot a stream."""

PONG_WITHIN_S: Final = 10.0
