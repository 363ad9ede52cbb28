"""CoinGlass v4's streams: what the venues printed, under either spelling of the channel."""

from __future__ import annotations

from typing import Any

from simulator.coinglass.ledger import EXCHANGES, Ledger
from simulator.feeds import History, Printed, Push, VenueClock
from simulator.listings import Asset
from simulator.market import Event, Trade
from simulator.scenarios import Move

__all__ = ["EXCHANGES", "CoinglassFeed"]

class CoinglassFeed:
    """liquidationOrders and liquidation_orders (all venues), and futures_trades of one venue's pair."""

    def __init__(self, assets: tuple[Asset, ...], clock: VenueClock, moves: tuple[Move, ...] = ()) -> None:
        self.clock = clock
        self.history = History.of("coinglass", assets)
        self.assets = assets
        self.ledger = Ledger(assets, clock, self.history, moves)
        self.pairs = {f"{EXCHANGES[listing.venue]}_{listing.symbol}" for asset in assets for listing in asset.listings}
        self.minimums: dict[str, set[str]] = {}
        self._pushes: list[Push] = []

    def take(self, event: Event) -> None:
        """Push a trade to every channel of its pair whose minimum it reaches."""
        self.ledger.take(event)
        if not isinstance(event, Trade):
            return
        pair = f"{EXCHANGES[event.listing.venue]}_{event.listing.symbol}"
        for minimum in self.minimums.get(pair, ()):
            if event.usd >= float(minimum):
                side = 2 if event.buy else 1
                row = _row(event.listing.asset, EXCHANGES[event.listing.venue], event.listing.symbol,
                           float(event.price), side, self.clock.at(event.at_ms), event.usd)  # fmt: skip
                channel = f"futures_trades@{pair}@{minimum}"
                self._pushes.append(Push(channel, {"channel": channel, "data": [row]}))

    def relay(self, rows: list[Printed]) -> None:
        """Push what the venues printed, one message of several rows per spelling."""
        if not rows:
            return
        self.history.liquidations.extend(rows)
        old, new = [], []
        for printed in rows:
            listing, exchange = printed.listing, EXCHANGES[printed.listing.venue]
            side = 1 if printed.long else 2
            event_ms = printed.event_ms + self.clock.jump_ms
            new.append(_row(listing.asset, exchange, listing.symbol, float(printed.price), side, event_ms, printed.usd))
            # Some rows of the older spelling carry their numbers as strings, as users of it reported.
            text = listing.venue == "okx"
            old.append({
                "baseAsset": listing.asset, "exName": exchange, "side": side, "symbol": listing.symbol,
                "price": printed.price if text else float(printed.price), "time": event_ms,
                "volUsd": f"{printed.usd:.4f}" if text else round(printed.usd, 4),
            })  # fmt: skip
        self._pushes.append(Push("liquidationOrders", {"channel": "liquidationOrders", "data": old}))
        self._pushes.append(Push("liquidation_orders", {"channel": "liquidation_orders", "data": new}))

    def due(self, _now_ms: int) -> tuple[list[Push], list[Printed]]:
        """Return what is pushed by now; CoinGlass prints nothing of its own."""
        pushes, self._pushes = self._pushes, []
        return pushes, []


def _row(asset: str, exchange: str, symbol: str, price: float, side: int, at: int, usd: float) -> dict[str, Any]:
    """Return a row in the 2026 spelling. Sides: forced orders 1 long, 2 short; trades 1 sell, 2 buy."""
    return {"base_asset": asset, "exchange": exchange, "price": price, "side": side, "symbol": symbol, "time": at,
            "volume_usd": round(usd, 4)}  # fmt: skip
