"""Bybit v5 linear by REST (https://api.bybit.com), without a key.

Source: Bybit's v5 docs: 600 requests per 5 s and address, then 403 for 10 minutes. There
is no liquidation REST: what a stream missed is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.rest_client import Banned, Limit, RestClient, Throttled, check_status

__all__ = ["MAX_TRADES", "BybitRest", "TradeRef", "is_watchable", "trade_refs", "volumes"]

MAX_TRADES = 1000
"""Most rows of one recent-trade answer; there is no paging back."""

_REQUESTS = Limit(units=300, window_s=5, burst=20)
_BOOK_ROWS = 500
_QUIET_AFTER_403_S = 600.0
_COUNTRY_BLOCK = ("country", "region", "restricted location", "jurisdiction")
_BUSY_CODES = frozenset({10000, 10016, 10019, 429})
_THROTTLE_CODES = frozenset({10006, 10018})


class TradeRef(msgspec.Struct, frozen=True, gc=False):
    """What pacing needs of a row: its id and its time (Unix ms)."""

    id: str = msgspec.field(name="execId")
    event_ms: int = msgspec.field(name="time", default=0)


class _Trades(msgspec.Struct):
    rows: list[TradeRef] = msgspec.field(name="list")


class _TradesBody(msgspec.Struct):
    result: _Trades


class _Ticker(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    turnover24h: str = "0"


class _Tickers(msgspec.Struct):
    rows: list[_Ticker] = msgspec.field(name="list")


class _TickersBody(msgspec.Struct):
    result: _Tickers


class _Envelope(msgspec.Struct):
    ret_code: int = msgspec.field(name="retCode", default=-1)
    ret_msg: str = msgspec.field(name="retMsg", default="")


class BybitRest(RestClient):
    """Each method returns the body as it came; errors as `RestClient.get`."""

    venue = "bybit"
    default_url = "https://api.bybit.com"

    async def instruments(self, cursor: str = "") -> bytes:
        """Return one page of the linear instruments."""
        params: dict[str, str | int] = {"category": "linear", "limit": 1000}
        if cursor:
            params["cursor"] = cursor
        return await self.get("/v5/market/instruments-info", params, _REQUESTS)

    async def tickers(self) -> bytes:
        """Return the 24 h statistics of every linear symbol; see `volumes`."""
        return await self.get("/v5/market/tickers", {"category": "linear"}, _REQUESTS)

    async def recent_trades(self, symbol: str, limit: int = MAX_TRADES) -> bytes:
        """Return the newest trades, newest first."""
        params: dict[str, str | int] = {"category": "linear", "symbol": symbol, "limit": limit}
        return await self.get("/v5/market/recent-trade", params, _REQUESTS)

    async def ticker(self, symbol: str, category: str = "linear") -> bytes:
        """Return one symbol's ticker; of linear ones also funding and open interest. category: or `spot`."""
        return await self.get("/v5/market/tickers", {"category": category, "symbol": symbol}, _REQUESTS)

    async def klines(self, symbol: str, interval: str, limit: int, until_ms: int | None = None) -> bytes:
        """Return the newest candles, newest first. interval: minutes, or `D`.

        limit: at most 1,000. until_ms: the newest to open then or before.
        """
        params: dict[str, str | int] = {
            "category": "linear",
            "symbol": symbol,
            "interval": interval,
            "limit": limit,
        }
        if until_ms is not None:
            params["end"] = until_ms
        return await self.get("/v5/market/kline", params, _REQUESTS)

    async def order_book(self, symbol: str) -> bytes:
        """Return the best 500 levels of each side."""
        params: dict[str, str | int] = {"category": "linear", "symbol": symbol, "limit": _BOOK_ROWS}
        return await self.get("/v5/market/orderbook", params, _REQUESTS)

    async def open_interest(self, symbol: str, interval: str, limit: int) -> bytes:
        """Return past open interest, newest first. interval: `5min` to `1d`; limit: at most 200."""
        params: dict[str, str | int] = {
            "category": "linear",
            "symbol": symbol,
            "intervalTime": interval,
            "limit": limit,
        }
        return await self.get("/v5/market/open-interest", params, _REQUESTS)

    async def account_ratio(self, symbol: str, period: str) -> bytes:
        """Return the newest shares of accounts that hold longs and shorts. period: `5min` to `1d`."""
        params: dict[str, str | int] = {"category": "linear", "symbol": symbol, "period": period, "limit": 1}
        return await self.get("/v5/market/account-ratio", params, _REQUESTS)

    async def funding_history(self, symbol: str, limit: int) -> bytes:
        """Return the newest settled rates, newest first."""
        params: dict[str, str | int] = {"category": "linear", "symbol": symbol, "limit": limit}
        return await self.get("/v5/market/funding/history", params, _REQUESTS)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Tell the rate limiter's 403 from a country block; then read `retCode`."""
        text = body[:2000].decode("utf-8", "replace").lower()
        if status == httpx.codes.FORBIDDEN and not any(word in text for word in _COUNTRY_BLOCK):
            raise Banned(_QUIET_AFTER_403_S, "HTTP 403: over 600 requests in 5 s")
        check_status(status, headers, body)
        try:
            said = msgspec.json.decode(body, type=_Envelope)
        except msgspec.MsgspecError as error:
            raise FeedInterrupted(f"body is not Bybit's: {type(error).__name__}") from error
        _check_code(said)


def _check_code(said: _Envelope) -> None:
    what = f"retCode {said.ret_code} {said.ret_msg[:120]}"
    if said.ret_code == 0:
        return
    if said.ret_code in _THROTTLE_CODES:
        raise Throttled(5.0, what)
    if said.ret_code in _BUSY_CODES:
        raise FeedInterrupted(what)
    if said.ret_code in (10009, 10010):
        raise Banned(_QUIET_AFTER_403_S, what)
    raise FeedRefused("region_block" if said.ret_code == 10024 else "bad_request", what)


def trade_refs(body: bytes) -> list[TradeRef]:
    """Return ids and times of a recent-trade body. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=_TradesBody, strict=False).result.rows


def volumes(body: bytes) -> dict[str, float]:
    """Return the USD turnover of the last 24 h by symbol. Raises msgspec.MsgspecError."""
    rows = msgspec.json.decode(body, type=_TickersBody).result.rows
    return {row.symbol: float(row.turnover24h or 0) for row in rows}


def is_watchable(symbol: str) -> bool:
    """Return whether this is a USDT- or USDC-margined perpetual (`BTCUSDT`, `BTCPERP`)."""
    return symbol.endswith(("USDT", "PERP")) and "-" not in symbol
