"""What followed an alert: the price at its event, the price so many minutes later, and chance. Pure.

Prices are of one coin in USD, moves in percent, times Unix ms UTC. Everything is read off our own tape
of minutes (`teleglas.tape.PriceMinute`): what it did not see is not measured, never guessed.

**When.** A horizon ends at the full minute nearest to event + horizon, so at most 30 s beside it; its
price is the last one seen in the minute before that end. Without a price in that minute there is no move.

**What.** `move` = (price at the horizon / price at the event - 1) * 100. `rise` and `fall` are the largest moves up
and down over the whole minutes after the event, where every one of them was seen. An alert on several assets (a
market cascade) moved by the median of its assets, of which at least half must have been seen.

**Right.** `expected` says which way each kind calls; a call is right when the price moved that way, so an
unchanged price is wrong both ways.

    liquidation_storm, large_liquidation,   with the forced flow: longs closed -> down, shorts closed -> up
    market_cascade
    stop_hunt                               with the absorption: longs flushed -> up, shorts flushed -> down
    whale_trade, whale_cluster, order_flow, with the taker side: buy -> up, sell -> down
    whale_accumulation_window
    global_radar                            with its pressure: bullish -> up, bearish -> down, neutral: no call
    candle_confluence                       with its type: bullish -> up, bearish -> down
    funding_extreme                         against who pays: longs pay -> down, shorts pay -> up
    volume_spike, oi_divergence             no call, only the size of the move

**Chance.** `chance` is the any-time baseline: over every pair of minutes of the asset's tape of the last seven days (or
what there is of it) that lie a horizon apart, the share whose price rose, and the share whose price fell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

from teleglas.tape import MINUTE_MS, PriceMinute

__all__ = [
    "CHANCE_MS", "HORIZONS_MIN", "TOLD_MIN", "Chance", "Followed", "Move", "NewOutcome", "Priced", "chance", "end_ms",
    "expected", "move",
]  # fmt: skip

HORIZONS_MIN: Final = (5, 15, 60)
TOLD_MIN: Final = 15
"""The horizon that messages tell and that scores count."""

CHANCE_MS: Final = 7 * 86_400_000
_LEAST_PAIRS: Final = 60
"""With fewer pairs of minutes the any-time baseline is not known yet."""

Priced = tuple[str, float]
"""An asset, and the price of one coin of it."""

_WAYS: Final = {"buy": 1, "bullish": 1, "short": 1, "sell": -1, "bearish": -1, "long": -1}


class NewOutcome(msgspec.Struct, frozen=True):
    """An alert whose outcome is to be measured; once for each episode, however many targets heard of it.

    timeframe: of a candle confluence, else empty. strength: what its score or its size was, None where the kind
    has neither. prices: the last of the event's second; empty if none was seen in it and the minute before. simulated: of a market that is
    not real, which no real one's record counts.
    """

    kind: str
    asset: str
    direction: str
    timeframe: str
    episode_ms: int
    event_ms: int
    tier: int
    strength: float | None
    prices: tuple[Priced, ...]
    simulated: bool = False


class Chance(msgspec.Struct, frozen=True):
    """The any-time baseline of an asset and a horizon: shares of `pairs` of minutes that rose and that fell, 0..1."""

    up: float
    down: float
    pairs: int


class Move(msgspec.Struct, frozen=True):
    """What followed within a horizon, in percent; None: not measured.

    up, down: the any-time baseline when this was measured, None if it was not known.
    """

    horizon_min: int
    move: float | None = None
    rise: float | None = None
    fall: float | None = None
    up: float | None = None
    down: float | None = None


class Followed(msgspec.Struct, frozen=True):
    """An alert and its move within one horizon; known: it was measured or given up."""

    kind: str
    direction: str
    strength: float | None
    move: Move


def expected(kind: str, direction: str) -> int:
    """Return 1 (up), -1 (down) or 0 (no call): where a kind says that the price goes."""
    sign = _WAYS.get(direction, 0)
    return -sign if kind == "stop_hunt" else sign


def end_ms(event_ms: int, horizon_min: int) -> int:
    """Return the full minute at which a horizon ends."""
    at_ms = event_ms + horizon_min * MINUTE_MS + MINUTE_MS // 2
    return at_ms - at_ms % MINUTE_MS


def move(
    prices: Sequence[Priced],
    event_ms: int,
    horizon_min: int,
    tapes: Mapping[str, Mapping[int, PriceMinute]],
    chances: Sequence[Chance] = (),
) -> Move:
    """Measure what followed; tapes: minutes of each asset by their time. chances: those of the assets, where known."""
    legs = [
        leg
        for asset, price in prices
        if (leg := _leg(price, event_ms, end_ms(event_ms, horizon_min), tapes.get(asset, {}))) is not None
    ]
    if not legs or len(legs) * 2 < len(prices):
        return Move(horizon_min)
    rises = [rise for _, rise, _ in legs if rise is not None]
    falls = [fall for _, _, fall in legs if fall is not None]
    return Move(
        horizon_min,
        median(each for each, _, _ in legs),
        median(rises) if len(rises) == len(legs) else None,
        median(falls) if len(falls) == len(legs) else None,
        sum(each.up for each in chances) / len(chances) if chances else None,
        sum(each.down for each in chances) / len(chances) if chances else None,
    )


def chance(minutes: Iterable[PriceMinute], horizon_min: int) -> Chance | None:
    """Return the any-time baseline of one asset's tape; None while too little of it is known."""
    last = {row.minute_ms: row.last for row in minutes}
    ahead = horizon_min * MINUTE_MS
    pairs = [(first, last[at + ahead]) for at, first in last.items() if at + ahead in last]
    if len(pairs) < _LEAST_PAIRS:
        return None
    up = sum(later > first for first, later in pairs)
    down = sum(later < first for first, later in pairs)
    return Chance(up / len(pairs), down / len(pairs), len(pairs))


def _leg(
    price: float, event_ms: int, until_ms: int, tape: Mapping[int, PriceMinute]
) -> tuple[float, float | None, float | None] | None:
    """Return one asset's move, largest rise and largest fall; None if the horizon's price was not seen."""
    there = tape.get(until_ms - MINUTE_MS)
    if there is None or price <= 0:
        return None
    first_ms = -(-event_ms // MINUTE_MS) * MINUTE_MS
    between = [tape.get(at) for at in range(first_ms, until_ms, MINUTE_MS)]
    seen = [row for row in between if row is not None]
    change = _percent(price, there.last)
    if not seen or len(seen) < len(between):
        return change, None, None
    high, low = max(row.high for row in seen), min(row.low for row in seen)
    return change, max(0.0, _percent(price, high)), min(0.0, _percent(price, low))


def _percent(before: float, after: float) -> float:
    return (after / before - 1) * 100
