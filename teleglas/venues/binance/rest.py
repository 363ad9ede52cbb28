"""Binance USD-M futures by REST (https://fapi.binance.com), without a key.

Sources: reference of USD-M market data; weights as of 2026. Binance publishes no
liquidations by REST (`allForceOrders` is gone since 2021): what a stream missed is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from teleglas.venues.rest_client import Limit, RestClient, Throttled

__all__ = ["PAGE_ROWS", "TRADES_PER_S", "AggTradeRef", "BinanceRest", "agg_trade_refs", "is_watchable",
           "volumes"]  # fmt: skip

PAGE_ROWS = 1000
"""Most rows of one aggTrades answer."""

_WEIGHT_PER_MINUTE = 2400
# Two thirds: the command bot and the user's own tools share the address.
_WEIGHT = Limit(units=1600, window_s=60, burst=200)
_TRADES_WEIGHT = 20
_ALL_TICKERS_WEIGHT = 40

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

    def observe(self, headers: Mapping[str, str]) -> None:
        """Stop before the limit when others use the same address."""
        used = headers.get("x-mbx-used-weight-1m", "")
        if used.isdigit() and int(used) > _WEIGHT_PER_MINUTE * 0.95:
            self.stay_quiet(Throttled(60.0, "the address has used its weight of this minute"))


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
