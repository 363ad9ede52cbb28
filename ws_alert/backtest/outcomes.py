"""What became of a confluence: target or stop first, after costs. Pure.

Pessimistic where candles do not tell: a candle that touches both counts as the stop, and a
candle that opens beyond the stop is filled at its open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from teleglas.market import Candle
from teleglas.track_record import wilson
from ws_alert.messages import ConfluenceFacts

__all__ = [
    "Costs",
    "Outcome",
    "Rate",
    "Trade",
    "after",
    "baseline",
    "break_even",
    "follow",
    "rate_of",
]


class Costs(NamedTuple):
    """In basis points of the price, each paid at entry and at exit (targets are limits: no slippage)."""

    fee_bps: float
    slippage_bps: float


class Trade(NamedTuple):
    """Reference levels at a candle's close. sign: 1 for bullish, -1 for bearish."""

    sign: int
    entry: float
    stop: float
    target: float

    @classmethod
    def of(cls, facts: ConfluenceFacts) -> Trade:
        """Return the levels of a confluence."""
        return cls(1 if facts.target > facts.entry else -1, facts.entry, facts.stop, facts.target)


class Outcome(NamedTuple):
    """won: the target came first. net: return after costs as a fraction of the entry. candles: until then."""

    won: bool
    net: float
    candles: int


class Rate(NamedTuple):
    """How often the target came first, of so many; low, high: 95 % Wilson interval.

    needed: the rate at which these trades would have broken even after costs; above 1 if
    none would. mean_net: return per trade after costs, as a fraction.
    """

    n: int
    wins: int
    rate: float
    low: float
    high: float
    needed: float
    mean_net: float


def follow(trade: Trade, later: Iterable[Candle], costs: Costs) -> Outcome | None:
    """Return what the candles after the entry made of it; None if they end before either level."""
    for passed, candle in enumerate(later, start=1):
        adverse, favourable = (candle.low, candle.high) if trade.sign > 0 else (candle.high, candle.low)
        if trade.sign * (adverse - trade.stop) <= 0:
            beyond = trade.sign * (candle.open - trade.stop) < 0
            return Outcome(False, _net(trade, candle.open if beyond else trade.stop, costs, 2), passed)
        if trade.sign * (favourable - trade.target) >= 0:
            return Outcome(True, _net(trade, trade.target, costs, 1), passed)
    return None


def _net(trade: Trade, exit_price: float, costs: Costs, slips: int) -> float:
    gross = trade.sign * (exit_price - trade.entry) / trade.entry
    return gross - (2 * costs.fee_bps + slips * costs.slippage_bps) / 10_000


def break_even(trades: Sequence[Trade], costs: Costs) -> float:
    """Return the share of wins at which the sum is zero after costs; 0.6 without costs by construction."""
    won = sum(_net(trade, trade.target, costs, 1) for trade in trades)
    lost = -sum(_net(trade, trade.stop, costs, 2) for trade in trades)
    return lost / (won + lost) if won + lost > 0 else 1.0


def rate_of(found: Sequence[tuple[Trade, Outcome]], costs: Costs) -> Rate:
    """Sum up what was followed; at least one."""
    wins, count = sum(outcome.won for _, outcome in found), len(found)
    low, high = wilson(wins, count)
    mean = sum(outcome.net for _, outcome in found) / count
    return Rate(count, wins, wins / count, low, high, break_even([trade for trade, _ in found], costs), mean)


def after(candles: Sequence[Candle], index: int) -> Iterator[Candle]:
    """Return the candles behind one of them."""
    return (candles[each] for each in range(index + 1, len(candles)))


def baseline(
    candles: Sequence[Candle], atrs: Sequence[float | None], costs: Costs, multiples: tuple[float, float]
) -> list[tuple[Trade, Outcome]]:
    """Follow an entry at every candle and both ways with the same levels: what no signal at all would do."""
    stop, target = multiples
    found = []
    for index, (candle, atr) in enumerate(zip(candles, atrs, strict=True)):
        for sign in (1, -1) if atr else ():
            trade = Trade(
                sign,
                candle.close,
                candle.close - sign * stop * (atr or 0),
                candle.close + sign * target * (atr or 0),
            )
            outcome = follow(trade, after(candles, index), costs)
            if outcome is not None:
                found.append((trade, outcome))
    return found
