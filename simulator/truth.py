"""The ledger of what was printed: one JSON line per forced order that a venue let through."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TextIO

from simulator.feeds import Printed

__all__ = ["Truth"]

_CENT = Decimal("0.01")


class Truth:
    """Write the ledger to a file; each line is flushed before the order is sent.

    Keys: venue, symbol, asset, side (of the position), event_ms, price and quantity as printed, usd (exact,
    half-up to the cent), number (of a numbered storm, else 0), readers (connections it was sent to).
    """

    def __init__(self, path: Path | None) -> None:
        self._file: TextIO | None = path.open("w", encoding="utf-8") if path else None

    def write(self, row: Printed, readers: int) -> None:
        """Add one order."""
        if self._file is None:
            return
        listing = row.listing
        value = Decimal(row.quantity) * Decimal(str(listing.multiplier))
        usd = value if listing.inverse else value * Decimal(row.price)
        line = {
            "venue": listing.venue, "symbol": listing.symbol, "asset": listing.asset,
            "side": "long" if row.long else "short", "event_ms": row.event_ms, "price": row.price,
            "quantity": row.quantity, "usd": str(usd.quantize(_CENT, ROUND_HALF_UP)), "number": row.number,
            "readers": readers,
        }  # fmt: skip
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
