"""Bybit v5 linear's public topics (bybit-exchange/docs, recorded frames of 2026)."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from typing import Any

from simulator.feeds import History, Printed, Push, VenueClock
from simulator.listings import Asset
from simulator.market import Event, Liquidation, Mark, Trade

__all__ = ["BybitFeed"]

_BATCH_MS = 500
"""allLiquidation is pushed in batches of this length."""

_ROWS_AT_MOST = 1024
"""Rows of one publicTrade message."""


class BybitFeed:
    """allLiquidation, publicTrade and tickers (a snapshot on request, then deltas)."""

    def __init__(self, assets: tuple[Asset, ...], clock: VenueClock) -> None:
        self.clock = clock
        self.history = History.of("bybit", assets)
        self._random = random.Random("bybit ids")
        self._sequence = 800_000_000_000
        self._trades: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._forced: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._printed: list[Printed] = []
        self._batch_ends = _BATCH_MS
        self._pushes: list[Push] = []

    def take(self, event: Event) -> None:
        """Take one event of the market; other venues' are ignored."""
        if isinstance(event, Mark):
            self._mark(event)
        elif event.listing.venue == "bybit":
            if isinstance(event, Trade):
                self._trade(event)
            else:
                self._liquidation(event)

    def due(self, now_ms: int) -> tuple[list[Push], list[Printed]]:
        """Return what is pushed by now: the trades since the last tick, forced orders each 500 ms."""
        sent = self.clock.at(now_ms)
        pushes, self._pushes = self._pushes, []
        for symbol, rows in self._trades.items():
            for start in range(0, len(rows), _ROWS_AT_MOST):
                topic = f"publicTrade.{symbol}"
                pushes.append(Push(topic, {"topic": topic, "type": "snapshot", "ts": sent,
                                           "data": rows[start : start + _ROWS_AT_MOST]}))  # fmt: skip
        self._trades.clear()
        printed: list[Printed] = []
        if now_ms >= self._batch_ends:
            self._batch_ends = now_ms // _BATCH_MS * _BATCH_MS + _BATCH_MS
            for symbol, rows in self._forced.items():
                topic = f"allLiquidation.{symbol}"
                pushes.append(Push(topic, {"topic": topic, "type": "snapshot", "ts": sent, "data": rows}))
            self._forced.clear()
            printed, self._printed = self._printed, []
            self.history.liquidations.extend(printed)
        return pushes, printed

    def ticker(self, symbol: str) -> dict[str, Any]:
        """Return all fields of a symbol's ticker, as the snapshot carries them."""
        quote = self.history.quotes[symbol]
        listing = self.history.listings[symbol]
        price = f"{quote.price:.{listing.price_decimals}f}"
        interest = quote.volume / quote.price / 4
        return {
            "symbol": symbol, "lastPrice": price, "markPrice": price, "indexPrice": price,
            "turnover24h": f"{quote.volume:.4f}", "volume24h": f"{quote.volume / quote.price:.4f}",
            "openInterest": f"{interest * 2:.3f}", "openInterestValue": f"{interest * 2 * quote.price:.2f}",
            "singleOpenInterest": f"{interest:.3f}", "singleOpenInterestValue": f"{interest * quote.price:.2f}",
            "fundingRate": "0.0001", "nextFundingTime": str((self.clock.at(0) // 28_800_000 + 1) * 28_800_000),
            "fundingIntervalHour": "8", "bid1Price": price, "bid1Size": "1", "ask1Price": price, "ask1Size": "1",
        }  # fmt: skip

    def _trade(self, event: Trade) -> None:
        self._sequence += 3
        symbol = event.listing.symbol
        row = {"T": self.clock.at(event.at_ms), "s": symbol, "S": "Buy" if event.buy else "Sell",
               "v": event.quantity, "p": event.price, "L": "ZeroPlusTick" if event.buy else "ZeroMinusTick",
               "i": str(uuid.UUID(int=self._random.getrandbits(128), version=4)), "BT": False, "RPI": False,
               "seq": self._sequence}  # fmt: skip
        self._trades[symbol].append(row)
        self.history.trades[symbol].append(row)
        quote = self.history.quotes[symbol]
        quote.price = float(event.price)
        quote.trades += 1

    def _liquidation(self, event: Liquidation) -> None:
        at = self.clock.at(event.at_ms)
        # The side is the position's, not the order's: Buy is a long that was closed. The price is the
        # bankruptcy price, so the value that a reader computes is that of the limit.
        self._forced[event.listing.symbol].append({
            "T": at, "s": event.listing.symbol, "S": "Buy" if event.long else "Sell", "v": event.quantity,
            "p": event.limit,
        })  # fmt: skip
        usd = event.listing.usd(float(event.limit), float(event.quantity))
        self._printed.append(Printed(event.listing, at, event.long, event.limit, event.quantity, usd, event.number))

    def _mark(self, event: Mark) -> None:
        for listing in event.asset.listings:
            if listing.venue == "bybit":
                topic = f"tickers.{listing.symbol}"
                price = f"{event.price * listing.scale:.{listing.price_decimals}f}"
                self._pushes.append(Push(topic, {
                    "topic": topic, "type": "delta", "cs": self._sequence, "ts": self.clock.at(event.at_ms),
                    "data": {"symbol": listing.symbol, "markPrice": price, "indexPrice": price},
                }))  # fmt: skip
