"""Hyperliquid's perpetuals, as the command bot asks them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from bot.sources.venue import Holder, Takers, Venue
from teleglas.cache import TtlCache
from teleglas.errors import FeedError
from teleglas.market import Instrument
from teleglas.venues.hyperliquid import quotes
from teleglas.venues.hyperliquid.quotes import Context
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.quotes import (
    MINUTES,
    Book,
    Candle,
    Day,
    Funding,
    FundingPoint,
    Interest,
    NoFiguresError,
    Trade,
)

__all__ = ["Hyperliquid"]

_CONTEXTS_S, _TRADES_S, _ACCOUNT_S = 3.0, 3.0, 20.0
_TAKERS, _ACCOUNT_PATIENCE_S = 10, 0.7
_PASSING = (FeedError, TimeoutError, msgspec.MsgspecError, ValueError)
_MINUTE_MS = 60_000
_WEEK_MS = 7 * 24 * 60 * _MINUTE_MS


class Hyperliquid(Venue):
    """One answer tells price, volume, funding and open interest of every coin.

    Open interest is told of the present only, and who took is not in the candles. Spot pairs have
    names of their own and hold other coins' wrappers. Positions are public by address, so that
    nobody knows how many are long.
    wall_ms: Unix ms; candles are asked for by time.
    """

    name = "Hyperliquid"

    def __init__(
        self,
        rest: HyperliquidRest,
        cache: TtlCache,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._rest, self._cache, self._wall_ms = rest, cache, wall_ms

    async def contracts(self) -> dict[str, Instrument]:
        """Return every perpetual that trades now."""
        return quotes.perpetuals(await self._contexts())

    async def day(self, contract: Instrument) -> Day:
        """Return the last 24 h, without high and low."""
        return quotes.day(await self._context(contract), contract)

    async def candles(self, contract: Instrument, interval: str, limit: int) -> list[Candle]:
        """Return the newest candles."""
        now = self._wall_ms()
        begin = now - limit * MINUTES[interval] * _MINUTE_MS
        body = await self._rest.candles(contract.symbol, interval, begin, now)
        return quotes.candles(body, contract)[-limit:]

    async def interest(self, contract: Instrument) -> Interest:
        """Return the open interest now."""
        return quotes.interest(await self._context(contract), contract)

    async def funding(self, contract: Instrument) -> Funding:
        """Return the current hourly rate."""
        return quotes.funding(await self._context(contract), self._wall_ms())

    async def funding_history(self, contract: Instrument) -> list[FundingPoint]:
        """Return the settled rates of a week."""
        body = await self._rest.funding_history(contract.symbol, self._wall_ms() - _WEEK_MS)
        return quotes.funding_history(body)

    async def book(self, contract: Instrument) -> Book:
        """Return the best twenty levels of each side."""
        return quotes.order_book(await self._rest.order_book(contract.symbol), contract)

    async def trades(self, contract: Instrument) -> list[Trade]:
        """Return the newest ten or so rows of the tape."""
        key = (self.name, "trades of", contract.symbol)
        kept = await self._cache.get(key, _TRADES_S, lambda: self._rest.recent_trades(contract.symbol))
        return quotes.trades(kept.value, contract)

    async def takers(self, contract: Instrument) -> Takers:
        """Return what those hold who took most of the newest trades; who is not told in time is silent."""
        took: dict[str, float] = {}
        for trade in await self.trades(contract):
            took[trade.taker] = took.get(trade.taker, 0.0) + trade.usd
        largest = sorted(filter(None, took), key=lambda address: -took[address])[:_TAKERS]
        if not largest:
            raise NoFiguresError("no trade names its taker")
        told = await asyncio.gather(*(self._holder(address) for address in largest), return_exceptions=True)
        holders = tuple(each for each in told if isinstance(each, Holder))
        failures = [each for each in told if isinstance(each, BaseException)]
        wrong = [each for each in failures if not isinstance(each, _PASSING)]
        if wrong or not holders:
            raise [*wrong, *failures][0]
        return Takers(holders, len(failures))

    async def _holder(self, address: str) -> Holder:
        async def ask() -> Holder:
            return Holder(address, tuple(quotes.positions(await self._rest.account(address))))

        async with asyncio.timeout(_ACCOUNT_PATIENCE_S):
            return (await self._cache.get((self.name, "account", address), _ACCOUNT_S, ask)).value

    async def _context(self, contract: Instrument) -> Context:
        found = (await self._contexts()).get(contract.symbol)
        if found is None:
            raise NoFiguresError(f"{contract.symbol} is not listed any more")
        return found

    async def _contexts(self) -> dict[str, Context]:
        async def ask() -> dict[str, Context]:
            return quotes.contexts(await self._rest.contexts())

        return (await self._cache.get((self.name, "contexts"), _CONTEXTS_S, ask)).value
