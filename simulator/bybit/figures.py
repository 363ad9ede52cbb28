"""Bybit's candles, statistics, funding and order book of linear contracts, and its spot ticker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.figures import Figures
from simulator.rest import Query, whole

__all__ = ["BybitFigures"]

_MINUTES = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720,
            "D": 1440}  # fmt: skip
_PERIODS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}
_KLINES_AT_MOST, _BOOK_AT_MOST, _INTEREST_AT_MOST, _RATES_AT_MOST, _RATIOS_AT_MOST = 1000, 500, 200, 200, 500


class BybitFigures:
    """What Bybit publishes besides trades. Raises ValueError for whatever is wrong with a question."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures

    def endpoints(self) -> dict[str, Callable[[Query], dict[str, Any]]]:
        """Return path -> the result of the answer."""
        return {
            "/v5/market/kline": self.klines,
            "/v5/market/orderbook": self._book,
            "/v5/market/open-interest": self._interest,
            "/v5/market/account-ratio": self._ratio,
            "/v5/market/funding/history": self._rates,
        }

    def ticker(self, symbol: str) -> dict[str, str]:
        """Return the fields of a linear ticker that the past determines. Open interest counts both sides."""
        day, contract = self.figures.day(symbol), self.figures.contracts[symbol]
        decimals = contract.listing.price_decimals
        return {
            "prevPrice24h": f"{day.open:.{decimals}f}", "highPrice24h": f"{day.high:.{decimals}f}",
            "lowPrice24h": f"{day.low:.{decimals}f}", "turnover24h": f"{day.usd:.4f}",
            "volume24h": f"{day.usd / day.close:.4f}", **self.positions(symbol),
        }  # fmt: skip

    def positions(self, symbol: str) -> dict[str, str]:
        """Return a ticker's open interest, of both sides and of one, and its funding."""
        contract = self.figures.contracts[symbol]
        units, usd = self.figures.interest(symbol)
        return {
            "openInterest": f"{units * 2:.4f}", "openInterestValue": f"{usd * 2:.2f}",
            "singleOpenInterest": f"{units:.4f}", "singleOpenInterestValue": f"{usd:.2f}",
            "fundingRate": f"{self.figures.funding(symbol):.8f}", "fundingIntervalHour": str(contract.funding_hours),
            "nextFundingTime": str(self.figures.next_settlement(symbol)),
        }  # fmt: skip

    def spot_tickers(self, query: Query) -> dict[str, Any]:
        """Return one pair's ticker of category spot."""
        symbol = query.get("symbol", "")
        try:
            usd = self.figures.spot_usd(symbol.removesuffix("USDT"))
        except KeyError:
            raise ValueError("Not supported symbols") from None
        row = {"symbol": symbol, "turnover24h": f"{usd:.4f}", "volume24h": "", "lastPrice": ""}
        return {"category": "spot", "list": [row]}

    def klines(self, query: Query) -> dict[str, Any]:
        """Return the result of /v5/market/kline, newest first."""
        symbol = self._symbol(query)
        minutes, limit = _known(_MINUTES, query, "interval"), _limit(query, 200, _KLINES_AT_MOST)
        until = whole(query, "end", 0) if "end" in query else None
        decimals = self.figures.contracts[symbol].listing.price_decimals
        rows = []
        for bar in reversed(self.figures.bars(symbol, minutes, limit, until)):
            prices = [f"{price:.{decimals}f}" for price in (bar.open, bar.high, bar.low, bar.close)]
            rows.append([str(bar.begin), *prices, f"{bar.usd / bar.close:.4f}", f"{bar.usd:.4f}"])
        return {"category": "linear", "symbol": symbol, "list": rows}

    def _book(self, query: Query) -> dict[str, Any]:
        symbol = self._symbol(query)
        decimals = self.figures.contracts[symbol].listing.price_decimals
        bids, asks = (
            [[f"{price:.{decimals}f}", f"{usd / price:.6f}"] for price, usd in side]
            for side in self.figures.levels(symbol, _limit(query, 25, _BOOK_AT_MOST))
        )
        return {"s": symbol, "b": bids, "a": asks, "ts": self.figures.now(), "u": 1, "seq": 1}

    def _interest(self, query: Query) -> dict[str, Any]:
        symbol, minutes = self._symbol(query), _known(_PERIODS, query, "intervalTime")
        rows = []
        for at in reversed(self.figures.ends(minutes, _limit(query, 50, _INTEREST_AT_MOST))):
            units, _ = self.figures.interest(symbol, at)
            rows.append({"openInterest": f"{units * 2:.4f}", "singleOpenInterest": f"{units:.4f}", "timestamp": str(at)})
        return {"symbol": symbol, "category": "linear", "list": rows, "nextPageCursor": ""}

    def _ratio(self, query: Query) -> dict[str, Any]:
        symbol, minutes = self._symbol(query), _known(_PERIODS, query, "period")
        rows = []
        for at in reversed(self.figures.ends(minutes, _limit(query, 50, _RATIOS_AT_MOST))):
            long = self.figures.long_share("accounts", symbol, at)
            rows.append({"symbol": symbol, "buyRatio": f"{long:.4f}", "sellRatio": f"{1 - long:.4f}", "timestamp": str(at)})
        return {"list": rows, "nextPageCursor": ""}

    def _rates(self, query: Query) -> dict[str, Any]:
        symbol = self._symbol(query)
        if "startTime" in query and "endTime" not in query:
            raise ValueError("params error: startTime alone is not allowed")
        times = reversed(self.figures.settlements(symbol, _limit(query, 200, _RATES_AT_MOST)))
        rows = [
            {"symbol": symbol, "fundingRate": f"{self.figures.funding(symbol, at):.8f}", "fundingRateTimestamp": str(at)}
            for at in times
        ]
        return {"category": "linear", "list": rows}

    def _symbol(self, query: Query) -> str:
        symbol = query.get("symbol", "")
        if query.get("category") != "linear" or symbol not in self.figures.contracts:
            raise ValueError("params error: Symbol Invalid")
        return symbol


def _known(table: dict[str, int], query: Query, name: str) -> int:
    minutes = table.get(query.get(name, ""))
    if minutes is None:
        raise ValueError(f"params error: {name} Invalid")
    return minutes


def _limit(query: Query, default: int, at_most: int) -> int:
    return min(max(whole(query, "limit", default), 1), at_most)
