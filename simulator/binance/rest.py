"""Binance USD-M's REST endpoints that a reader of trades and prices needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from simulator.binance.feed import BinanceFeed
from simulator.binance.figures import BinanceFigures
from simulator.rest import Answer, Endpoint, Query, whole

__all__ = ["WEIGHT_PER_MINUTE", "BinanceRest"]

WEIGHT_PER_MINUTE = 2400
_ROWS_AT_MOST = 1000
_HOUR_MS = 3_600_000


class BinanceRest:
    """exchangeInfo, ticker/24hr, aggTrades, premiumIndex, time and the figures, within the weight of an IP.

    now: time since the simulation's start in ms.
    """

    def __init__(self, feed: BinanceFeed, figures: BinanceFigures, now: Callable[[], int]) -> None:
        self._feed = feed
        self._figures = figures
        self._now = now
        self._minute, self._used = -1, 0

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        return {
            "/fapi/v1/time": self._weighed(lambda _: 1, lambda _: {"serverTime": self._feed.clock.at(self._now())}),
            "/fapi/v1/exchangeInfo": self._weighed(lambda _: 1, self._exchange_info),
            "/fapi/v1/ticker/24hr": self._weighed(lambda query: 1 if "symbol" in query else 40, self._tickers),
            "/fapi/v1/premiumIndex": self._weighed(lambda query: 1 if "symbol" in query else 10, self._premium),
            "/fapi/v1/aggTrades": self._weighed(lambda _: 20, self._agg_trades),
            **{path: self._weighed(*both) for path, both in self._figures.endpoints().items()},
        }

    def missing(self, _query: Query, _headers: Mapping[str, str]) -> Answer:
        """Answer a path that does not exist."""
        return 404, {"code": -5000, "msg": "Path not found"}, {}

    def _weighed(self, weight: Callable[[Query], int], make: Callable[[Query], Any]) -> Endpoint:
        def answer(query: Query, _headers: Mapping[str, str]) -> Answer:
            minute = self._now() // 60_000
            if minute != self._minute:
                self._minute, self._used = minute, 0
            self._used += weight(query)
            headers = {"X-MBX-USED-WEIGHT-1M": str(self._used)}
            if self._used > WEIGHT_PER_MINUTE:
                return 429, {"code": -1003, "msg": "Too many requests"}, {**headers, "Retry-After": "30"}
            try:
                return 200, make(query), headers
            except _ParameterError as error:
                return 400, {"code": error.args[0], "msg": error.args[1]}, headers
            except KeyError:
                return 400, {"code": -1121, "msg": "Invalid symbol."}, headers
            except ValueError:
                return 400, {"code": -1130, "msg": "Data sent for a parameter is not valid."}, headers

        return answer

    def _symbols(self, query: Query) -> list[str]:
        known = self._feed.history.listings
        symbol = query.get("symbol")
        if symbol is None:
            return list(known)
        if symbol not in known:
            raise _ParameterError(-1121, "Invalid symbol.")
        return [symbol]

    def _exchange_info(self, _query: Query) -> dict[str, Any]:
        rows = [
            {"symbol": listing.symbol, "pair": listing.symbol, "contractType": "PERPETUAL", "status": "TRADING",
             "baseAsset": listing.symbol.removesuffix("USDT"), "quoteAsset": "USDT", "marginAsset": "USDT",
             "pricePrecision": listing.price_decimals, "quantityPrecision": listing.quantity_decimals,
             "underlyingType": "COIN"}
            for listing in self._feed.history.listings.values()
        ]  # fmt: skip
        return {"timezone": "UTC", "serverTime": self._feed.clock.at(self._now()), "symbols": rows}

    def _tickers(self, query: Query) -> Any:
        rows = []
        for symbol in self._symbols(query):
            quote, listing = self._feed.history.quotes[symbol], self._feed.history.listings[symbol]
            price = f"{quote.price:.{listing.price_decimals}f}"
            row = {"symbol": symbol, "lastPrice": price, "openPrice": price, "highPrice": price, "lowPrice": price,
                   "quoteVolume": f"{quote.volume:.2f}", "volume": f"{quote.volume / quote.price:.3f}",
                   "count": quote.trades, "closeTime": self._feed.clock.at(self._now())}  # fmt: skip
            if "symbol" in query and symbol in self._figures.figures.contracts:
                row |= self._figures.ticker(symbol)
            rows.append(row)
        return rows[0] if "symbol" in query else rows

    def _premium(self, query: Query) -> Any:
        now = self._feed.clock.at(self._now())
        rows = [
            {"symbol": symbol, "markPrice": f"{self._feed.history.quotes[symbol].price:.8f}",
             "indexPrice": f"{self._feed.history.quotes[symbol].price:.8f}", "lastFundingRate": self._rate(symbol),
             "nextFundingTime": self._next_settlement(symbol, now), "time": now}
            for symbol in self._symbols(query)
        ]  # fmt: skip
        return rows[0] if "symbol" in query else rows

    def _rate(self, symbol: str) -> str:
        figures = self._figures.figures
        return f"{figures.funding(symbol):.8f}" if symbol in figures.contracts else "0.00010000"

    def _next_settlement(self, symbol: str, now: int) -> int:
        figures = self._figures.figures
        return figures.next_settlement(symbol) if symbol in figures.contracts else (now // 28_800_000 + 1) * 28_800_000

    def _agg_trades(self, query: Query) -> list[dict[str, Any]]:
        if "symbol" not in query:
            raise _ParameterError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        (symbol,) = self._symbols(query)
        trades = self._feed.history.trades[symbol]
        try:
            limit = whole(query, "limit", 500)
            from_id, start, end = (whole(query, name, -1) for name in ("fromId", "startTime", "endTime"))
        except ValueError:
            raise _ParameterError(-1100, "Illegal characters found in a parameter.") from None
        if not 0 < limit <= _ROWS_AT_MOST:
            raise _ParameterError(-1130, "Data sent for parameter 'limit' is not valid.")
        if start >= 0 and end - start > _HOUR_MS:
            raise _ParameterError(-4084, "Invalid time interval: more than 1 hour.")
        if from_id >= 0:
            return list(islice((row for row in trades if row["a"] >= from_id), limit))
        if start >= 0:
            return list(islice((row for row in trades if row["T"] >= start and (end < 0 or row["T"] <= end)), limit))
        return list(trades)[-limit:]


class _ParameterError(Exception):
    """A request that is answered with (code, message)."""
