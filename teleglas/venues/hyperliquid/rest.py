"""Hyperliquid by REST (POST https://api.hyperliquid.xyz/info), without a key.

Source: Hyperliquid's info endpoint: 1200 weight a minute and address, most questions weigh 20.
Positions are public only by the address of their owner, so nobody can list the largest ones, but
every trade names both addresses; there are no liquidations (feeds 10).
"""

from __future__ import annotations

import msgspec

from teleglas.venues.rest_client import Limit, RestClient

__all__ = ["HyperliquidRest"]

_PATH = "/info"
_WEIGHT = Limit(units=700, window_s=60, burst=240)
_QUESTION, _TRADES = 20, 21
_LIGHT_QUESTION = 2


class HyperliquidRest(RestClient):
    """Each method returns the body as it came; errors as `RestClient.get`."""

    venue = "hyperliquid"
    default_url = "https://api.hyperliquid.xyz"

    async def contexts(self) -> bytes:
        """Return every perpetual with its price, volume, funding and open interest."""
        return await self._question({"type": "metaAndAssetCtxs"}, _QUESTION)

    async def recent_trades(self, coin: str) -> bytes:
        """Return the newest trades of a coin (`BTC`, `kPEPE`): about ten, each with the addresses of both sides."""
        return await self._question({"type": "recentTrades", "coin": coin}, _TRADES)

    async def candles(self, coin: str, interval: str, start_ms: int, end_ms: int) -> bytes:
        """Return the candles that begin in the span (Unix ms), oldest first."""
        span = {"coin": coin, "interval": interval, "startTime": start_ms, "endTime": end_ms}
        return await self._question({"type": "candleSnapshot", "req": span}, _QUESTION)

    async def funding_history(self, coin: str, start_ms: int) -> bytes:
        """Return the settled hourly rates since a time, oldest first."""
        return await self._question(
            {"type": "fundingHistory", "coin": coin, "startTime": start_ms}, _QUESTION
        )

    async def order_book(self, coin: str) -> bytes:
        """Return up to twenty levels of each side."""
        return await self._question({"type": "l2Book", "coin": coin}, _LIGHT_QUESTION)

    async def account(self, address: str) -> bytes:
        """Return what an address holds and owes now; an unknown one holds nothing."""
        return await self._question({"type": "clearinghouseState", "user": address}, _LIGHT_QUESTION)

    async def _question(self, question: dict[str, object], cost: float) -> bytes:
        return await self.post(_PATH, msgspec.json.encode(question), _WEIGHT, cost=cost)
