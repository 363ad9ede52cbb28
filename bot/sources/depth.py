"""What an order book shows: depth, walls, and walls that went away untouched. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bot import answers
from teleglas.venues.quotes import Book, Level, Trade

__all__ = ["reach_percent", "summary", "suspects", "walls"]

_RANGE = 0.01
_WALLS = 3
_WALL_TIMES = 5.0
_LEAST_WALL_USD = 20_000.0
_GONE_SHARE = 0.2


def summary(book: Book, venue: str, symbol: str, gone: Sequence[Level] = ()) -> answers.Book:
    """Return the best prices, what rests within 1 % of the middle, and the walls there."""
    middle, bids, asks = book.middle, walls(book.bids, book.middle), walls(book.asks, book.middle)
    return answers.Book(
        venue, symbol, book.bids[0].price, book.asks[0].price,
        sum(level.usd for level in _near(book.bids, middle)), sum(level.usd for level in _near(book.asks, middle)),
        reach_percent(book), _levels(bids), _levels(asks), _levels(gone),
    )  # fmt: skip


def reach_percent(book: Book) -> float:
    """Return how far from the middle both sides are told, at most 1 (percent)."""
    far = min(1.0 - book.bids[-1].price / book.middle, book.asks[-1].price / book.middle - 1.0)
    return min(far, _RANGE) * 100.0


def walls(levels: Sequence[Level], middle: float) -> list[Level]:
    """Return the three largest levels within 1 %, nearest first, that stand out.

    A wall is five times the median level of its side, and worth at least $20k.
    """
    near = _near(levels, middle)
    if not near:
        return []
    least = max(median(level.usd for level in near) * _WALL_TIMES, _LEAST_WALL_USD)
    largest = sorted((level for level in near if level.usd >= least), key=lambda level: -level.usd)[:_WALLS]
    return sorted(largest, key=lambda level: abs(level.price - middle))


def suspects(before: Book, after: Book, tape: Sequence[Trade], since_ms: int) -> list[Level]:
    """Return walls of `before` (taken at since_ms) that are gone though no trade reached them.

    tape: oldest first; if it does not reach back to since_ms nothing is suspected.
    """
    if not tape or tape[0].time_ms > since_ms:
        return []
    prices = [trade.price for trade in tape if trade.time_ms >= since_ms]
    low = min([*prices, before.asks[0].price, after.asks[0].price])
    high = max([*prices, before.bids[0].price, after.bids[0].price])
    rest = {level.price: level.usd for level in (*after.bids, *after.asks)}
    bids = [
        wall for wall in walls(before.bids, before.middle)
        if after.bids[-1].price <= wall.price < min(low, after.bids[0].price)
    ]  # fmt: skip
    asks = [
        wall for wall in walls(before.asks, before.middle)
        if max(high, after.asks[0].price) < wall.price <= after.asks[-1].price
    ]  # fmt: skip
    return [wall for wall in (*bids, *asks) if rest.get(wall.price, 0.0) < wall.usd * _GONE_SHARE]


def _near(levels: Sequence[Level], middle: float) -> list[Level]:
    return [level for level in levels if middle * (1.0 - _RANGE) <= level.price <= middle * (1.0 + _RANGE)]


def _levels(levels: Sequence[Level]) -> tuple[answers.Level, ...]:
    return tuple(answers.Level(level.price, level.usd) for level in levels)
