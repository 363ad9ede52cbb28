"""A scanner's backtest as a table for the terminal and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from teleglas import numbers
from teleglas.charts.picture import RateRow, RatesPicture
from ws_alert.backtest.outcomes import Rate
from ws_alert.backtest.scanner import Backtest, Line
from ws_alert.detectors.candle_confluence_detector import STOP_ATR, TARGET_ATR

__all__ = ["picture", "show"]

_MOST_ROWS = 10


def show(found: Backtest, console: Console) -> None:
    """Print the table, the funnel, and how to read them."""
    console.print(f"Candle scanner, mode {found.mode}: {_span(found)}")
    tables: dict[str, Table] = {}
    for line in found.lines:
        series = f"{line.symbol} {line.timeframe}"
        if series not in tables:
            table = tables[series] = Table(title=series)
            for title in ("alerts", "n", "target first", "95 %", "needed", "net each", "open"):
                table.add_column(title, justify="left" if title == "alerts" else "right", no_wrap=True)
        tables[series].add_row(_what(line), *_cells(line))
    for table in tables.values():
        console.print(table)
    console.print(
        f"needed: the share that breaks even after {found.costs.fee_bps:g} bps fee a side and"
        f" {found.costs.slippage_bps:g} bps slippage (60 % before costs, by construction);"
        " a candle that touched both levels counts as the stop; any candle: entering at every close, both ways."
    )
    for timeframe, passed in found.funnel.items():
        console.print(f"funnel {timeframe}: {_funnel(passed)}")


def picture(found: Backtest) -> RatesPicture:
    """Return the rates against what they would have to be."""
    rows = [(line, line.rate) for line in found.lines if line.rate is not None]
    return RatesPicture(
        title="Candle scanner backtest",
        subtitle=f"mode {found.mode} · {_span(found)}",
        sources=f"{found.costs.fee_bps:g} bps fee a side · {found.costs.slippage_bps:g} bps slippage",
        footer="target first, 95 % interval · dotted: needed without costs",
        par=STOP_ATR / (STOP_ATR + TARGET_ATR),
        rows=tuple(_row(line, rate) for line, rate in rows[:_MOST_ROWS]),
        more=max(0, len(rows) - _MOST_ROWS),
    )


def _row(line: Line, rate: Rate) -> RateRow:
    return RateRow(
        f"{line.symbol} {line.timeframe} · {_what(line)}",
        f"n={rate.n:,} · net {_net(rate)} each",
        rate.rate,
        rate.low,
        rate.high,
        rate.needed,
    )


def _what(line: Line) -> str:
    return f"{line.group} {line.what}".strip()


def _cells(line: Line) -> tuple[str, ...]:
    rate = line.rate
    if rate is None:
        return ("0", "no record", "", "", "", str(line.still_open))
    return (
        f"{rate.n:,}",
        numbers.percent(rate.rate * 100, 1),
        f"{rate.low * 100:.1f}-{rate.high * 100:.1f}",
        numbers.percent(rate.needed * 100, 1) if rate.needed <= 1 else "never",
        _net(rate),
        str(line.still_open),
    )


def _net(rate: Rate) -> str:
    return numbers.percent(rate.mean_net * 100, 3, signed=True)


def _span(found: Backtest) -> str:
    if not found.candles:
        return "no candles"
    days = (found.to_ms - found.from_ms) / 86_400_000
    return f"{numbers.date(found.from_ms)} to {numbers.date(found.to_ms)}, {days:.0f} days, {found.candles:,} candles"


def _funnel(passed: Mapping[str, int]) -> str:
    counted = Counter(passed)
    total = counted["candles"]
    crosses = total - counted["warming up"] - counted["no cross"]
    blocked = ", ".join(
        f"{name.removeprefix('blocked ')} {count:,} (alone {counted['only ' + name.removeprefix('blocked ')]:,})"
        for name, count in counted.items()
        if name.startswith("blocked ")
    )
    return f"{total:,} candles, {counted['warming up']:,} warming up, {crosses:,} near a cross; blocked by {blocked}; found {counted['found']:,}"
