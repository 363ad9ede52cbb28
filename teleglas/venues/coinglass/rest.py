"""CoinGlass API v4 by REST: the key goes in a header, verdicts come in the body.

Sources: CoinGlass docs and its skills repository; answers seen live are marked. The limit
belongs to the key: the bots share it through the database (`share`), else half of it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.coinglass.budget import SharedBudget
from teleglas.venues.rest_client import Limit, RestClient, Throttled, check_status, retry_after_s

__all__ = ["MAX_ORDERS", "CoinglassRefused", "CoinglassRest", "may_stream"]

MAX_ORDERS = 200
"""Most rows of one liquidation/order answer; that many means truncated."""

_SMALLEST_PLAN = 30  # requests a minute
_STANDARD_PLAN = 300
_BUDGET = Limit(units=_SMALLEST_PLAN / 2, window_s=60, burst=4)
_QUIET_AFTER_429_S = 30.0
_PLAN_WORDS = re.compile(r"upgrade plan|current api plan", re.IGNORECASE)
_KEY_WORDS = re.compile(r"api.?key|apikey|secret", re.IGNORECASE)
_STREAMING_LEVELS = frozenset({"STANDARD", "PROFESSIONAL", "ENTERPRISE"})


class CoinglassRefused(FeedRefused):
    """CoinGlass itself refused, with `code` and `message` in the body."""

    def __init__(self, reason: str, code: str, message: str) -> None:
        super().__init__(reason, f"code {code} {message[:120]}")
        self.code = code
        self.message = message


class _Envelope(msgspec.Struct):
    code: str | int | None = None
    msg: str | None = None


class _Subscription(msgspec.Struct):
    level: str = ""
    expired: bool = False


class _SubscriptionBody(msgspec.Struct):
    data: _Subscription


class CoinglassRest(RestClient):
    """Each method returns the body as it came; errors as `RestClient.get`.

    key: the header's value; it never enters a URL.
    """

    venue = "coinglass"
    default_url = "https://open-api-v4.coinglass.com"
    max_per_minute: int = 0
    """The plan's requests per minute as the last answer told it, 0 before the first."""
    used: int = 0
    """Requests that the service counted in its current minute, as the last answer told it."""
    _headers: Mapping[str, str] = {}
    _shared: SharedBudget | None = None
    _own_pace: Limit | None = None

    def share(self, budget: SharedBudget, *, half: bool = False) -> None:
        """Pace the requests by a budget that other processes use too.

        half: for what polls without end, so that people's questions find room.
        """
        self._shared = budget
        self._own_pace = _BUDGET if half else None

    def use_key(self, key: str) -> None:
        """Send this key from now on."""
        self._headers = {"CG-API-KEY": key}

    async def subscription(self) -> bytes:
        """Return level and expiry of the key's plan; 404 for some valid keys (seen live)."""
        return await self.ask("/api/user/account/subscription", {})

    async def supported_coins(self) -> bytes:
        """Return the coins; every plan may ask, so it proves the key."""
        return await self.ask("/api/futures/supported-coins", {})

    async def supported_pairs(self) -> bytes:
        """Return the instruments of every exchange."""
        return await self.ask("/api/futures/supported-exchange-pairs", {})

    async def liquidation_orders(
        self, exchange: str, coin: str, *, min_usd: int, start_ms: int, end_ms: int
    ) -> bytes:
        """Return up to `MAX_ORDERS` liquidations of a coin on an exchange (Standard plan)."""
        return await self.ask("/api/futures/liquidation/order", {
            "exchange": exchange, "symbol": coin, "min_liquidation_amount": str(min_usd),
            "start_time": start_ms, "end_time": end_ms,
        })  # fmt: skip

    async def liquidation_exchange_list(self, coin: str) -> bytes:
        """Return a coin's sums of the last hour per exchange and side (every plan, refreshed each 10 s)."""
        return await self.ask("/api/futures/liquidation/exchange-list", {"symbol": coin, "range": "1h"})

    async def funding_exchange_list(self) -> bytes:
        """Return every coin's current funding by exchange, in percent (every plan, refreshed each 20 s)."""
        return await self.ask("/api/futures/funding-rate/exchange-list", {})

    async def interest_exchange_list(self, coin: str) -> bytes:
        """Return a coin's open interest by exchange and in sum (every plan, refreshed each 10 s)."""
        return await self.ask("/api/futures/open-interest/exchange-list", {"symbol": coin})

    async def liquidation_history(self, exchange: str, pair: str, *, start_ms: int, end_ms: int) -> bytes:
        """Return the hourly bars of a pair in [start, end)."""
        return await self.ask("/api/futures/liquidation/history", {
            "exchange": exchange, "symbol": pair, "interval": "1h", "limit": 2,
            "start_time": start_ms, "end_time": end_ms,
        })  # fmt: skip

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take the plan's limit, and stop before others' use of the key reaches it."""
        allowed, used = headers.get("api-key-max-limit", ""), headers.get("api-key-use-limit", "")
        if not allowed.isdigit() or not int(allowed):
            return
        if self.max_per_minute != int(allowed):
            self.max_per_minute = int(allowed)
            half = self.max_per_minute / 2
            self.quota(_BUDGET).resize(Limit(units=half, window_s=60, burst=max(4.0, half / 15)))
        self.used = int(used) if used.isdigit() else 0
        if self.used >= self.max_per_minute:
            self.stay_quiet(Throttled(_QUIET_AFTER_429_S, "the key has used its requests of this minute"))

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Decide by `str(code)`, then by HTTP status; a refusal often comes as HTTP 200."""
        try:
            said = msgspec.json.decode(body, type=_Envelope)
        except msgspec.MsgspecError as error:
            _check_foreign(status, headers, body)
            raise FeedInterrupted(f"body is not CoinGlass's: {type(error).__name__}") from error
        if said.code is None:
            _check_foreign(status, headers, body)
            raise FeedInterrupted("body has no code")
        _check_code(str(said.code), said.msg or "", status, headers)

    async def ask(self, path: str, params: Mapping[str, str | int]) -> bytes:
        """Return the body of any endpoint, in the key's pace."""
        if self._shared is None:
            return await self.get(path, params, _BUDGET, headers=self._headers)
        self.raise_if_quiet()
        await self._shared.turn()
        self.used = 0
        try:
            return await self.get(path, params, self._own_pace, headers=self._headers)
        except Throttled as error:
            await self._shared.hush(error.wait_s)
            raise
        finally:
            await self._shared.learn(self.max_per_minute, self.used)


def _check_foreign(status: int, headers: Mapping[str, str], body: bytes) -> None:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled(retry_after_s(headers, _QUIET_AFTER_429_S), "HTTP 429")
    check_status(status, headers, body)


def _check_code(code: str, message: str, status: int, headers: Mapping[str, str]) -> None:
    what = f"code {code} {message[:120]}"
    if code == "0" and status == httpx.codes.OK:
        return
    if code == "429" or status == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled(retry_after_s(headers, _QUIET_AFTER_429_S), what)
    if _PLAN_WORDS.search(message):
        raise CoinglassRefused("plan", code, message)
    if code in ("401", "30001") or (code == "400" and _KEY_WORDS.search(message)):
        raise CoinglassRefused("invalid_key", code, message)
    if code in ("400", "403", "404", "405", "422"):
        raise CoinglassRefused("bad_request", code, message)
    if code == "0":
        check_status(status, headers, b"")
    raise FeedInterrupted(what)


def may_stream(subscription: bytes | None, max_per_minute: int) -> bool:
    """Return whether the plan includes the WebSocket (Standard and above).

    subscription: the body of `CoinglassRest.subscription`, None if it was not served: then
    the plan is known by its limit, as `API-KEY-MAX-LIMIT` tells it.
    """
    if subscription is not None:
        try:
            plan = msgspec.json.decode(subscription, type=_SubscriptionBody).data
        except msgspec.MsgspecError:
            return max_per_minute >= _STANDARD_PLAN
        return plan.level.upper() in _STREAMING_LEVELS and not plan.expired
    return max_per_minute >= _STANDARD_PLAN
