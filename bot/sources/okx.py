"""OKX's perpetual swaps and its spot market, as the command bot asks them."""

from __future__ import annotations

import asyncio

from bot.sources.venue import Venue
from teleglas.market import Instrument
from teleglas.venues.okx import quotes
from teleglas.venues.okx.instruments import parse_instruments
from teleglas.venues.okx.rest import OkxRest
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
)

__all__ = ["Okx"]

_WEEK_OF_RATES = 100
_MOST_CANDLES = 300
_MOST_ROWS = 100
_CANDLES = {"1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "4h": "4H", "1d": "1Dutc"}
_RATIOS = (
    "contracts/long-short-account-ratio-contract",
    "contracts/long-short-account-ratio-contract-top-trader",
    "contracts/long-short-position-ratio-contract-top-trader",
)


class Okx(Venue):
    """Takers' flow and ratios are statistics with a budget of their own."""

    name = "OKX"

    def __init__(self, rest: OkxRest) -> None:
        self._rest = rest

    async def contracts(self) -> dict[str, Instrument]:
        """Return every swap that trades now."""
        body = await self._rest.instruments()
        trading = quotes.perpetuals(body)
        return {symbol: row for symbol, row in parse_instruments(body).items() if symbol in trading}

    async def day(self, contract: Instrument) -> Day:
        """Return the last 24 h."""
        return quotes.day(await self._rest.ticker(contract.symbol), contract)

    async def spot_usd(self, asset: str) -> float:
        """Return the spot volume of 24 h."""
        return quotes.spot_usd(await self._rest.ticker(f"{asset}-USDT"))

    async def candles(self, contract: Instrument, interval: str, limit: int) -> list[Candle]:
        """Return the newest candles, at most 300."""
        body = await self._rest.candles(contract.symbol, _CANDLES[interval], min(limit, _MOST_CANDLES))
        return quotes.candles(body, contract)

    async def flows(self, contract: Instrument, interval: str, limit: int) -> list[Flow]:
        """Return what takers did, at most 100 periods."""
        body = await self._rest.statistics(
            "taker-volume-contract", contract.symbol, _CANDLES[interval], min(limit, _MOST_ROWS)
        )
        return quotes.flows(body)

    async def interest(self, contract: Instrument) -> Interest:
        """Return the open interest now."""
        return quotes.interest(await self._rest.open_interest(contract.symbol), contract)

    async def interest_history(self, contract: Instrument, interval: str, limit: int) -> list[InterestPoint]:
        """Return the open interest at the newest ends of periods, at most 100."""
        body = await self._rest.statistics(
            "contracts/open-interest-history", contract.symbol, _CANDLES[interval], min(limit, _MOST_ROWS)
        )
        return quotes.interest_history(body, contract)

    async def funding(self, contract: Instrument) -> Funding:
        """Return the current rate."""
        return quotes.funding(await self._rest.funding_rate(contract.symbol))

    async def funding_history(self, contract: Instrument) -> list[FundingPoint]:
        """Return settled rates of a week or more, as far as one answer goes."""
        return quotes.funding_history(await self._rest.funding_history(contract.symbol, _WEEK_OF_RATES))

    async def ratios(self, contract: Instrument) -> LongShort:
        """Return the three ratios of the last five minutes."""
        bodies = await asyncio.gather(
            *(self._rest.statistics(name, contract.symbol, "5m") for name in _RATIOS)
        )
        return LongShort(*(quotes.ratio(body) for body in bodies))

    async def book(self, contract: Instrument) -> Book:
        """Return the best 400 levels of each side."""
        return quotes.order_book(await self._rest.books(contract.symbol), contract)

    async def trades(self, contract: Instrument) -> list[Trade]:
        """Return the newest 500 rows of the tape."""
        return quotes.trades(await self._rest.trades(contract.symbol), contract)
