"""Binance USD-M's market streams (developers.binance.com, recorded frames of 2026)."""

from __future__ import annotations

import heapq

from simulator.feeds import History, Printed, Push, VenueClock
from simulator.listings import COIN_MARGINED, Asset
from simulator.market import Event, Liquidation, Mark, Trade

__all__ = ["BinanceFeed"]

_WINDOW_MS = 1000
"""Of the orders of one symbol within this time only the largest is pushed, at its end."""

_COIN_MARGINED_EVERY = 10
"""Each so many BTC orders, one of the COIN-M family (contracts of 100 USD) rides on the all-market stream."""


class BinanceFeed:
    """aggTrade, forceOrder, markPrice and (for the book family) bookTicker."""

    def __init__(self, assets: tuple[Asset, ...], clock: VenueClock) -> None:
        self.clock = clock
        self.history = History.of("binance", assets)
        self._open: dict[str, Liquidation] = {}
        self._ends: list[tuple[int, str]] = []
        self._pushes: list[Push] = []
        self._last_id = dict.fromkeys(self.history.listings, 1_000_000)
        self._btc_orders = 0

    def take(self, event: Event) -> None:
        """Take one event of the market; other venues' are ignored."""
        if isinstance(event, Trade):
            if event.listing.venue == "binance":
                self._trade(event)
        elif isinstance(event, Liquidation):
            if event.listing.venue == "binance":
                self._forced(event)
        else:
            self._mark(event)

    def due(self, now_ms: int) -> tuple[list[Push], list[Printed]]:
        """Return what is pushed by now: trades and marks at once, forced orders as their second ends."""
        printed: list[Printed] = []
        while self._ends and self._ends[0][0] <= now_ms:
            ends_ms, symbol = heapq.heappop(self._ends)
            order = self._open.pop(symbol)
            self._push_forced(order, self.clock.at(ends_ms), order.listing.symbol, order.quantity, 1)
            row = Printed(order.listing, self.clock.at(order.at_ms), order.long, order.price, order.quantity,
                          order.usd, order.number)  # fmt: skip
            printed.append(row)
            self.history.liquidations.append(row)
            if order.listing.asset == "BTC":
                self._btc_orders += 1
                if self._btc_orders % _COIN_MARGINED_EVERY == 0:
                    self._push_forced(order, self.clock.at(ends_ms), COIN_MARGINED, "12", 2)
        pushes, self._pushes = self._pushes, []
        return pushes, printed

    def _trade(self, event: Trade) -> None:
        symbol = event.listing.symbol
        number = self._last_id[symbol] = self._last_id[symbol] + 1
        at = self.clock.at(event.at_ms)
        row = {"a": number, "p": event.price, "q": event.quantity, "nq": event.quantity,
               "f": number * 3, "l": number * 3 + 2, "T": at, "m": not event.buy}  # fmt: skip
        self.history.trades[symbol].append(row)
        quote = self.history.quotes[symbol]
        quote.price = float(event.price)
        quote.trades += 1
        name = symbol.lower()
        self._pushes.append(Push(f"{name}@aggTrade", {"e": "aggTrade", "E": at + 2, "s": symbol, **row, "st": 1}))
        tick = 10.0**-event.listing.price_decimals
        decimals = event.listing.price_decimals
        self._pushes.append(Push(f"{name}@bookTicker", {
            "e": "bookTicker", "u": number, "s": symbol, "b": f"{quote.price - tick:.{decimals}f}", "B": event.quantity,
            "a": event.price, "A": event.quantity, "T": at, "E": at + 2,
        }))  # fmt: skip

    def _forced(self, event: Liquidation) -> None:
        symbol = event.listing.symbol
        held = self._open.get(symbol)
        if held is None:
            heapq.heappush(self._ends, (event.at_ms + _WINDOW_MS, symbol))
        if held is None or event.usd > held.usd:
            self._open[symbol] = event

    def _push_forced(self, order: Liquidation, sent_ms: int, symbol: str, quantity: str, family: int) -> None:
        last = f"{max(float(quantity) * 0.4, 10.0**-order.listing.quantity_decimals):.{order.listing.quantity_decimals}f}"
        message = {"e": "forceOrder", "E": sent_ms, "o": {
            "s": symbol, "S": "SELL" if order.long else "BUY", "o": "LIMIT", "f": "IOC", "q": quantity,
            "p": order.limit, "ap": order.price, "X": "FILLED", "l": last, "z": quantity,
            "T": self.clock.at(order.at_ms), "ps": symbol.removesuffix("_PERP"), "st": family,
        }}  # fmt: skip
        self._pushes.append(Push("!forceOrder@arr", message))
        if family == 1:
            self._pushes.append(Push(f"{symbol.lower()}@forceOrder", message))

    def _mark(self, event: Mark) -> None:
        sent = self.clock.at(event.at_ms)
        for listing in event.asset.listings:
            if listing.venue != "binance":
                continue
            price = f"{event.price * listing.scale:.8f}"
            message = {"e": "markPriceUpdate", "E": sent, "s": listing.symbol, "p": price, "ap": price, "P": price,
                       "i": price, "r": "0.00010000", "T": (sent // 28_800_000 + 1) * 28_800_000, "st": 1}  # fmt: skip
            name = listing.symbol.lower()
            self._pushes.append(Push(f"{name}@markPrice@1s", message))
            if event.at_ms % 3000 == 0:
                self._pushes.append(Push(f"{name}@markPrice", message))
