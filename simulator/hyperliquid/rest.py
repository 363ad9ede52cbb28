"""Hyperliquid's info endpoint: POST /info with the question's type (docs of 2026)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from simulator.figures import Figures
from simulator.hyperliquid.accounts import Accounts, is_address
from simulator.rest import Answer, Endpoint, Query

__all__ = ["HyperliquidRest"]

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "8h": 480, "12h": 720,
            "1d": 1440}  # fmt: skip
_WEIGHT_PER_MINUTE, _MINUTE_MS, _HOUR_MS = 1200, 60_000, 3_600_000
_WEIGHTS = {"l2Book": 2, "allMids": 2, "clearinghouseState": 2, "recentTrades": 21}
_TRADES, _TRADE_EVERY_MS, _LEVELS, _CANDLES_AT_MOST = 10, 2_700, 20, 5000


class HyperliquidRest:
    """metaAndAssetCtxs, recentTrades, candleSnapshot, fundingHistory, l2Book and clearinghouseState, within the weight of an address."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._accounts = Accounts(figures)
        self._spent: deque[tuple[int, int]] = deque()
        self._questions: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "metaAndAssetCtxs": self._contexts,
            "recentTrades": self._trades,
            "candleSnapshot": self._candles,
            "fundingHistory": self._rates,
            "l2Book": self._book,
            "clearinghouseState": lambda query: self._accounts.state(query["user"]),
        }

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        return {"/info": self._answer}

    def missing(self, _query: Query, _headers: Mapping[str, str]) -> Answer:
        """Answer a path that does not exist."""
        return 404, None, {}

    def _answer(self, query: Query, _headers: Mapping[str, str]) -> Answer:
        kind = str(query.get("type", ""))
        if not self._spend(_WEIGHTS.get(kind, 20)):
            return 429, None, {}
        make = self._questions.get(kind)
        if make is None or (kind == "clearinghouseState" and not is_address(query.get("user"))):
            return 422, "Failed to deserialize the JSON body into the target type", {}
        try:
            return 200, make(query), {}
        except (KeyError, TypeError, ValueError):
            return 500, None, {}

    def _spend(self, weight: int) -> bool:
        now = self._figures.now()
        while self._spent and self._spent[0][0] <= now - _MINUTE_MS:
            self._spent.popleft()
        if sum(each for _, each in self._spent) + weight > _WEIGHT_PER_MINUTE:
            return False
        self._spent.append((now, weight))
        return True

    def _contexts(self, _query: Mapping[str, Any]) -> list[Any]:
        universe: list[Any] = []
        states: list[dict[str, Any]] = []
        for symbol, contract in self._figures.contracts.items():
            day, price = self._figures.day(symbol), self._figures.price(symbol)
            units, _ = self._figures.interest(symbol)
            text = _text(contract.listing.price_decimals)
            universe.append({"szDecimals": 2, "name": symbol, "maxLeverage": 20, "marginTableId": 51})
            states.append({
                "funding": f"{self._hourly(symbol, self._figures.now()):.10f}", "openInterest": f"{units:.6f}",
                "prevDayPx": text(day.open), "dayNtlVlm": f"{day.usd:.6f}", "premium": "0.0001", "oraclePx": text(price),
                "markPx": text(price), "midPx": text(price), "impactPxs": [text(price), text(price)],
                "dayBaseVlm": f"{day.usd / price:.4f}",
            })  # fmt: skip
        universe.append({"szDecimals": 0, "name": "GONE", "maxLeverage": 3, "marginTableId": 3, "isDelisted": True})
        states.append({"funding": "0.0", "openInterest": "0.0", "prevDayPx": "1.0", "dayNtlVlm": "0.0", "premium": None,
                       "oraclePx": "1.0", "markPx": "1.0", "midPx": None, "impactPxs": None, "dayBaseVlm": "0.0"})  # fmt: skip
        return [{"universe": universe, "marginTables": [], "collateralToken": 0}, states]

    def _trades(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        symbol = query["coin"]
        contract, newest = self._figures.contracts[symbol], self._figures.now() // _TRADE_EVERY_MS
        text, rows = _text(contract.listing.price_decimals), []
        for number in range(newest, newest - _TRADES, -1):
            at = number * _TRADE_EVERY_MS
            shape = self._figures.ledger.state(f"trade {symbol} {number}", at)
            price = self._figures.ledger.price(contract.asset, at, self._figures.now()) * contract.listing.scale
            usd = contract.asset.turnover * 1e-6 * (1.05 + shape)
            rows.append({"coin": symbol, "side": "B" if shape > 0 else "A", "px": text(price), "sz": f"{usd / price:.6f}",
                         "time": at, "hash": f"0x{number:064x}", "tid": number,
                         "users": list(self._accounts.parties(f"{symbol} {number}"))})  # fmt: skip
        return rows

    def _candles(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked = query["req"]
        symbol, minutes = asked["coin"], _MINUTES[asked["interval"]]
        begin, end = int(asked["startTime"]), int(asked["endTime"])
        limit = min((self._figures.now() - begin) // (minutes * _MINUTE_MS) + 1, _CANDLES_AT_MOST)
        text = _text(self._figures.contracts[symbol].listing.price_decimals)
        return [
            {"t": bar.begin, "T": bar.end - 1, "s": symbol, "i": asked["interval"], "o": text(bar.open),
             "c": text(bar.close), "h": text(bar.high), "l": text(bar.low), "v": f"{bar.usd / bar.close:.4f}", "n": 9}
            for bar in self._figures.bars(symbol, minutes, limit)
            if begin <= bar.begin <= end
        ]  # fmt: skip

    def _rates(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        symbol, begin = query["coin"], int(query["startTime"])
        newest = self._figures.now() // _HOUR_MS * _HOUR_MS
        self._figures.contracts[symbol]
        times = range(-(-begin // _HOUR_MS) * _HOUR_MS, newest + 1, _HOUR_MS)
        return [
            {"coin": symbol, "fundingRate": f"{self._hourly(symbol, at):.10f}", "premium": "0.0001", "time": at}
            for at in times[-500:]
        ]

    def _book(self, query: Mapping[str, Any]) -> dict[str, Any]:
        symbol = query["coin"]
        text = _text(self._figures.contracts[symbol].listing.price_decimals)
        sides = [
            [{"px": text(price), "sz": f"{usd / price:.6f}", "n": 4} for price, usd in side]
            for side in self._figures.levels(symbol, _LEVELS)
        ]
        return {"coin": symbol, "time": self._figures.now(), "levels": sides}

    def _hourly(self, symbol: str, at: int) -> float:
        return self._figures.funding(symbol, at) / self._figures.contracts[symbol].funding_hours


def _text(decimals: int) -> Callable[[float], str]:
    return lambda price: f"{price:.{decimals}f}"
