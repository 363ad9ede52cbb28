"""Bybit's linear contracts and its spot market, as the command bot asks them."""

from __future__ import annotations

from bot.sources.venue import Venue
from teleglas.cache import TtlCache
from teleglas.market import Instrument
from teleglas.venues.bybit import quotes
from teleglas.venues.bybit.instruments import next_page, parse_instruments
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.quotes import (
    Book,
    Candle,
    Day,
    Funding,
    FundingPoint,
    Interest,
    InterestPoint,
    LongShort,
    Trade,
)

__all__ = ["Bybit"]

_TICKER_S = 2.0
_WEEK_OF_RATES = 168
_CANDLES = {"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "4h": "240", "1d": "D"}
_PERIODS = {"5m": "5min", "15m": "15min", "30m": "30min"}
_MOST_PAGES = 10


class Bybit(Venue):
    """One ticker tells price, volume, funding and open interest; nothing tells who was the taker."""

    name = "Bybit"

    def __init__(self, rest: BybitRest, cache: TtlCache) -> None:
        self._rest, self._cache = rest, cache

    async def contracts(self) -> dict[str, Instrument]:
        """Return every perpetual that trades now."""
        found: dict[str, Instrument] = {}
        cursor = ""
        for _ in range(_MOST_PAGES):
            body = await self._rest.instruments(cursor)
            trading = quotes.perpetuals(body)
            found |= {symbol: row for symbol, row in parse_instruments(body).items() if symbol in trading}
            cursor = next_page(body)
            if not cursor:
                break
        return found

    async def day(self, contract: Instrument) -> Day:
        """Return the last 24 h."""
        return quotes.day(await self._ticker(contract), contract)

    async def spot_usd(self, asset: str) -> float:
        """Return the spot volume of 24 h."""
        return quotes.spot_usd(await self._rest.ticker(f"{asset}USDT", "spot"))

    async def candles(self, contract: Instrument, interval: str, limit: int) -> list[Candle]:
        """Return the newest candles."""
        return quotes.candles(await self._rest.klines(contract.symbol, _CANDLES[interval], limit), contract)

    async def interest(self, contract: Instrument) -> Interest:
        """Return the open interest now."""
        return quotes.interest(await self._ticker(contract), contract)

    async def interest_history(self, contract: Instrument, interval: str, limit: int) -> list[InterestPoint]:
        """Return the open interest at the newest ends of periods."""
        body = await self._rest.open_interest(contract.symbol, _PERIODS.get(interval, interval), limit)
        return quotes.interest_history(body, contract)

    async def funding(self, contract: Instrument) -> Funding:
        """Return the current rate."""
        return quotes.funding(await self._ticker(contract))

    async def funding_history(self, contract: Instrument) -> list[FundingPoint]:
        """Return settled rates of a week or more, as far as one answer goes."""
        return quotes.funding_history(await self._rest.funding_history(contract.symbol, _WEEK_OF_RATES))

    async def ratios(self, contract: Instrument) -> LongShort:
        """Return the ratio of all accounts; Bybit does not publish the top traders'."""
        return LongShort(quotes.ratio(await self._rest.account_ratio(contract.symbol, "5min")))

    async def book(self, contract: Instrument) -> Book:
        """Return the best 500 levels of each side."""
        return quotes.order_book(await self._rest.order_book(contract.symbol), contract)

    async def trades(self, contract: Instrument) -> list[Trade]:
        """Return the newest 1000 rows of the tape."""
        return quotes.trades(await self._rest.recent_trades(contract.symbol), contract)

    async def _ticker(self, contract: Instrument) -> bytes:
        key = (self.name, "ticker", contract.symbol)
        return (await self._cache.get(key, _TICKER_S, lambda: self._rest.ticker(contract.symbol))).value
