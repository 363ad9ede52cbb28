"""CoinGlass v4's REST door: keys, limits, plans and envelopes as observed; the views make the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.coinglass import (
    views_book,
    views_flow,
    views_interest,
    views_liquidations,
    views_markets,
    views_mood,
)
from simulator.coinglass.feed import CoinglassFeed
from simulator.coinglass.plans import Account, refusal
from simulator.coinglass.request import INTERVALS, RefusalError, Request, Route
from simulator.rest import Answer, Endpoint, Query

__all__ = ["CoinglassRest"]

_VIEWS = (views_markets, views_interest, views_liquidations, views_flow, views_book, views_mood)


class CoinglassRest:
    """Answers with HTTP 200 and a code in the envelope, except for the rate limit (429) and wrong paths (404)."""

    def __init__(self, feed: CoinglassFeed, accounts: dict[str, Account], now: Callable[[], int]) -> None:
        self._feed = feed
        self._accounts = accounts
        self._now = now

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        return {f"/api/{path}": self._keyed(route) for view in _VIEWS for path, route in view.ROUTES.items()}

    def missing(self, _query: Query, _headers: Mapping[str, str]) -> Answer:
        """Answer a path that does not exist."""
        return 404, refusal("endpoint"), {}

    def _keyed(self, route: Route) -> Endpoint:
        def answer(query: Query, headers: Mapping[str, str]) -> Answer:
            key = headers.get("CG-API-KEY", "")
            account = self._accounts.get(key)
            if account is None:
                return 200, refusal("key_invalid" if key else "key_missing"), {}
            allowed = account.spend(self._now())
            limits = {"API-KEY-MAX-LIMIT": str(account.plan.per_minute), "API-KEY-USE-LIMIT": str(account.used)}
            if not allowed:
                return 429, refusal("rate"), limits
            if account.plan.rank < route.least:
                return 200, refusal("upgrade_plan"), limits
            request = Request(query, account, self._feed.ledger, self._feed.clock.at(self._now()))
            try:
                return 200, {"code": "0", "msg": "success", "data": self._data(route, request)}, limits
            except RefusalError as error:
                return 200, refusal(error.args[0]), limits
            except (ValueError, KeyError):
                return 200, {"code": "400", "msg": "Invalid or missing parameter"}, limits

        return answer

    def _data(self, route: Route, request: Request) -> object:
        data_interval = request.query.get("interval", "")
        if route.floor and INTERVALS[data_interval] < request.account.plan.shortest_interval_min:
            if "exchange" in request.query and "symbol" in request.query:
                request.pair()
            raise RefusalError("interval")
        return route.make(request)
