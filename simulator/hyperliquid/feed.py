"""Hyperliquid has no streams here: its figures come from the ledger, and it publishes no forced orders."""

from __future__ import annotations

from simulator.feeds import History, Printed, Push, VenueClock
from simulator.listings import Asset
from simulator.market import Event

__all__ = ["HyperliquidFeed"]


class HyperliquidFeed:
    """A clock, and nothing that is pushed."""

    def __init__(self, assets: tuple[Asset, ...], clock: VenueClock) -> None:
        self.clock = clock
        self.history = History.of("hyperliquid", assets)

    def take(self, event: Event) -> None:
        """Take one event of the market: the ledger has it already."""

    def due(self, now_ms: int) -> tuple[list[Push], list[Printed]]:  # noqa: ARG002 - the venues share one signature
        """Return nothing."""
        return [], []
