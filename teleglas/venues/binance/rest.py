"""Binance USD-M futures by REST (https://fapi.binance.com), without a key.

Sources: reference of USD-M market data; weights as of 2026. Binance publishes no
liquidations by REST (`allForceOrders` is gone since 2021): what a stream missed is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from teleglas.venues.rest_client import Limit, RestClient, Throttled

__all__ = ["PAGE_ROWS", "TRADES_PER_S", "AggTradeRef", "BinanceRest", "BinanceSpotRest", "agg_trade_refs", "is_watchable",
           "volumes"]  # fmt: skip

PAGE_ROWS = 1000
"""Most rows of one aggTrades answer."""

_WEIGHT_PER_MINUTE = 2400
# Two thirds: the command bot and the user's own tools share the address.
_WEIGHT = Limit(units=1600, window_s=60, burst=200)
_TRADES_WEIGHT = 20
_ALL_TICKERS_WEIGHT = 40
_ALL_PREMIUMS_WEIGHT = 10
_DEPTH_ROWS, _DEPTH_WEIGHT = 500, 10
# Of the statistics under /futures/data: 1000 requests in 5 min.
_STATISTICS = Limit(units=600, window_s=300, burst=60)
_RATE_HISTORY = Limit(units=300, window_s=300, burst=40)
_SPOT_WEIGHT = Limit(units=3000, window_s=60, burst=200)

TRADES_PER_S = _WEIGHT.units / _WEIGHT.window_s / _TRADES_WEIGHT
"""How many aggTrades answers a second the weight allows for ever."""


class AggTradeRef(msgspec.Struct, frozen=True, gc=False):
    """What paging needs of a row: its aggregate id and its time (Unix ms)."""

    id: int = msgspec.field(name="a")
    event_ms: int = msgspec.field(name="T")


class _Ticker(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    quote_volume: float | str = msgspec.field(name="quoteVolume", default=0.0)


class BinanceRest(RestClient):
    """Each method returns the body as it came; errors as `RestClient.get`."""

    venue = "binance"
    default_url = "https://fapi.binance.com"

    async def exchange_info(self) -> bytes:
        """Return all instruments."""
        return await self.get("/fapi/v1/exchangeInfo", {}, _WEIGHT)

    async def tickers(self) -> bytes:
        """Return the 24 h statistics of every symbol; see `volumes`."""
        return await self.get("/fapi/v1/ticker/24hr", {}, _WEIGHT, cost=_ALL_TICKERS_WEIGHT)

    async def agg_trades(
        self, symbol: str, *, from_id: int | None = None, start_ms: int | None = None
    ) -> bytes:
        """Return up to `PAGE_ROWS` aggregated trades, oldest first.

        From `from_id` on, else from `start_ms` on, else the newest.
        """
        params: dict[str, str | int] = {"symbol": symbol, "limit": PAGE_ROWS}
        if from_id is not None:
            params["fromId"] = from_id
        elif start_ms is not None:
            params["startTime"] = start_ms
        return await self.get("/fapi/v1/aggTrades", params, _WEIGHT, cost=_TRADES_WEIGHT)

    async def ticker(self, symbol: str) -> bytes:
        """Return the 24 h statistics of one symbol."""
        return await self.get("/fapi/v1/ticker/24hr", {"symbol": symbol}, _WEIGHT)

    async def premium_index(self, symbol: str) -> bytes:
        """Return mark price, current funding rate and next settlement."""
        return await self.get("/fapi/v1/premiumIndex", {"symbol": symbol}, _WEIGHT)

    async def premium_indexes(self) -> bytes:
        """Return mark price and current funding rate of every contract."""
        return await self.get("/fapi/v1/premiumIndex", {}, _WEIGHT, cost=_ALL_PREMIUMS_WEIGHT)

    async def funding_info(self) -> bytes:
        """Return the funding intervals of the symbols whose interval was ever changed."""
        return await self.get("/fapi/v1/fundingInfo", {}, _RATE_HISTORY)

    async def funding_rate(self, symbol: str, limit: int) -> bytes:
        """Return the newest settled rates, oldest first."""
        return await self.get("/fapi/v1/fundingRate", {"symbol": symbol, "limit": limit}, _RATE_HISTORY)

    async def open_interest(self, symbol: str) -> bytes:
        """Return the open interest now: base units, one side."""
        return await self.get("/fapi/v1/openInterest", {"symbol": symbol}, _WEIGHT)

    async def klines(self, symbol: str, interval: str, limit: int, until_ms: int | None = None) -> bytes:
        """Return the newest candles, oldest first; the last one is open.

        limit: at most 1,500. until_ms: the newest to open then or before.
        """
        cost = 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
        params: dict[str, str | int] = {"symbol": symbol, "interval": interval, "limit": limit}
        if until_ms is not None:
            params["endTime"] = until_ms
        return await self.get("/fapi/v1/klines", params, _WEIGHT, cost=cost)

    async def depth(self, symbol: str) -> bytes:
        """Return the best 500 levels of each side."""
        params: dict[str, str | int] = {"symbol": symbol, "limit": _DEPTH_ROWS}
        return await self.get("/fapi/v1/depth", params, _WEIGHT, cost=_DEPTH_WEIGHT)

    async def statistics(self, name: str, symbol: str, period: str, limit: int) -> bytes:
        """Return rows of /futures/data, oldest first.

        name: `openInterestHist`, `globalLongShortAccountRatio`, `topLongShortAccountRatio` or
        `topLongShortPositionRatio`.
        """
        params: dict[str, str | int] = {"symbol": symbol, "period": period, "limit": limit}
        return await self.get(f"/futures/data/{name}", params, _STATISTICS)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Stop before the limit when others use the same address."""
        used = headers.get("x-mbx-used-weight-1m", "")
        if used.isdigit() and int(used) > _WEIGHT_PER_MINUTE * 0.95:
            self.stay_quiet(Throttled(60.0, "the address has used its weight of this minute"))


class BinanceSpotRest(RestClient):
    """Binance's spot market; errors as `RestClient.get`."""

    venue = "binance-spot"
    default_url = "https://api.binance.com"

    async def ticker(self, symbol: str) -> bytes:
        """Return the 24 h statistics of one pair."""
        return await self.get("/api/v3/ticker/24hr", {"symbol": symbol}, _SPOT_WEIGHT, cost=2)


def agg_trade_refs(body: bytes) -> list[AggTradeRef]:
    """Return ids and times of an aggTrades body. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=list[AggTradeRef])


def volumes(body: bytes) -> dict[str, float]:
    """Return the USD volume of the last 24 h by symbol. Raises msgspec.MsgspecError."""
    rows = msgspec.json.decode(body, type=list[_Ticker])
    return {row.symbol: float(row.quote_volume or 0) for row in rows}


def is_watchable(symbol: str) -> bool:
    """Return whether this is a USDT- or USDC-margined perpetual."""
    return symbol.endswith(("USDT", "USDC")) and "_" not in symbol
