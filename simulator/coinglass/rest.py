"""CoinGlass v4's REST endpoints: account, coins, liquidations; envelopes and limits as observed.

The side codes of liquidation/order are those of the WebSocket (1 long, 2 short). The documentation calls
them buy and sell; its own sample fits this coding, and liquidation/history here agrees with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from simulator.coinglass.feed import EXCHANGES, CoinglassFeed
from simulator.coinglass.plans import Account, refusal
from simulator.feeds import Printed
from simulator.rest import Answer, Endpoint, Query, whole

__all__ = ["CoinglassRest"]

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "6h": 360, "8h": 480,
            "12h": 720, "1d": 1440, "1w": 10080}  # fmt: skip
_RANGES = {"1h": 1, "4h": 4, "12h": 12, "24h": 24}
_ROWS_AT_MOST = 200
_STANDARD = 2


class _RefusalError(Exception):
    """A request that is answered with the envelope of a refusal; the argument names it."""


class CoinglassRest:
    """Answers with HTTP 200 and a code in the envelope, except for the rate limit (429) and wrong paths (404)."""

    def __init__(self, feed: CoinglassFeed, accounts: dict[str, Account], now: Callable[[], int]) -> None:
        self._feed = feed
        self._accounts = accounts
        self._now = now

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        base = "/api/futures"
        return {
            "/api/user/account/subscription": self._keyed(self._subscription),
            f"{base}/supported-coins": self._keyed(lambda _, __: [asset.name for asset in self._feed.assets]),
            f"{base}/supported-exchanges": self._keyed(lambda _, __: list(EXCHANGES.values())),
            f"{base}/liquidation/order": self._keyed(self._orders, least=_STANDARD),
            f"{base}/liquidation/exchange-list": self._keyed(self._by_exchange),
            f"{base}/liquidation/history": self._keyed(self._history),
        }

    def missing(self, _query: Query, _headers: Mapping[str, str]) -> Answer:
        """Answer a path that does not exist."""
        return 404, refusal("endpoint"), {}

    def _keyed(self, make: Callable[[Query, Account], Any], least: int = 0) -> Endpoint:
        def answer(query: Query, headers: Mapping[str, str]) -> Answer:
            key = headers.get("CG-API-KEY", "")
            account = self._accounts.get(key)
            if account is None:
                return 200, refusal("key_invalid" if key else "key_missing"), {}
            allowed = account.spend(self._now())
            limits = {"API-KEY-MAX-LIMIT": str(account.plan.per_minute), "API-KEY-USE-LIMIT": str(account.used)}
            if not allowed:
                return 429, refusal("rate"), limits
            if account.plan.rank < least:
                return 200, refusal("upgrade_plan"), limits
            try:
                return 200, {"code": "0", "msg": "success", "data": make(query, account)}, limits
            except _RefusalError as error:
                return 200, refusal(error.args[0]), limits
            except (ValueError, KeyError):
                return 200, {"code": "400", "msg": "Invalid or missing parameter"}, limits

        return answer

    def _subscription(self, _query: Query, account: Account) -> dict[str, Any]:
        return {"level": account.level, "expire_time": self._feed.clock.at(0) + 365 * 86_400_000, "expired": False}

    def _rows(self, *, since_ms: int, exchange: str = "", asset: str = "") -> list[Printed]:
        """Return the forced orders since a venue time, newest first."""
        rows = []
        for row in reversed(self._feed.history.liquidations):
            if row.event_ms < since_ms:
                continue
            if exchange and EXCHANGES[row.listing.venue].lower() != exchange.lower():
                continue
            if not asset or row.listing.asset == asset:
                rows.append(row)
        return rows

    def _orders(self, query: Query, _account: Account) -> list[dict[str, Any]]:
        exchange, symbol = query["exchange"], query["symbol"]
        self._check(exchange, symbol)
        least, end = float(query["min_liquidation_amount"]), whole(query, "end_time", 1 << 62)
        rows = [
            row for row in self._rows(since_ms=whole(query, "start_time", 0), exchange=exchange, asset=symbol)
            if row.usd >= least and row.event_ms < end
        ]  # fmt: skip
        return [
            {"exchange_name": EXCHANGES[row.listing.venue].upper(), "symbol": row.listing.symbol,
             "base_asset": row.listing.asset, "price": float(row.price), "usd_value": round(row.usd, 4),
             "side": 1 if row.long else 2, "time": row.event_ms}
            for row in rows[:_ROWS_AT_MOST]
        ]  # fmt: skip

    def _by_exchange(self, query: Query, _account: Account) -> list[dict[str, Any]]:
        symbol = query.get("symbol", "")
        if symbol:
            self._check("", symbol)
        since = self._feed.clock.at(self._now()) - _RANGES[query["range"]] * 3_600_000
        sums: dict[str, list[float]] = {name: [0.0, 0.0] for name in ("All", *EXCHANGES.values())}
        for row in self._rows(since_ms=since, asset=symbol):
            for name in ("All", EXCHANGES[row.listing.venue]):
                sums[name][0 if row.long else 1] += row.usd
        return [
            {"exchange": name, "liquidation_usd": long + short, "long_liquidation_usd": long,
             "short_liquidation_usd": short}
            for name, (long, short) in sums.items()
        ]  # fmt: skip

    def _history(self, query: Query, account: Account) -> list[dict[str, Any]]:
        exchange, pair, minutes = query["exchange"], query["symbol"], _MINUTES[query["interval"]]
        if f"{exchange}_{pair}" not in self._feed.pairs:
            raise _RefusalError("pair")
        if minutes < account.plan.shortest_interval_min:
            raise _RefusalError("interval")
        span, limit = minutes * 60_000, min(whole(query, "limit", 1000), 1000)
        bars: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for row in self._rows(since_ms=whole(query, "start_time", 0), exchange=exchange):
            if row.listing.symbol == pair:
                bars[row.event_ms // span * span][0 if row.long else 1] += row.usd
        return [
            {"time": start, "long_liquidation_usd": f"{bars[start][0]:.5f}",
             "short_liquidation_usd": f"{bars[start][1]:.5f}"}
            for start in sorted(bars)[-limit:]
        ]  # fmt: skip

    def _check(self, exchange: str, asset: str) -> None:
        if exchange and exchange.lower() not in {name.lower() for name in EXCHANGES.values()}:
            raise _RefusalError("pair")
        if asset not in {known.name for known in self._feed.assets}:
            raise _RefusalError("pair")
