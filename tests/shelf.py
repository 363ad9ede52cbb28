"""Keeps the assets' own normals as the store does, without its disk, and makes up a past for them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from teleglas.baselines import StoredBaselines
from teleglas.market import PositionSide, TakerSide
from ws_alert.messages import EventRow, Kind
from ws_alert.windows.baselines import MINUTE_MS, Baselines
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["SERIES", "Shelf", "note", "state"]

SERIES = [
    *(
        (kind, side.value)
        for kind in (Kind.LARGE_LIQUIDATION, Kind.LIQUIDATION_STORM)
        for side in PositionSide
    ),
    *((kind, side.value) for kind in (Kind.WHALE_TRADE, Kind.WHALE_CLUSTER) for side in TakerSide),
]


class Shelf:
    """What was stored so far, by the rules of `teleglas.storage.baselines`."""

    def __init__(self) -> None:
        self.assets: dict[str, bytes] = {}
        self.minutes: dict[int, bytes] = {}

    def keep(self, baselines: Baselines) -> None:
        """Take what waits to be stored."""
        change, baselines.kept = baselines.kept, None
        if change is not None:
            self.assets = {asset: body for asset, body in self.assets.items() if asset not in change.gone}
            self.assets |= dict(change.assets)
            self.minutes |= dict(change.minutes)
            self.minutes = {minute: body for minute, body in self.minutes.items() if minute >= change.oldest}

    def stored(self) -> StoredBaselines:
        """Return what a start reads."""
        return StoredBaselines(
            tuple(self.assets.items()), tuple(body for _, body in sorted(self.minutes.items()))
        )


def note(baselines: Baselines, minute: int, samples: Mapping[tuple[str, Kind, str], int]) -> None:
    """Note events of a minute that make these samples: {(asset, kind, side): usd}."""
    for (asset, kind, side), usd in samples.items():
        events = AssetEvents(asset, "others", 30_000)
        row = EventRow("a", asset, side, usd, 1.0, minute * MINUTE_MS + 7)
        events.tape.newest_ms = row.event_ms
        if kind is Kind.LARGE_LIQUIDATION:
            baselines.liquidated(events, row, timely=False)
        elif kind is Kind.WHALE_TRADE:
            baselines.ordered(events, row, timely=False)
        elif kind is Kind.LIQUIDATION_STORM:
            events.liquidations[PositionSide(side)].usd = usd
            baselines.liquidated(events, msgspec.structs.replace(row, usd=0), timely=True)
        else:
            events.orders[TakerSide(side)].usd = usd
            baselines.ordered(events, msgspec.structs.replace(row, usd=0), timely=True)


def state(baselines: Baselines) -> object:
    """Return everything that decides later answers, to be compared."""
    closed = baselines.closed
    assets = {asset: known.row(asset, closed, 0) for asset, known in baselines._assets.items()}
    return (
        closed, assets, baselines._open, baselines._number, bytes(baselines._looked), baselines._days,
        baselines._serial, baselines._rows,
    )  # fmt: skip
