"""Binance's candles, statistics, funding and order book, and its spot ticker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from simulator.figures import Figures
from simulator.rest import Query, whole

__all__ = ["BinanceFigures"]

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
            "12h": 720, "1d": 1440}  # fmt: skip
_RATIOS = {"globalLongShortAccountRatio": "accounts", "topLongShortAccountRatio": "top accounts",
           "topLongShortPositionRatio": "top positions"}  # fmt: skip
_KLINES_AT_MOST, _STATISTICS_AT_MOST = 1500, 500
_DEPTHS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
"""Allowed limit of depth -> its weight."""


class BinanceFigures:
    """What Binance publishes besides trades. Unknown symbols raise KeyError, wrong parameters ValueError."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures

    def endpoints(self) -> dict[str, tuple[Callable[[Query], int], Callable[[Query], Any]]]:
        """Return path -> (weight, answer)."""
        found: dict[str, tuple[Callable[[Query], int], Callable[[Query], Any]]] = {
            "/fapi/v1/klines": (_weight_of_klines, self.klines),
            "/fapi/v1/depth": (lambda query: _DEPTHS.get(int(query.get("limit", 500)), 1), self._depth),
            "/fapi/v1/openInterest": (lambda _: 1, self._interest),
            "/fapi/v1/fundingInfo": (lambda _: 0, self._intervals),
            "/fapi/v1/fundingRate": (lambda _: 0, self._rates),
            "/futures/data/openInterestHist": (lambda _: 0, self._past_interest),
            "/api/v3/ticker/24hr": (lambda _: 2, self._spot),
        }
        for name, kind in _RATIOS.items():
            found[f"/futures/data/{name}"] = (lambda _: 0, partial(self._ratio, kind))
        return found

    def ticker(self, symbol: str) -> dict[str, str]:
        """Return the fields of ticker/24hr that the past determines."""
        day, decimals = self.figures.day(symbol), self.figures.contracts[symbol].listing.price_decimals
        return {
            "openPrice": f"{day.open:.{decimals}f}", "highPrice": f"{day.high:.{decimals}f}",
            "lowPrice": f"{day.low:.{decimals}f}", "quoteVolume": f"{day.usd:.2f}",
            "volume": f"{day.usd / day.close:.3f}",
        }  # fmt: skip

    def klines(self, query: Query) -> list[list[Any]]:
        """Return rows of /fapi/v1/klines, oldest first."""
        symbol, minutes = query["symbol"], _MINUTES[query["interval"]]
        decimals = self.figures.contracts[symbol].listing.price_decimals
        rows = []
        for bar in self.figures.bars(symbol, minutes, _limit(query, _KLINES_AT_MOST), _until(query, "endTime")):
            prices = [f"{price:.{decimals}f}" for price in (bar.open, bar.high, bar.low, bar.close)]
            rows.append([
                bar.begin, *prices, f"{bar.usd / bar.close:.3f}", bar.end - 1, f"{bar.usd:.4f}", round(bar.usd / 900),
                f"{bar.bought / bar.close:.3f}", f"{bar.bought:.4f}", "0",
            ])  # fmt: skip
        return rows

    def _depth(self, query: Query) -> dict[str, Any]:
        symbol, limit = query["symbol"], whole(query, "limit", 500)
        if limit not in _DEPTHS:
            raise ValueError("limit")
        decimals = self.figures.contracts[symbol].listing.price_decimals
        bids, asks = (
            [[f"{price:.{decimals}f}", f"{usd / price:.6f}"] for price, usd in side]
            for side in self.figures.levels(symbol, limit)
        )
        now = self.figures.now()
        return {"lastUpdateId": now, "E": now, "T": now, "bids": bids, "asks": asks}

    def _interest(self, query: Query) -> dict[str, Any]:
        units, _ = self.figures.interest(query["symbol"])
        return {"openInterest": f"{units:.3f}", "symbol": query["symbol"], "time": self.figures.now()}

    def _intervals(self, _query: Query) -> list[dict[str, Any]]:
        return [
            {"symbol": symbol, "adjustedFundingRateCap": "0.02", "adjustedFundingRateFloor": "-0.02",
             "fundingIntervalHours": contract.funding_hours, "disclaimer": False}
            for symbol, contract in self.figures.contracts.items()
            if symbol.startswith("1000")
        ]  # fmt: skip

    def _rates(self, query: Query) -> list[dict[str, Any]]:
        symbol = query["symbol"]
        return [
            {"symbol": symbol, "fundingTime": at, "fundingRate": f"{self.figures.funding(symbol, at):.8f}",
             "markPrice": ""}
            for at in self.figures.settlements(symbol, _limit(query, 1000))
        ]  # fmt: skip

    def _past_interest(self, query: Query) -> list[dict[str, Any]]:
        symbol, rows = query["symbol"], []
        for at in self.figures.ends(_MINUTES[query["period"]], _limit(query, _STATISTICS_AT_MOST)):
            units, usd = self.figures.interest(symbol, at)
            rows.append({"symbol": symbol, "sumOpenInterest": f"{units:.8f}", "sumOpenInterestValue": f"{usd:.8f}",
                         "timestamp": at})  # fmt: skip
        return rows

    def _ratio(self, kind: str, query: Query) -> list[dict[str, Any]]:
        symbol, rows = query["symbol"], []
        for at in self.figures.ends(_MINUTES[query["period"]], _limit(query, _STATISTICS_AT_MOST)):
            long = self.figures.long_share(kind, symbol, at)
            rows.append({"symbol": symbol, "longAccount": f"{long:.4f}", "shortAccount": f"{1 - long:.4f}",
                         "longShortRatio": f"{long / (1 - long):.4f}", "timestamp": at})  # fmt: skip
        return rows

    def _spot(self, query: Query) -> dict[str, Any]:
        symbol = query["symbol"]
        return {"symbol": symbol, "quoteVolume": f"{self.figures.spot_usd(symbol.removesuffix('USDT')):.4f}"}


def _until(query: Query, name: str) -> int | None:
    return whole(query, name, 0) if name in query else None


def _limit(query: Query, at_most: int) -> int:
    limit = whole(query, "limit", 30)
    if not 0 < limit <= at_most:
        raise ValueError("limit")
    return limit


def _weight_of_klines(query: Query) -> int:
    limit = whole(query, "limit", 500)
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
