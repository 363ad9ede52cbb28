"""OKX v5 SWAP by REST (https://www.okx.com), without a key. Limits are per address and endpoint."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.rest_client import Limit, RestClient, Throttled, check_status, retry_after_s

__all__ = ["LIQUIDATION_ROWS", "MAX_TRADES", "LiquidationRef", "OkxRest", "TradeRef", "family_of", "is_watchable",
           "liquidation_refs", "trade_refs", "volumes"]  # fmt: skip

MAX_TRADES = 500
"""Most rows of one trades answer."""

LIQUIDATION_ROWS = 100
"""Most rows of one liquidation-orders answer."""

# Allowed: 20/2s, 20/2s, 100/2s, 40/2s. We take three quarters.
_INSTRUMENTS = Limit(units=15, window_s=2, burst=2)
_TICKERS = Limit(units=15, window_s=2, burst=3)
_TRADES = Limit(units=70, window_s=2, burst=10)
_LIQUIDATIONS = Limit(units=28, window_s=2, burst=8)
# 20/2s for one contract's figures, 40/2s for candles and books, 10/2s for past rates, 5/2s for statistics.
_TICKER = Limit(units=14, window_s=2, burst=5, of="ticker")
_INTEREST = Limit(units=14, window_s=2, burst=5, of="open-interest")
_FUNDING = Limit(units=14, window_s=2, burst=5, of="funding-rate")
_CANDLES = Limit(units=28, window_s=2, burst=10, of="candles")
_BOOKS = Limit(units=28, window_s=2, burst=10, of="books")
_RATES = Limit(units=7, window_s=2, burst=3)
_BOOK_ROWS = 400

_BUSY_CODES = frozenset({"50001", "50004", "50005", "50013", "50026"})


class TradeRef(msgspec.Struct, frozen=True, gc=False):
    """What pacing needs of a row: its id and its time (Unix ms)."""

    id: str = msgspec.field(name="tradeId")
    event_ms: int = msgspec.field(name="ts", default=0)


class LiquidationRef(msgspec.Struct, frozen=True, gc=False):
    """What paging needs of a row: its time (Unix ms)."""

    event_ms: int = msgspec.field(name="ts")


class _Liquidations(msgspec.Struct):
    details: list[LiquidationRef] = []


class _LiquidationsBody(msgspec.Struct):
    data: list[_Liquidations]


class _TradesBody(msgspec.Struct):
    data: list[TradeRef]


class _Ticker(msgspec.Struct, frozen=True, gc=False):
    symbol: str = msgspec.field(name="instId")
    coins_24h: str = msgspec.field(name="volCcy24h", default="0")
    last: str = "0"


class _TickersBody(msgspec.Struct):
    data: list[_Ticker]


class _Envelope(msgspec.Struct):
    code: str | int = ""
    msg: str = ""


class OkxRest(RestClient):
    """Each method returns the body as it came; errors as `RestClient.get`."""

    venue = "okx"
    default_url = "https://www.okx.com"

    async def instruments(self) -> bytes:
        """Return all perpetual swaps, linear and inverse."""
        return await self.get("/api/v5/public/instruments", {"instType": "SWAP"}, _INSTRUMENTS)

    async def tickers(self) -> bytes:
        """Return the 24 h statistics of every swap; see `volumes`."""
        return await self.get("/api/v5/market/tickers", {"instType": "SWAP"}, _TICKERS)

    async def trades(self, symbol: str, limit: int = MAX_TRADES) -> bytes:
        """Return the newest trades, newest first."""
        return await self.get("/api/v5/market/trades", {"instId": symbol, "limit": limit}, _TRADES)

    async def liquidation_orders(self, family: str, *, older_than_ms: int | None = None) -> bytes:
        """Return filled liquidations of a family (`BTC-USDT`), newest first, up to `LIQUIDATION_ROWS`."""
        params: dict[str, str | int] = {
            "instType": "SWAP", "uly": family, "state": "filled", "limit": LIQUIDATION_ROWS,
        }  # fmt: skip
        if older_than_ms is not None:
            params["after"] = older_than_ms
        return await self.get("/api/v5/public/liquidation-orders", params, _LIQUIDATIONS)

    async def ticker(self, symbol: str) -> bytes:
        """Return the 24 h statistics of one instrument: a swap, or a spot pair (`BTC-USDT`)."""
        return await self.get("/api/v5/market/ticker", {"instId": symbol}, _TICKER)

    async def open_interest(self, symbol: str) -> bytes:
        """Return one swap's open interest now, in contracts, coins and USD."""
        params = {"instType": "SWAP", "instId": symbol}
        return await self.get("/api/v5/public/open-interest", params, _INTEREST)

    async def open_interests(self) -> bytes:
        """Return every swap's open interest now, in contracts, coins and USD."""
        return await self.get("/api/v5/public/open-interest", {"instType": "SWAP"}, _INTEREST)

    async def funding_rate(self, symbol: str) -> bytes:
        """Return one swap's current rate and its next two settlements."""
        return await self.get("/api/v5/public/funding-rate", {"instId": symbol}, _FUNDING)

    async def funding_history(self, symbol: str, limit: int) -> bytes:
        """Return the newest settled rates, newest first."""
        return await self.get(
            "/api/v5/public/funding-rate-history", {"instId": symbol, "limit": limit}, _RATES
        )

    async def candles(self, symbol: str, bar: str, limit: int, until_ms: int | None = None) -> bytes:
        """Return the newest candles, newest first. bar: `1m`, `1H`, `1Dutc`; limit: at most 300.

        until_ms: the newest to open then or before; of those that closed long ago as well.
        """
        params: dict[str, str | int] = {"instId": symbol, "bar": bar, "limit": limit}
        if until_ms is not None:
            params["after"] = until_ms + 1
        return await self.get("/api/v5/market/candles", params, _CANDLES)

    async def books(self, symbol: str) -> bytes:
        """Return the best 400 levels of each side."""
        return await self.get("/api/v5/market/books", {"instId": symbol, "sz": _BOOK_ROWS}, _BOOKS)

    async def statistics(self, name: str, symbol: str, period: str, limit: int = 1) -> bytes:
        """Return rows of OKX's trading statistics, newest first.

        name: a path below `rubik/stat/`. period: `5m`, `1H`, ...; limit: at most 100. Amounts
        are asked for in USD where there is a choice (`unit=2`).
        """
        params: dict[str, str | int] = {"instId": symbol, "period": period, "limit": limit}
        if name == "taker-volume-contract":
            params["unit"] = 2
        pace = Limit(units=3, window_s=2, burst=2, of=name)
        return await self.get(f"/api/v5/rubik/stat/{name}", params, pace)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Read `code` first: OKX sends it with 200 and with 4xx alike."""
        try:
            said = msgspec.json.decode(body, type=_Envelope)
        except msgspec.MsgspecError as error:
            check_status(status, headers, body)
            raise FeedInterrupted(f"body is not OKX's: {type(error).__name__}") from error
        code, what = str(said.code), f"code {said.code} {said.msg[:120]}"
        if code == "50011":
            raise Throttled(retry_after_s(headers, 2.0), what)
        if code in _BUSY_CODES:
            raise FeedInterrupted(what)
        if code != "0" and status in (httpx.codes.OK, httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
            raise FeedRefused("bad_request", what)
        check_status(status, headers, body)


def trade_refs(body: bytes) -> list[TradeRef]:
    """Return ids and times of a trades body. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=_TradesBody, strict=False).data


def liquidation_refs(body: bytes) -> list[LiquidationRef]:
    """Return the times of a liquidation-orders body. Raises msgspec.MsgspecError."""
    return [
        row
        for part in msgspec.json.decode(body, type=_LiquidationsBody, strict=False).data
        for row in part.details
    ]


def volumes(body: bytes) -> dict[str, float]:
    """Return the USD volume of the last 24 h by symbol: `volCcy24h` counts coins. Raises msgspec.MsgspecError."""
    rows = msgspec.json.decode(body, type=_TickersBody).data
    return {row.symbol: float(row.coins_24h or 0) * float(row.last or 0) for row in rows}


def family_of(symbol: str) -> str:
    """Return the underlying that liquidation-orders asks for: `BTC-USDT` of `BTC-USDT-SWAP`."""
    return symbol.removesuffix("-SWAP")


def is_watchable(symbol: str) -> bool:
    """Return whether this is a USDT- or USDC-margined perpetual."""
    return symbol.endswith(("-USDT-SWAP", "-USDC-SWAP"))
