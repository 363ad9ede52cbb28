"""OKX v5's public channels (okx.com/docs-v5, recorded frames of 2026)."""

from __future__ import annotations

import heapq
from typing import Any

from simulator.feeds import History, Printed, Push, VenueClock
from simulator.listings import Asset
from simulator.market import Event, Liquidation, Mark, Trade

__all__ = ["OkxFeed", "family"]

_SPACING_MS = 1000
"""At most one forced order per contract in this time."""

_OLD_MS = 3_600_000
"""Age of the order that the first message after subscribing repeats, when nothing happened yet."""


def family(symbol: str) -> str:
    """Return the instrument family (`BTC-USDT`) of an instId."""
    return symbol.removesuffix("-SWAP")


class OkxFeed:
    """liquidation-orders, trades and mark-price of the swaps; sizes in contracts."""

    def __init__(self, assets: tuple[Asset, ...], clock: VenueClock) -> None:
        self.clock = clock
        self.history = History.of("okx", assets)
        self._open: dict[str, Liquidation] = {}
        self._ends: list[tuple[int, str]] = []
        self._pushes: list[Push] = []
        self._last_id = dict.fromkeys(self.history.listings, 500_000)

    def take(self, event: Event) -> None:
        """Take one event of the market; other venues' are ignored."""
        if isinstance(event, Mark):
            self._mark(event)
        elif event.listing.venue == "okx":
            if isinstance(event, Trade):
                self._trade(event)
            else:
                self._forced(event)

    def due(self, now_ms: int) -> tuple[list[Push], list[Printed]]:
        """Return what is pushed by now: trades and marks at once, one forced order per contract and second."""
        printed: list[Printed] = []
        while self._ends and self._ends[0][0] <= now_ms:
            _, symbol = heapq.heappop(self._ends)
            order = self._open.pop(symbol)
            usd = order.listing.usd(float(order.limit), float(order.quantity))
            row = Printed(order.listing, self.clock.at(order.at_ms), order.long, order.limit, order.quantity, usd,
                          order.number)  # fmt: skip
            printed.append(row)
            self.history.liquidations.append(row)
            self._pushes.append(Push("liquidation-orders:SWAP", self.liquidation_frame(row)))
        pushes, self._pushes = self._pushes, []
        return pushes, printed

    def first_frame(self) -> dict[str, Any]:
        """Return the message that a new subscriber to liquidation-orders gets at once: an old order."""
        if self.history.liquidations:
            return self.liquidation_frame(self.history.liquidations[-1])
        listing = next(iter(self.history.listings.values()))
        price = f"{self.history.quotes[listing.symbol].price:.{listing.price_decimals}f}"
        return self.liquidation_frame(Printed(listing, self.clock.at(0) - _OLD_MS, True, price, "8.55", 0.0))

    @staticmethod
    def liquidation_row(row: Printed) -> dict[str, Any]:
        """Return a forced order in the shape that the WebSocket and REST share."""
        group = family(row.listing.symbol)
        detail = {"bkLoss": "0", "bkPx": row.price, "ccy": "", "posSide": "long" if row.long else "short",
                  "side": "sell" if row.long else "buy", "sz": row.quantity, "ts": str(row.event_ms)}  # fmt: skip
        return {"details": [detail], "instFamily": group, "instId": row.listing.symbol, "instType": "SWAP", "uly": group}

    def liquidation_frame(self, row: Printed) -> dict[str, Any]:
        """Return the WebSocket message of one forced order."""
        arg = {"channel": "liquidation-orders", "instType": "SWAP"}
        return {"arg": arg, "data": [self.liquidation_row(row)]}

    def _trade(self, event: Trade) -> None:
        symbol = event.listing.symbol
        number = self._last_id[symbol] = self._last_id[symbol] + 1
        row = {"instId": symbol, "tradeId": str(number), "px": event.price, "sz": event.quantity,
               "side": "buy" if event.buy else "sell", "ts": str(self.clock.at(event.at_ms))}  # fmt: skip
        self.history.trades[symbol].append(row)
        quote = self.history.quotes[symbol]
        quote.price = float(event.price)
        quote.trades += 1
        arg = {"channel": "trades", "instId": symbol}
        pushed = {**row, "count": "1", "source": "0", "seqId": number}
        self._pushes.append(Push(f"trades:{symbol}", {"arg": arg, "data": [pushed]}))

    def _forced(self, event: Liquidation) -> None:
        symbol = event.listing.symbol
        held = self._open.get(symbol)
        if held is None:
            heapq.heappush(self._ends, (event.at_ms + _SPACING_MS, symbol))
        if held is None or event.usd > held.usd:
            self._open[symbol] = event

    def _mark(self, event: Mark) -> None:
        for listing in event.asset.listings:
            if listing.venue == "okx":
                arg = {"channel": "mark-price", "instId": listing.symbol}
                row = {"instType": "SWAP", "instId": listing.symbol, "ts": str(self.clock.at(event.at_ms)),
                       "markPx": f"{event.price * listing.scale:.{listing.price_decimals}f}"}  # fmt: skip
                self._pushes.append(Push(f"mark-price:{listing.symbol}", {"arg": arg, "data": [row]}))
