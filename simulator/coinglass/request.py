"""What a CoinGlass request asks for, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.coinglass.ledger import EXCHANGES, Contract, Ledger
from simulator.coinglass.plans import Account
from simulator.rest import Query, whole

__all__ = ["INTERVALS", "RANGES", "RefusalError", "Request", "Route"]

_MINUTE_MS = 60_000
INTERVALS = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "6h": 360, "8h": 480,
             "12h": 720, "1d": 1440, "1w": 10080}  # fmt: skip
"""Spelling -> minutes."""

RANGES = {"5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "8h": 480, "12h": 720, "24h": 1440, "48h": 2880,
          "1d": 1440, "3d": 4320, "7d": 10080, "14d": 20160, "30d": 43200, "90d": 129600, "180d": 259200,
          "365d": 525600, "1y": 525600, "1w": 10080}  # fmt: skip
"""Lengths of `range` and of windows -> minutes."""

_ROWS_AT_MOST = 1000


class RefusalError(Exception):
    """A request that is answered with the envelope of a refusal; the argument names it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request's query with the ledger that answers it. now: Unix ms."""

    query: Query
    account: Account
    ledger: Ledger
    now: int

    def coin(self) -> list[Contract]:
        """Return the contracts of the coin `symbol` on the exchanges of `exchange_list`."""
        names = self.query.get("exchange_list", "")
        found = self.ledger.of(self.query["symbol"], () if names in {"", "ALL"} else names.split(","))
        if not found:
            raise RefusalError("pair")
        return found

    def forced_of(self) -> list[Contract]:
        """Return the contracts of the coin `symbol` that may have forced orders."""
        idle = [contract for contract in self.ledger.idle if contract.asset.name == self.query["symbol"]]
        return idle or self.coin()

    def pair(self) -> Contract:
        """Return the contract `symbol` of `exchange`."""
        exchange, symbol = self.query["exchange"].lower(), self.query["symbol"]
        for contract in self.ledger.contracts:
            if contract.listing.symbol == symbol and contract.exchange.lower() == exchange:
                return contract
        raise RefusalError("pair")

    def exchange(self) -> list[Contract]:
        """Return the contracts of all coins on `exchange`."""
        if self.query["exchange"].lower() not in {name.lower() for name in EXCHANGES.values()}:
            raise RefusalError("pair")
        return [
            contract
            for contract in (*self.ledger.contracts, *self.ledger.idle)
            if contract.exchange.lower() == self.query["exchange"].lower()
        ]

    def span(self) -> int:
        """Return `range` in ms."""
        return RANGES[self.query["range"]] * _MINUTE_MS

    def bars(self) -> list[tuple[int, int]]:
        """Return (start, end) of the asked periods, oldest first; the last one may still be open."""
        span = INTERVALS[self.query["interval"]] * _MINUTE_MS
        limit = min(whole(self.query, "limit", _ROWS_AT_MOST), _ROWS_AT_MOST)
        end = min(whole(self.query, "end_time", self.now), self.now)
        begin = whole(self.query, "start_time", 0)
        last = (end - 1) // span * span
        first = max(last - (limit - 1) * span, -(-begin // span) * span)
        return [(start, min(start + span, self.now)) for start in range(first, last + 1, span)]


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint. least: rank of the lowest plan. floor: whether plans limit `interval` from below."""

    make: Callable[[Request], Any]
    least: int = 0
    floor: bool = False
