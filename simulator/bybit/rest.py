"""Bybit v5's REST endpoints of the linear contracts that a reader of trades and prices needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.bybit.feed import BybitFeed
from simulator.bybit.figures import BybitFigures
from simulator.rest import Answer, Endpoint, Query, whole

__all__ = ["BybitRest"]

_PER_IP, _PER_IP_MS = 600, 5_000
_PAGE, _PAGE_AT_MOST = 500, 1000


class BybitRest:
    """instruments-info (paged), tickers, recent-trade, time and the figures. now: ms since the simulation's start."""

    def __init__(self, feed: BybitFeed, figures: BybitFigures, now: Callable[[], int]) -> None:
        self._feed = feed
        self._figures = figures
        self._now = now
        self._span, self._used = -1, 0

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        return {
            "/v5/market/time": self._limited(lambda _: {"timeSecond": str(self._feed.clock.at(self._now()) // 1000)}),
            "/v5/market/instruments-info": self._limited(self._instruments),
            "/v5/market/tickers": self._limited(self._tickers),
            "/v5/market/recent-trade": self._limited(self._trades),
            **{path: self._limited(make) for path, make in self._figures.endpoints().items()},
        }

    def missing(self, _query: Query, _headers: Mapping[str, str]) -> Answer:
        """Answer a path that does not exist."""
        return 404, {"retCode": 404, "retMsg": "Not Found", "result": {}}, {}

    def _limited(self, make: Callable[[Query], dict[str, Any]]) -> Endpoint:
        def answer(query: Query, _headers: Mapping[str, str]) -> Answer:
            span = self._now() // _PER_IP_MS
            if span != self._span:
                self._span, self._used = span, 0
            self._used += 1
            if self._used > _PER_IP:
                return 403, {"retCode": 403, "retMsg": "access too frequent", "result": {}}, {}
            code, message, result = 0, "OK", {}
            try:
                result = make(query)
            except ValueError as error:
                code, message = 10001, str(error)
            body = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {},
                    "time": self._feed.clock.at(self._now())}  # fmt: skip
            return 200, body, {}

        return answer

    def _symbols(self, query: Query) -> list[str]:
        if query.get("category") != "linear":
            raise ValueError("params error: Category is invalid")
        known = self._feed.history.listings
        symbol = query.get("symbol")
        if symbol is None:
            return list(known)
        if symbol not in known:
            raise ValueError("params error: Symbol Invalid")
        return [symbol]

    def _instruments(self, query: Query) -> dict[str, Any]:
        symbols = self._symbols(query)
        limit = min(whole(query, "limit", _PAGE), _PAGE_AT_MOST)
        start = int(query.get("cursor") or 0)
        page = symbols[start : start + limit]
        rows = []
        for symbol in page:
            listing = self._feed.history.listings[symbol]
            rows.append({"symbol": symbol, "contractType": "LinearPerpetual", "status": "Trading",
                         "baseCoin": symbol.removesuffix("USDT"), "quoteCoin": "USDT", "settleCoin": "USDT",
                         "priceScale": str(listing.price_decimals), "fundingInterval": 480,
                         "lotSizeFilter": {"qtyStep": f"{10.0**-listing.quantity_decimals:.{listing.quantity_decimals}f}"}})  # fmt: skip
        more = str(start + limit) if start + limit < len(symbols) else ""
        return {"category": "linear", "list": rows, "nextPageCursor": more}

    def _tickers(self, query: Query) -> dict[str, Any]:
        if query.get("category") == "spot":
            return self._figures.spot_tickers(query)
        known = self._figures.figures.contracts
        rows = [self._feed.ticker(symbol) for symbol in self._symbols(query)]
        for row in rows:
            if row["symbol"] in known:
                row.update(self._figures.positions(row["symbol"]))
        if "symbol" in query and query["symbol"] in known:
            rows[0] |= self._figures.ticker(query["symbol"])
        return {"category": "linear", "list": rows}

    def _trades(self, query: Query) -> dict[str, Any]:
        if "symbol" not in query:
            raise ValueError("params error: Symbol is required")
        (symbol,) = self._symbols(query)
        limit = min(max(whole(query, "limit", _PAGE), 1), _PAGE_AT_MOST)
        newest = list(self._feed.history.trades[symbol])[-limit:][::-1]
        rows = [
            {"execId": row["i"], "symbol": symbol, "price": row["p"], "size": row["v"], "side": row["S"],
             "time": str(row["T"]), "isBlockTrade": row["BT"], "isRPITrade": row["RPI"], "seq": str(row["seq"])}
            for row in newest
        ]  # fmt: skip
        return {"category": "linear", "list": rows}
