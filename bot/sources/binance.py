"""Binance USD-M and its spot market, as the command bot asks them."""

from __future__ import annotations

import asyncio

import msgspec

from bot.sources.venue import Venue
from teleglas.cache import TtlCache
from teleglas.errors import FeedError
from teleglas.market import Instrument
from teleglas.venues.binance import quotes
from teleglas.venues.binance.instruments import parse_instruments
from teleglas.venues.binance.rest import BinanceRest, BinanceSpotRest
from teleglas.venues.quotes import (
    Book,
    Candle,
    Day,
    Flow,
    Funding,
    FundingPoint,
    Interest,
    InterestPoint,
    LongShort,
    Trade,
    flow_of,
)

__all__ = ["Binance"]

_INTERVALS_S = 3600.0
_PREMIUM_S = 2.0
_WEEK_OF_RATES = 168
_RATIOS = ("globalLongShortAccountRatio", "topLongShortAccountRatio", "topLongShortPositionRatio")


class Binance(Venue):
    """Candles tell the takers' part, and ratios are of three kinds."""

    name = "Binance"

    def __init__(self, rest: BinanceRest, spot: BinanceSpotRest, cache: TtlCache) -> None:
        self._rest, self._spot, self._cache = rest, spot, cache

    async def contracts(self) -> dict[str, Instrument]:
        """Return every perpetual that trades now."""
        body = await self._rest.exchange_info()
        trading = quotes.perpetuals(body)
        return {symbol: row for symbol, row in parse_instruments(body).items() if symbol in trading}

    async def day(self, contract: Instrument) -> Day:
        """Return the last 24 h."""
        return quotes.day(await self._rest.ticker(contract.symbol), contract)

    async def spot_usd(self, asset: str) -> float:
        """Return the spot volume of 24 h."""
        return quotes.spot_usd(await self._spot.ticker(f"{asset}USDT"))

    async def candles(self, contract: Instrument, interval: str, limit: int) -> list[Candle]:
        """Return the newest candles."""
        return quotes.candles(await self._rest.klines(contract.symbol, interval, limit), contract)

    async def flows(self, contract: Instrument, interval: str, limit: int) -> list[Flow]:
        """Return what takers did, from the candles."""
        return flow_of(await self.candles(contract, interval, limit))

    async def interest(self, contract: Instrument) -> Interest:
        """Return the open interest at the mark price."""
        body, premium = await asyncio.gather(
            self._rest.open_interest(contract.symbol), self._premium(contract)
        )
        return quotes.interest(body, quotes.mark(premium, contract), contract)

    async def interest_history(self, contract: Instrument, interval: str, limit: int) -> list[InterestPoint]:
        """Return the open interest at the newest ends of periods."""
        body = await self._rest.statistics("openInterestHist", contract.symbol, interval, limit)
        return quotes.interest_history(body, contract)

    async def funding(self, contract: Instrument) -> Funding:
        """Return the current rate; its interval is unknown where the list of intervals is."""
        premium, hours = await asyncio.gather(self._premium(contract), self._hours())
        return quotes.funding(premium, hours, contract)

    async def funding_history(self, contract: Instrument) -> list[FundingPoint]:
        """Return settled rates of a week or more, as far as one answer goes."""
        return quotes.funding_history(await self._rest.funding_rate(contract.symbol, _WEEK_OF_RATES))

    async def ratios(self, contract: Instrument) -> LongShort:
        """Return the three ratios of the last five minutes."""
        bodies = await asyncio.gather(
            *(self._rest.statistics(name, contract.symbol, "5m", 1) for name in _RATIOS)
        )
        return LongShort(*(quotes.ratio(body) for body in bodies))

    async def book(self, contract: Instrument) -> Book:
        """Return the best 500 levels of each side."""
        return quotes.order_book(await self._rest.depth(contract.symbol), contract)

    async def trades(self, contract: Instrument) -> list[Trade]:
        """Return the newest 1000 rows of the tape."""
        return quotes.trades(await self._rest.agg_trades(contract.symbol), contract)

    async def _premium(self, contract: Instrument) -> bytes:
        key = (self.name, "premium", contract.symbol)
        return (
            await self._cache.get(key, _PREMIUM_S, lambda: self._rest.premium_index(contract.symbol))
        ).value

    async def _hours(self) -> dict[str, float] | None:
        async def ask() -> dict[str, float]:
            return quotes.intervals(await self._rest.funding_info())

        try:
            return (await self._cache.get((self.name, "intervals"), _INTERVALS_S, ask)).value
        except (FeedError, msgspec.MsgspecError):
            return None
