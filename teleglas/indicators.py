"""Indicators of a list of closes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["rsi"]


def rsi(closes: Sequence[float], length: int = 14) -> float | None:
    """Return Wilder's relative strength index (0..100) of closed candles, oldest first.

    Seeded with the simple mean of the first `length` changes; 100 without losses, 0 without
    gains, 50 without either. None if there are fewer than `length` changes.
    """
    if length < 1 or len(closes) <= length:
        return None
    changes = [after - before for before, after in pairwise(closes)]
    gain = sum(max(change, 0.0) for change in changes[:length]) / length
    loss = sum(max(-change, 0.0) for change in changes[:length]) / length
    for change in changes[length:]:
        gain = (gain * (length - 1) + max(change, 0.0)) / length
        loss = (loss * (length - 1) + max(-change, 0.0)) / length
    if loss == 0.0:
        return 50.0 if gain == 0.0 else 100.0
    return 100.0 - 100.0 / (1.0 + gain / loss)
