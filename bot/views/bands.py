"""A heat map's cells in bands that can be seen and named. Pure."""

from __future__ import annotations

from bot.answers import HeatMap

__all__ = ["Bands", "binned", "levels"]

_COLUMNS, _ROWS = 48, 60

Bands = tuple[tuple[int, ...], tuple[float, ...], tuple[tuple[int, int, float], ...]]
"""When each column begins (Unix ms), the middle of each row (USD), and (column, row, USD) of each cell."""


def binned(found: HeatMap) -> Bands:
    """Return at most 48 columns and 60 rows, so that neighbouring levels become one visible band.

    Rows add up. Columns of an estimate do not: a level stands over many of them.
    """
    low, high = min(found.prices), max(found.prices)
    height, width = min(_ROWS, len(found.prices)), min(_COLUMNS, len(found.times_ms))
    step = (high - low) / height or low * 0.001
    at_once: dict[tuple[int, int, int], float] = {}
    for column, row, amount in found.cells:
        if column < len(found.times_ms) and row < len(found.prices):
            line = min(height - 1, int((found.prices[row] - low) / step))
            place = column * width // len(found.times_ms), line, column
            at_once[place] = at_once.get(place, 0.0) + amount
    cells: dict[tuple[int, int], float] = {}
    for (column, line, _), amount in at_once.items():
        before = cells.get((column, line), 0.0)
        cells[column, line] = max(before, amount) if found.estimated else before + amount
    times = tuple(found.times_ms[-(-column * len(found.times_ms) // width)] for column in range(width))
    prices = tuple(low + (line + 0.5) * step for line in range(height))
    return times, prices, tuple((column, line, amount) for (column, line), amount in sorted(cells.items()))


def levels(bands: Bands, *, estimated: bool) -> list[tuple[float, float]]:
    """Return (price, USD) of each band, the largest first: estimates of now, or the sum of what happened."""
    _, prices, cells = bands
    last = max((column for column, _, _ in cells), default=0)
    sums: dict[int, float] = {}
    for column, row, amount in cells:
        if not estimated or column == last:
            sums[row] = sums.get(row, 0.0) + amount
    return sorted(((prices[row], amount) for row, amount in sums.items()), key=lambda level: -level[1])
