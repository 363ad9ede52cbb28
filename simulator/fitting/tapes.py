"""Reading the recorded tapes that the market model is fitted on."""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIQUIDATIONS", "TRADES", "Floats", "Tape", "merged", "read"]

Floats = NDArray[np.float64]

LIQUIDATIONS = "data/liquidations/binance-usdm_ALL_20251130-20251201.csv.gz"
TRADES = (
    "data/trades/binance-usdm_BTCUSDT_20240808.csv.gz",
    "data/trades/binance-usdm_BTCUSDT_20240328_002022_priceshock.csv.gz",
)
"""An ordinary and a shocked stretch of the same instrument; fits use the first, checks the second."""


@dataclass(frozen=True, slots=True)
class Tape:
    """Columns of a recorded tape. seconds: Unix time. sign: +1 buy or liquidated short, -1 the others."""

    seconds: Floats
    symbols: NDArray[np.str_]
    sign: Floats
    price: Floats
    usd: Floats


def read(path: str) -> Tape:
    """Read a tape below the folder TELEGLAS_SHARED (default `../shared`). Raises OSError if it is absent."""
    root = Path(os.environ.get("TELEGLAS_SHARED", "../shared"))
    with gzip.open(root / path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Tape(
        np.array([int(row["ts_ms"]) / 1000.0 for row in rows]),
        np.array([row["symbol"] for row in rows]),
        np.array([1.0 if row["side"] in {"buy", "short"} else -1.0 for row in rows]),
        np.array([float(row["price"]) for row in rows]),
        np.array([float(row["usd"]) for row in rows]),
    )


def merged(tape: Tape) -> Tape:
    """Merge neighbouring fills of one millisecond, side and price, as Binance's aggTrade does."""
    first = np.ones(len(tape.seconds), dtype=bool)
    first[1:] = (np.diff(tape.seconds) > 0) | (np.diff(tape.sign) != 0) | (np.diff(tape.price) != 0)
    starts = np.where(first)[0]
    usd = np.add.reduceat(tape.usd, starts)
    return Tape(tape.seconds[starts], tape.symbols[starts], tape.sign[starts], tape.price[starts], usd)
