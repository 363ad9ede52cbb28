"""A pattern as files for `alert_runner replay`, with its ground truth; hours of it take a second.

Which files are written depends on the pattern: those of taker orders, of forced orders, or of
funding and open interest.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.coinglass.ledger import Contract, Ledger
from simulator.feeds import History, VenueClock
from simulator.listings import Listing, assets
from simulator.patterns import PATTERNS, Pattern, make
from simulator.scenarios import Order

__all__ = ["START_MS", "write"]

START_MS = 1_790_000_000_000
"""When a made tape begins unless told otherwise: 2026-09-21, Unix ms."""

_TAPE = ("ts_ms", "exchange", "symbol", "side", "price", "qty", "usd")
_FUNDING = ("ts_ms", "exchange", "symbol", "rate", "interval_h")
_INTEREST = ("ts_ms", "exchange", "symbol", "oi_usd")
_STEP_MS = 60_000


def write(pattern: Pattern, folder: Path, start_ms: int = START_MS, *, past: bool = False) -> dict[str, Path]:
    """Write a pattern's files and `truth.json` into a folder; return them by the option that reads them.

    start_ms: Unix ms of the pattern's time 0. past: only what comes before it, without funding.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(assets(), VenueClock(start_ms), History({}, {}), pattern.moves)
    end_ms = 0 if past else pattern.length_ms
    span = range(start_ms + pattern.begin_ms, start_ms + end_ms, _STEP_MS)
    orders = [order for order in pattern.orders if order.at_ms < 0] if past else pattern.orders
    made = {
        "liquidations": (_TAPE, _orders(orders, start_ms, forced=True)),
        "trades": (_TAPE, _orders(orders, start_ms, forced=False)),
        "funding": (_FUNDING, [] if past else _rates(ledger, pattern, span)),
        "open-interest": (_INTEREST, _interest(ledger, pattern, span, start_ms)),
    }
    files = {}
    for option, (columns, rows) in made.items():
        found = list(rows)
        if found:
            files[option] = _csv(folder / f"{option}.csv", columns, found)
    files["truth"] = folder / "truth.json"
    text = json.dumps(pattern.truth(start_ms), ensure_ascii=False, indent=1)
    files["truth"].write_text(text + "\n", encoding="utf-8")
    return files


def _csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def _orders(orders: Iterable[Order], start_ms: int, *, forced: bool) -> Iterator[tuple[Any, ...]]:
    listed = {(each.venue, asset.name): each for asset in assets() for each in reversed(asset.listings)}
    for order in orders:
        if order.forced is forced:
            listing = listed[order.venue, order.asset]
            price = f"{order.price * listing.scale:.{listing.price_decimals}f}"
            quantity = listing.quantity(order.usd, float(price))
            yield (
                start_ms + order.at_ms,
                order.venue,
                listing.symbol,
                order.side,
                price,
                quantity,
                f"{order.usd:.2f}",
            )


def _rates(ledger: Ledger, pattern: Pattern, span: range) -> Iterator[tuple[Any, ...]]:
    moved = {(move.venue, move.asset) for move in pattern.moves if move.funding_8h is not None}
    for at_ms, contract in _samples(ledger, pattern, span):
        if (contract.listing.venue, contract.asset.name) in moved:
            rate = ledger.funding(contract, at_ms) / 100
            yield (*_name(at_ms, contract.listing), f"{rate:.8f}", contract.funding_hours)


def _interest(ledger: Ledger, pattern: Pattern, span: range, start_ms: int) -> Iterator[tuple[Any, ...]]:
    for at_ms, contract in _samples(ledger, pattern, span):
        usd, _ = ledger.interest(contract, at_ms, max(at_ms, start_ms))
        yield (*_name(at_ms, contract.listing), f"{usd:.2f}")


def _samples(ledger: Ledger, pattern: Pattern, span: range) -> Iterator[tuple[int, Contract]]:
    """Return each minute (Unix ms, contract) of the coins whose positions move."""
    moved = {move.asset for move in pattern.moves}
    contracts = [contract for contract in ledger.contracts if contract.asset.name in moved]
    for at_ms in span:
        for contract in contracts:
            yield at_ms, contract


def _name(ts_ms: int, listing: Listing) -> tuple[int, str, str]:
    return ts_ms, listing.venue, listing.symbol


def main(
    scenario: Annotated[str, typer.Option(help=f"One of {', '.join(PATTERNS)}.")],
    out: Annotated[Path, typer.Option(help="Folder for the CSV files and truth.json.")],
    seed: Annotated[int, typer.Option(help="Another seed: other coins, times and sizes.")] = 1,
    start_ms: Annotated[int, typer.Option(min=0, help="Unix ms of the first moment.")] = START_MS,
) -> None:
    """Write a pattern as tapes, and print the options of `alert_runner replay` that read them."""
    if scenario not in PATTERNS:
        raise typer.BadParameter(f"--scenario: one of {', '.join(PATTERNS)}")
    files = write(make(scenario, seed), out, start_ms)
    typer.echo(f"SIMULATED; ground truth: {files.pop('truth')}", err=True)
    typer.echo(" ".join(f"--{option} {path}" for option, path in files.items()))


if __name__ == "__main__":
    typer.run(main)
