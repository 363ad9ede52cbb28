"""OKX v5's public REST endpoints of the swaps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from simulator.okx.feed import OkxFeed, family
from simulator.okx.figures import OkxFigures
from simulator.rest import Answer, Endpoint, Query, whole

__all__ = ["OkxRest"]

_SPAN_MS = 2_000
_ROWS_AT_MOST = 100


class OkxRest:
    """instruments, tickers, trades, liquidation-orders, time and the figures, each with its limit per 2 s.

    now: time since the simulation's start in ms.
    """

    def __init__(self, feed: OkxFeed, figures: OkxFigures, now: Callable[[], int]) -> None:
        self._feed = feed
        self._figures = figures
        self._now = now

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        return {
            "/api/v5/public/time": self._limited(10, lambda _: [{"ts": str(self._feed.clock.at(self._now()))}]),
            "/api/v5/public/instruments": self._limited(20, self._instruments),
            "/api/v5/market/tickers": self._limited(20, self._tickers),
            "/api/v5/market/trades": self._limited(100, self._trades),
            "/api/v5/public/liquidation-orders": self._limited(40, self._liquidations),
            **{path: self._limited(*both) for path, both in self._figures.endpoints().items()},
        }

    def missing(self, _query: Query, _headers: Mapping[str, str]) -> Answer:
        """Answer a path that does not exist."""
        return 404, {"code": "404", "msg": "Not Found", "data": []}, {}

    def _limited(self, per_span: int, make: Callable[[Query], list[Any]]) -> Endpoint:
        asked: deque[int] = deque(maxlen=per_span)

        def answer(query: Query, _headers: Mapping[str, str]) -> Answer:
            now = self._now()
            if len(asked) == per_span and now - asked[0] < _SPAN_MS:
                return 429, {"code": "50011", "msg": "Too Many Requests", "data": []}, {}
            asked.append(now)
            try:
                return 200, {"code": "0", "msg": "", "data": make(query)}, {}
            except ValueError as error:
                return 200, {"code": "51000", "msg": f"Parameter {error} error", "data": []}, {}

        return answer

    def _instruments(self, query: Query) -> list[dict[str, Any]]:
        self._swap(query)
        return [
            {"instType": "SWAP", "instId": listing.symbol, "uly": family(listing.symbol),
             "instFamily": family(listing.symbol), "settleCcy": listing.asset if listing.inverse else "USDT",
             "ctVal": f"{listing.multiplier:.10f}".rstrip("0").rstrip("."), "ctMult": "1",
             "ctValCcy": "USD" if listing.inverse else listing.asset,
             "ctType": "inverse" if listing.inverse else "linear", "state": "live"}
            for listing in self._feed.history.listings.values()
        ]  # fmt: skip

    def _tickers(self, query: Query) -> list[dict[str, Any]]:
        self._swap(query)
        rows = []
        for symbol, quote in self._feed.history.quotes.items():
            listing = self._feed.history.listings[symbol]
            coins = quote.volume / quote.price
            contracts = (quote.volume if listing.inverse else coins) / listing.multiplier
            rows.append({"instType": "SWAP", "instId": symbol, "last": f"{quote.price:.{listing.price_decimals}f}",
                         "volCcy24h": f"{coins:.4f}", "vol24h": f"{contracts:.2f}",
                         "ts": str(self._feed.clock.at(self._now()))})  # fmt: skip
        return rows

    def _trades(self, query: Query) -> list[dict[str, Any]]:
        symbol = query.get("instId", "")
        if symbol not in self._feed.history.listings:
            raise ValueError("instId")
        limit = min(max(whole(query, "limit", 100), 1), 500)
        return list(self._feed.history.trades[symbol])[-limit:][::-1]

    def _liquidations(self, query: Query) -> list[dict[str, Any]]:
        self._swap(query)
        underlying = query.get("uly") or query.get("instFamily")
        if not underlying:
            raise ValueError("uly")
        if query.get("state", "filled") != "filled":
            raise ValueError("state")
        limit = min(max(whole(query, "limit", _ROWS_AT_MOST), 1), _ROWS_AT_MOST)
        before = whole(query, "after", 1 << 62)
        rows = [
            row for row in reversed(self._feed.history.liquidations)
            if family(row.listing.symbol) == underlying and row.event_ms < before
        ]  # fmt: skip
        return [self._feed.liquidation_row(row) for row in rows[:limit]]

    @staticmethod
    def _swap(query: Query) -> None:
        if query.get("instType") != "SWAP":
            raise ValueError("instType")
