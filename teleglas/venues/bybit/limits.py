"""Limits of Bybit v5's public linear streams.

Source: bybit-exchange.github.io/docs/v5/ws/connect (checked 2026-07).
"""

from __future__ import annotations

from typing import Final

from teleglas.venues.dialogue import Pace

__all__ = [
    "ARGS_CHARS_PER_CONNECTION",
    "CONNECTS",
    "FRAMES_IN",
    "PING_EVERY_S",
    "PONG_WITHIN_S",
    "TOPICS_PER_CONNECTION",
    "TOPICS_PER_FRAME",
]

ARGS_CHARS_PER_CONNECTION: Final = 21_000
"""The args of one connection together, as JSON."""

TOPICS_PER_CONNECTION: Final = 200
"""Ours, for trades: one reader's share of a crash second stays small."""

TOPICS_PER_FRAME: Final = 10
"""One bad topic fails its whole frame, so frames are small (pybit and nautilus do the same)."""

FRAMES_IN: Final = Pace(20, 1.0)
"""Not published; 800 symbols are subscribed in 4 s."""

CONNECTS: Final = Pace(250, 300.0)
"""500 new connections per 5 minutes and domain; half leaves room for other programs."""

PING_EVERY_S: Final = 20.0
"""The documented period."""

PONG_WITHIN_S: Final = 10.0
