"""Tapes through the real replay and through the reference, as the same two lists of lines."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from heapq import merge
from pathlib import Path
from typing import Any, NamedTuple

from teleglas.errors import BadFrame
from teleglas.instruments import asset_of_symbol
from tests.reference.alert_decisions import Decision, Phase, Reference, Row
from ws_alert.rules import Detectors, Rules
from ws_alert.sources.replay import replay

__all__ = ["SPINE", "Lines", "by_engine", "by_reference", "phases_of", "read_tapes", "same", "write_tape"]

SPINE = Detectors(
    market_cascade=False,
    stop_hunt=False,
    order_flow=False,
    whale_accumulation_window=False,
    funding_extreme=False,
    oi_divergence=False,
    volume_spike=False,
)
"""The kinds that `alert_decisions` defines; `analysis_findings` defines the others."""

COLUMNS = ("ts_ms", "exchange", "symbol", "side", "price", "qty", "usd")


class Lines(NamedTuple):
    """What was found and what was decided, in order."""

    phases: list[Phase]
    decisions: list[Decision]


def write_tape(path: Path, rows: Sequence[tuple[int, str, str, str, float, str]]) -> Path:
    """Write (ts_ms, exchange, symbol, side, price, usd) rows as a tape."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for ts_ms, exchange, symbol, side, price, usd in rows:
            writer.writerow((ts_ms, exchange, symbol, side, price, 1, usd))
    return path


def by_engine(rules: Rules, folder: Path, liquidations: Sequence[Path], trades: Sequence[Path]) -> Lines:
    """Run the real replay, of the reference's kinds alone, and read what it wrote."""
    rules = rules.model_copy(update={"detectors": SPINE})
    out, found = folder / "out.jsonl", folder / "findings.jsonl"
    replay(journals=(), liquidations=liquidations, trades=trades, out=out, findings=found, rules=rules)
    return Lines([_phase(line) for line in _json(found)], [_decision(line) for line in _json(out)])


def phases_of(
    rules: Rules, folder: Path, liquidations: Sequence[Path], trades: Sequence[Path]
) -> list[Phase]:
    """Run the real replay with these rules as they are, and read the starts and ends that it wrote."""
    out, found = folder / "out.jsonl", folder / "findings.jsonl"
    replay(journals=(), liquidations=liquidations, trades=trades, out=out, findings=found, rules=rules)
    return [_phase(line) for line in _json(found)]


def by_reference(rules: Rules, liquidations: Sequence[Path], trades: Sequence[Path]) -> Lines:
    """Read the same files again and decide by the reference."""
    reference = Reference(rules).run(read_tapes(liquidations, trades))
    return Lines(reference.phases, reference.decisions)


def read_tapes(liquidations: Sequence[Path], trades: Sequence[Path]) -> list[Row]:
    """Merge tapes by time; ties: liquidations, trades, argument, line (SEMANTICS 2)."""
    files = [_rows("liquidation", place, path) for place, path in enumerate(liquidations)]
    files += [_rows("trade", len(liquidations) + place, path) for place, path in enumerate(trades)]
    return [row for _, row in merge(*files, key=lambda item: item[0])]


def same(engine: Lines, reference: Lines) -> None:
    """Compare line by line, so that the first difference is what a failure shows."""
    for kind, ours, theirs in zip(Lines._fields, engine, reference, strict=True):
        for place, (mine, its) in enumerate(zip(ours, theirs, strict=False)):
            assert mine == its, f"{kind}, line {place + 1}:\nengine    {mine}\nreference {its}"
        assert len(ours) == len(theirs), (
            f"{kind}: engine {ours[len(theirs) :]}, reference {theirs[len(ours) :]}"
        )


def _rows(kind: str, place: int, path: Path) -> Iterator[tuple[tuple[int, int, int], Row]]:
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as file
    ):
        for line, row in enumerate(csv.DictReader(file)):
            if not float(row["price"]) > 0 or not float(row["usd"]) > 0:
                continue
            usd = int((Decimal(row["usd"]) * 100).quantize(Decimal(1), ROUND_HALF_UP))
            try:
                asset, _ = asset_of_symbol(row["symbol"])
            except BadFrame:
                continue
            ts_ms = int(row["ts_ms"])
            yield (ts_ms, place, line), Row(ts_ms, kind, row["exchange"], asset, row["side"], usd)


def _json(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line, parse_float=Decimal) for line in file]


def _cents(dollars: Decimal) -> int:
    amount = dollars * 100
    assert amount == int(amount), f"{dollars} has more than two decimals"
    return int(amount)


def _venues(venues: dict[str, Decimal]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((venue, _cents(usd)) for venue, usd in venues.items()))


def _phase(line: dict[str, Any]) -> Phase:
    return Phase(**{**line, "usd": _cents(line["usd"]), "venues": _venues(line["venues"])})


def _decision(line: dict[str, Any]) -> Decision:
    told = line.get("told_usd")
    return Decision(**{
        **line,
        "usd": _cents(line["usd"]),
        "venues": _venues(line["venues"]),
        "told_usd": None if told is None else _cents(told),
        "score": None if line["score"] is None else float(line["score"]),
    })  # fmt: skip
