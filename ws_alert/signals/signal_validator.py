"""The last look at a finding before the policy: what cannot be true is not told.

Duplicates, the hourly cap and the tier floor belong to the policy alone.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from ws_alert.messages import Finding, Kind

__all__ = ["DIRECTIONS", "STALE_MS", "fault"]

STALE_MS: Final = 60_000
"""Nothing that streams is judged when it is older (SEMANTICS 3)."""

_POLLED_STALE_MS: Final = 600_000
"""Open interest and funding are polled, and some venues tell when they last counted."""

_SIDES = frozenset({"long", "short"})
_TAKERS = frozenset({"buy", "sell"})
_MOODS = frozenset({"bullish", "bearish", "neutral"})
_NEUTRAL = frozenset({"neutral"})

DIRECTIONS: Final = {
    Kind.LARGE_LIQUIDATION: _SIDES,
    Kind.LIQUIDATION_STORM: _SIDES,
    Kind.STOP_HUNT: _SIDES,
    Kind.MARKET_CASCADE: _SIDES,
    Kind.FUNDING_EXTREME: _SIDES,
    Kind.WHALE_TRADE: _TAKERS,
    Kind.WHALE_CLUSTER: _TAKERS,
    Kind.ORDER_FLOW: _TAKERS,
    Kind.WHALE_ACCUMULATION_WINDOW: _TAKERS,
    Kind.GLOBAL_RADAR: _MOODS,
    Kind.CANDLE_CONFLUENCE: _MOODS,
    Kind.VOLUME_SPIKE: _NEUTRAL,
    Kind.OI_DIVERGENCE: _NEUTRAL,
}
"""Which directions a kind can have (SEMANTICS 10)."""

_WITHOUT_USD = frozenset({Kind.CANDLE_CONFLUENCE, Kind.FUNDING_EXTREME})
_POLLED = frozenset({Kind.FUNDING_EXTREME, Kind.OI_DIVERGENCE, Kind.CANDLE_CONFLUENCE})


def fault(finding: Finding, now_ms: int) -> str:
    """Return in one word what is wrong with a finding, an empty text if nothing is."""
    limit = _POLLED_STALE_MS if finding.kind in _POLLED else STALE_MS
    score = 0.0 if finding.score is None else finding.score
    wrong = {
        "asset": not finding.asset,
        "direction": finding.direction not in DIRECTIONS[finding.kind],
        "count": finding.count < 1,
        "usd": finding.usd < 0 or (finding.usd == 0 and finding.kind not in _WITHOUT_USD),
        "venues": any(usd < 0 for _, usd in finding.venues),
        "score": not (isfinite(score) and 0 <= score <= 100),
        "future": finding.event_ms > now_ms,
        "stale": now_ms - finding.event_ms > limit,
    }
    return next((name for name, is_wrong in wrong.items() if is_wrong), "")
