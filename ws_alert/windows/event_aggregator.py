"""Everything that is remembered of one asset, over all venues."""

from __future__ import annotations

from typing import Final

from teleglas.market import PositionSide, TakerSide
from ws_alert.messages import EventRow
from ws_alert.windows.event_window import EventWindow
from ws_alert.windows.second_tape import SecondTape

__all__ = ["KNOWN_MS", "AssetEvents"]

_LONG: Final = PositionSide.LONG

KNOWN_MS: Final = 360_000
"""The longest look back at large orders (order flow, five minutes) and one latest arrival. What is older may still be
kept, but a restart does not read it again, so that nothing is told of it."""


class AssetEvents:
    """Windows of one asset. `newest_ms` is H of SEMANTICS 3.

    liquidations: by the side of the closed position. orders: taker orders at or above the
    whale floor, by taker side. tape: all trades and prices, by second. extremes: the lowest and the highest
    price that somebody found in the tape, each behind its second. samples: of the UTC minute `samples_minute`,
    what the asset's own normals take of it (see `Baselines`).
    """

    __slots__ = ("_window_ms", "_windows", "asset", "extremes", "group", "liquidations", "orders", "samples",
                 "samples_minute", "tape")  # fmt: skip

    def __init__(self, asset: str, group: str, window_ms: int) -> None:
        self.asset = asset
        self.group = group
        self._window_ms = window_ms
        self.liquidations = {side: EventWindow(window_ms) for side in PositionSide}
        self.orders = {side: EventWindow(window_ms, KNOWN_MS) for side in TakerSide}
        self._windows = (*self.liquidations.values(), *self.orders.values())
        self.tape = SecondTape()
        self.extremes = (-1, 0.0, -1, 0.0)
        self.samples: list[int] = []
        self.samples_minute = -1

    @property
    def newest_ms(self) -> int:
        """Return H: the newest window time of any liquidation or trade of the asset."""
        return self.tape.newest_ms

    def add_liquidation(self, side: PositionSide, row: EventRow) -> bool:
        """Join a liquidation to its place; return False if it is too late to trigger anything."""
        tape, event_ms = self.tape, row.event_ms
        if event_ms > tape.newest_ms:  # noqa: PLR1730 - told of every liquidation: max() costs twice as much
            tape.newest_ms = event_ms
        tape.force(event_ms // 1000, row.usd, side is _LONG)
        return self.liquidations[side].add(row, tape.newest_ms)

    def add_order(self, side: TakerSide, row: EventRow) -> bool:
        """Join a large taker order to its place; return False if it is too late to trigger anything."""
        self.tape.newest_ms = max(self.tape.newest_ms, row.event_ms)
        return self.orders[side].add(row, self.newest_ms)

    def advance(self) -> None:
        """Bring all windows to the asset's newest time."""
        newest_ms = self.tape.newest_ms
        edge = newest_ms - self._window_ms
        for window in self._windows:
            if window.first_ms <= edge:
                window.advance(newest_ms)

    def trim(self) -> None:
        """Free what no window or episode can ask for any more."""
        for window in self._windows:
            window.trim(self.tape.newest_ms)
