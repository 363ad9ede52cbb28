"""OKX's candles, statistics, funding and order book of the swaps, and its spot ticker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from simulator.figures import Figures
from simulator.rest import Query, whole

__all__ = ["OkxFigures"]

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240, "1Dutc": 1440}
_RATIOS = {
    "long-short-account-ratio-contract": "accounts",
    "long-short-account-ratio-contract-top-trader": "top accounts",
    "long-short-position-ratio-contract-top-trader": "top positions",
}
_CANDLES_AT_MOST, _BOOK_AT_MOST, _ROWS_AT_MOST = 300, 400, 100


class OkxFigures:
    """What OKX publishes besides trades; sizes in contracts. Raises ValueError with the wrong parameter's name."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures

    def endpoints(self) -> dict[str, tuple[int, Callable[[Query], list[Any]]]]:
        """Return path -> (requests allowed per 2 s, answer's data)."""
        found: dict[str, tuple[int, Callable[[Query], list[Any]]]] = {
            "/api/v5/market/ticker": (20, self._ticker),
            "/api/v5/market/candles": (40, self.candles),
            "/api/v5/market/books": (40, self._books),
            "/api/v5/public/open-interest": (20, self._interest),
            "/api/v5/public/funding-rate": (20, self._funding),
            "/api/v5/public/funding-rate-history": (10, self._rates),
            "/api/v5/rubik/stat/contracts/open-interest-history": (5, self._past_interest),
            "/api/v5/rubik/stat/taker-volume-contract": (5, self._takers),
        }
        for name, kind in _RATIOS.items():
            found[f"/api/v5/rubik/stat/contracts/{name}"] = (5, partial(self._ratio, kind))
        return found

    def _ticker(self, query: Query) -> list[dict[str, str]]:
        symbol = query.get("instId", "")
        if not symbol.endswith("-SWAP"):
            return [self._spot(symbol)]
        symbol = self._symbol(query)
        day, listing = self.figures.day(symbol), self.figures.contracts[symbol].listing
        coins = day.usd / day.close
        contracts = (day.usd if listing.inverse else coins) / listing.multiplier
        prices = {name: f"{value:.{listing.price_decimals}f}" for name, value in (
            ("last", day.close), ("open24h", day.open), ("high24h", day.high), ("low24h", day.low))}  # fmt: skip
        return [{"instType": "SWAP", "instId": symbol, **prices, "volCcy24h": f"{coins:.6f}",
                 "vol24h": f"{contracts:.2f}", "ts": str(self.figures.now())}]  # fmt: skip

    def _spot(self, symbol: str) -> dict[str, str]:
        try:
            usd = self.figures.spot_usd(symbol.removesuffix("-USDT"))
        except KeyError:
            raise ValueError("instId") from None
        # Of a spot pair volCcy24h counts the quote currency.
        blank = {"last": "", "open24h": "", "high24h": "", "low24h": ""}
        return {"instType": "SPOT", "instId": symbol, **blank, "volCcy24h": f"{usd:.4f}", "ts": str(self.figures.now())}

    def candles(self, query: Query) -> list[list[str]]:
        """Return rows of /api/v5/market/candles, newest first; `after` names the first one that is too new."""
        symbol, minutes = self._symbol(query), _known(query, "bar")
        listing = self.figures.contracts[symbol].listing
        until = whole(query, "after", 0) - 1 if "after" in query else None
        rows = []
        for bar in reversed(self.figures.bars(symbol, minutes, _limit(query, 100, _CANDLES_AT_MOST), until)):
            prices = [f"{price:.{listing.price_decimals}f}" for price in (bar.open, bar.high, bar.low, bar.close)]
            coins = bar.usd / bar.close
            closed = "1" if bar.end <= self.figures.now() else "0"
            rows.append([str(bar.begin), *prices, f"{coins / listing.multiplier:.2f}", f"{coins:.4f}",
                         f"{bar.usd:.4f}", closed])  # fmt: skip
        return rows

    def _books(self, query: Query) -> list[dict[str, Any]]:
        symbol = self._symbol(query)
        listing = self.figures.contracts[symbol].listing
        count = min(max(whole(query, "sz", 1), 1), _BOOK_AT_MOST)
        sides = []
        for side in self.figures.levels(symbol, count):
            rows = []
            for price, usd in side:
                size = usd / listing.multiplier / (1.0 if listing.inverse else price)
                rows.append([f"{price:.{listing.price_decimals}f}", f"{size:.6f}", "0", "3"])
            sides.append(rows)
        return [{"bids": sides[0], "asks": sides[1], "ts": str(self.figures.now())}]

    def _interest(self, query: Query) -> list[dict[str, str]]:
        if query.get("instType") != "SWAP":
            raise ValueError("instType")
        symbols = [self._symbol(query)] if "instId" in query else list(self.figures.contracts)
        return [
            {"instType": "SWAP", "instId": symbol, **self._open(symbol, self.figures.now()), "ts": str(self.figures.now())}
            for symbol in symbols
        ]

    def _open(self, symbol: str, at: int) -> dict[str, str]:
        coins, usd = self.figures.interest(symbol, at)
        listing = self.figures.contracts[symbol].listing
        contracts = (usd if listing.inverse else coins) / listing.multiplier
        return {"oi": f"{contracts:.4f}", "oiCcy": f"{coins:.6f}", "oiUsd": f"{usd:.4f}"}

    def _past_interest(self, query: Query) -> list[list[str]]:
        symbol, minutes = self._symbol(query), _known(query, "period")
        times = reversed(self.figures.ends(minutes, _limit(query, 100, _ROWS_AT_MOST)))
        return [[str(at), *self._open(symbol, at).values()] for at in times]

    def _funding(self, query: Query) -> list[dict[str, str]]:
        symbol = self._symbol(query)
        due = self.figures.next_settlement(symbol)
        after = due + self.figures.contracts[symbol].funding_hours * 3_600_000
        return [{"instType": "SWAP", "instId": symbol, "fundingRate": f"{self.figures.funding(symbol):.10f}",
                 "fundingTime": str(due), "nextFundingTime": str(after), "nextFundingRate": "",
                 "ts": str(self.figures.now())}]  # fmt: skip

    def _rates(self, query: Query) -> list[dict[str, str]]:
        symbol = self._symbol(query)
        rows = []
        for at in reversed(self.figures.settlements(symbol, _limit(query, 100, _ROWS_AT_MOST))):
            rate = f"{self.figures.funding(symbol, at):.10f}"
            rows.append({"instId": symbol, "fundingRate": rate, "realizedRate": rate, "fundingTime": str(at)})
        return rows

    def _ratio(self, kind: str, query: Query) -> list[list[str]]:
        symbol, minutes = self._symbol(query), _known(query, "period")
        rows = []
        for at in reversed(self.figures.ends(minutes, _limit(query, 100, _ROWS_AT_MOST))):
            long = self.figures.long_share(kind, symbol, at)
            rows.append([str(at), f"{long / (1 - long):.4f}"])
        return rows

    def _takers(self, query: Query) -> list[list[str]]:
        symbol, minutes = self._symbol(query), _known(query, "period")
        if query.get("unit") != "2":
            raise ValueError("unit")
        bars = self.figures.bars(symbol, minutes, _limit(query, 100, _ROWS_AT_MOST))
        return [[str(bar.begin), f"{bar.sold:.4f}", f"{bar.bought:.4f}"] for bar in reversed(bars)]

    def _symbol(self, query: Query) -> str:
        symbol = query.get("instId", "")
        if symbol not in self.figures.contracts:
            raise ValueError("instId")
        return symbol


def _known(query: Query, name: str) -> int:
    minutes = _MINUTES.get(query.get(name, ""))
    if minutes is None:
        raise ValueError(name)
    return minutes


def _limit(query: Query, default: int, at_most: int) -> int:
    return min(max(whole(query, "limit", default), 1), at_most)
