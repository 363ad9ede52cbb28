"""Made-up candles: a seeded walk with waves and bursts of volume, so that confluences happen."""

from __future__ import annotations

import random
from math import sin
from pathlib import Path

from teleglas.market import Candle

__all__ = ["DAY", "MINUTE", "walk", "write"]

MINUTE = 60_000
DAY = 1_795_219_200_000
"""2026-11-21 00:00 UTC."""


def walk(count: int, *, seed: int = 1, start_ms: int = DAY, length_ms: int = MINUTE) -> list[Candle]:
    """Return candles of a price around 97,000."""
    rng = random.Random(seed)  # noqa: S311 - made-up data, no secret
    close, found = 97_000.0, []
    for index in range(count):
        opened = close
        close = round(opened + 14 * sin(index / 11) + rng.gauss(0, 16), 1)
        high = round(max(opened, close) + rng.random() * 9, 1)
        low = round(min(opened, close) - rng.random() * 9, 1)
        volume = round(20 + 60 * rng.random() ** 3 + (rng.random() < 0.25) * 80, 3)
        found.append(Candle(start_ms + index * length_ms, length_ms, opened, high, low, close, volume))
    return found


def write(path: Path, candles: list[Candle]) -> Path:
    """Write candles as a file that the replay reads."""
    lines = ["open_ts_ms,open,high,low,close,volume"]
    lines += [f"{c.open_ms},{c.open!r},{c.high!r},{c.low!r},{c.close!r},{c.volume!r}" for c in candles]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
