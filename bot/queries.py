"""Asks for what a command shows: CoinGlass where there is a key, then the exchanges, then our own tape.

Every block is asked for by itself and fails by itself. Whoever answered, the types are
those of `bot.answers`, so the views do not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, TypeVar, cast

import msgspec

from bot.answers import (
    COINGLASS,
    EXCHANGES,
    TAPE,
    Block,
    Book,
    Candle,
    FearGreed,
    Flow,
    Funding,
    FundingPoint,
    HeatMap,
    LargeOrder,
    LiquidationBar,
    Liquidations,
    Market,
    Missing,
    OpenInterest,
    Point,
    Price,
    Ratios,
    Reason,
    Volume,
    WhalePositions,
    WhaleTrades,
)
from bot.asking import Ask, Deadline, answer
from bot.replies import (
    Depth,
    FundingReply,
    HeatReply,
    InterestReply,
    LiquidationReply,
    MarketReply,
    MarketViewReply,
    Overview,
    Rsi,
    Sentiment,
    Whales,
)
from bot.sources.coinglass import CoinglassSource
from bot.sources.public import PublicSource
from bot.sources.tape import TapeSource

__all__ = ["BOOK_VENUES", "Queries"]

T = TypeVar("T")

BOOK_VENUES = ("Binance", "Bybit", "OKX", "Hyperliquid")
"""Exchanges whose order books can be asked for."""

_PUBLIC_WHALE_USD = 50_000.0
_NO_KEY: Block[Any] = Block(missing=Missing(Reason.NEEDS_KEY, COINGLASS))


class Queries:
    """coinglass: None without a key."""

    def __init__(self, coinglass: CoinglassSource | None, public: PublicSource, tape: TapeSource) -> None:
        self._coinglass = coinglass
        self._public = public
        self._tape = tape

    # -- what the commands ask ----------------------------------------------------------

    async def overview(self, coin: str, end: Deadline) -> Overview:
        """Ask everything that /raw shows."""
        found = await _together(
            self._price(coin, end), self._open_interest(coin, end), self._volume(coin, end),
            self._funding(coin, end), self._liquidations(coin, end), self._ratios(coin, end),
            self._flow(coin, end), self._cvd(coin, end), self._rsi(coin, end), self._book(coin, None, end),
            self._whale_index(coin, end), self._candles(coin, "24h", end),
        )  # fmt: skip
        return Overview(coin, *found)

    async def liquidations(self, coin: str, window: str, end: Deadline) -> LiquidationReply:
        """Ask what /liq COIN shows."""
        # A young record would be a sliver of the day's picture.
        drawn = window if self._coinglass is not None else await self._tape.covered(window)
        found = await _together(
            self._liquidations(coin, end), self._price(coin, end), self._open_interest(coin, end),
            self._bars(coin, drawn, end), self._candles(coin, drawn, end),
        )  # fmt: skip
        return LiquidationReply(coin, window, *found)

    async def market(self, window: str, end: Deadline) -> MarketReply:
        """Ask what /liq shows."""
        asks: list[Ask[Market]] = [(TAPE, partial(self._tape.market, window))]
        if self._coinglass is not None:
            asks.insert(0, (COINGLASS, partial(self._coinglass.market, window)))
        return MarketReply(window, await answer(asks, end))

    async def market_view(self, window: str, end: Deadline) -> MarketViewReply:
        """Ask what /market shows."""
        return MarketViewReply(
            window,
            *await _together(
                answer([(TAPE, partial(self._tape.market_view, window))], end),
                answer([(TAPE, self._tape.storms)], end),
            ),
        )

    async def whales(self, coin: str | None, min_usd: float | None, end: Deadline) -> Whales:
        """Ask what /whale shows."""
        found = await _together(
            self._whale_trades(coin, min_usd, end), self._whale_positions(coin, min_usd, end)
        )
        return Whales(coin, min_usd, *found)

    async def sentiment(self, coin: str, end: Deadline) -> Sentiment:
        """Ask what /sentiment shows."""
        found = await _together(
            self._fear_greed(end), self._price(coin, end), self._funding(coin, end),
            self._open_interest(coin, end), self._ratios(coin, end), self._rsi(coin, end),
        )  # fmt: skip
        return Sentiment(coin, *found)

    async def depth(self, coin: str, venue: str | None, end: Deadline) -> Depth:
        """Ask what /orderbook shows; venue None: the first exchange that answers."""
        asked = venue or BOOK_VENUES[0]
        book, orders = await _together(self._book(coin, venue, end), self._large_orders(coin, asked, end))
        shown = book.value.venue if book.value is not None else asked
        if shown != asked:
            orders = await self._large_orders(coin, shown, end)
        return Depth(coin, shown, BOOK_VENUES, book, orders)

    async def open_interest(self, coin: str, window: str, end: Deadline) -> InterestReply:
        """Ask what /oi shows."""
        found = await _together(
            self._open_interest(coin, end), self._price(coin, end), self._interest_history(coin, window, end),
            self._candles(coin, window, end),
        )  # fmt: skip
        return InterestReply(coin, window, *found)

    async def funding(self, coin: str, end: Deadline) -> FundingReply:
        """Ask what /funding shows."""
        found = await _together(
            self._funding(coin, end), self._funding_history(coin, end), self._candles(coin, "7d", end)
        )
        return FundingReply(coin, *found)

    async def rsi(self, coin: str, end: Deadline) -> Rsi:
        """Ask what /rsi shows."""
        return Rsi(coin, *await _together(self._rsi(coin, end), self._price(coin, end)))

    async def heat(self, coin: str, window: str, end: Deadline) -> HeatReply:
        """Ask what /heat shows."""
        found = await _together(self._heat(coin, window, end), self._price(coin, end))
        return HeatReply(coin, window, *found)

    # -- blocks -------------------------------------------------------------------------

    async def _price(self, coin: str, end: Deadline) -> Block[Price]:
        return await self._both("price", end, coin)

    async def _open_interest(self, coin: str, end: Deadline) -> Block[OpenInterest]:
        return await self._both("open_interest", end, coin)

    async def _volume(self, coin: str, end: Deadline) -> Block[Volume]:
        return await self._both("volume", end, coin)

    async def _funding(self, coin: str, end: Deadline) -> Block[Funding]:
        return await self._both("funding", end, coin)

    async def _ratios(self, coin: str, end: Deadline) -> Block[Ratios]:
        return await self._both("ratios", end, coin)

    async def _flow(self, coin: str, end: Deadline) -> Block[tuple[Flow, ...]]:
        return await self._both("flow", end, coin)

    async def _cvd(self, coin: str, end: Deadline) -> Block[float]:
        return await self._both("cvd", end, coin)

    async def _rsi(self, coin: str, end: Deadline) -> Block[dict[str, float]]:
        return await self._both("rsi", end, coin)

    async def _interest_history(self, coin: str, window: str, end: Deadline) -> Block[tuple[Point, ...]]:
        return await self._both("open_interest_history", end, coin, window)

    async def _funding_history(self, coin: str, end: Deadline) -> Block[tuple[FundingPoint, ...]]:
        return await self._both("funding_history", end, coin)

    async def _candles(self, coin: str, window: str, end: Deadline) -> Block[tuple[Candle, ...]]:
        # The exchanges first: candles are theirs, and the key's budget is for what only CoinGlass has.
        asks: list[Ask[tuple[Candle, ...]]] = [(EXCHANGES, partial(self._public.candles, coin, window))]
        if self._coinglass is not None:
            asks.append((COINGLASS, partial(self._coinglass.candles, coin, window)))
        return await answer(asks, end)

    async def _book(self, coin: str, venue: str | None, end: Deadline) -> Block[Book]:
        # Only an exchange's own book is of this second.
        return await answer([(venue or EXCHANGES, partial(self._public.book, coin, venue))], end)

    async def _large_orders(self, coin: str, venue: str, end: Deadline) -> Block[tuple[LargeOrder, ...]]:
        if self._coinglass is None:
            return cast("Block[tuple[LargeOrder, ...]]", _NO_KEY)
        return await answer([(COINGLASS, partial(self._coinglass.large_orders, coin, venue))], end)

    async def _liquidations(self, coin: str, end: Deadline) -> Block[Liquidations]:
        asks: list[Ask[Liquidations]] = [(TAPE, partial(self._tape.liquidations, coin))]
        if self._coinglass is None:
            return await answer(asks, end)
        asks.insert(0, (COINGLASS, partial(self._coinglass.liquidations, coin)))
        found: Block[Liquidations]
        found, largest = await asyncio.gather(answer(asks, end), self._tape.largest(coin))
        if found.value is None or found.value.largest is not None or largest is None:
            return found
        return msgspec.structs.replace(found, value=msgspec.structs.replace(found.value, largest=largest))

    async def _bars(self, coin: str, window: str, end: Deadline) -> Block[tuple[LiquidationBar, ...]]:
        asks: list[Ask[tuple[LiquidationBar, ...]]] = [
            (TAPE, partial(self._tape.liquidation_bars, coin, window))
        ]
        if self._coinglass is not None:
            asks.insert(0, (COINGLASS, partial(self._coinglass.liquidation_bars, coin, window)))
        return await answer(asks, end)

    async def _whale_trades(
        self, coin: str | None, min_usd: float | None, end: Deadline
    ) -> Block[WhaleTrades]:
        asks: list[Ask[WhaleTrades]] = [(TAPE, partial(self._tape.whale_trades, coin, min_usd))]
        if coin is not None:
            least = _PUBLIC_WHALE_USD if min_usd is None else min_usd
            asks.append((EXCHANGES, partial(self._public.whale_trades, coin, least)))
        return await answer(asks, end)

    async def _whale_positions(
        self, coin: str | None, min_usd: float | None, end: Deadline
    ) -> Block[WhalePositions]:
        least = _PUBLIC_WHALE_USD if min_usd is None else min_usd
        asks: list[Ask[WhalePositions]] = [(EXCHANGES, partial(self._public.whale_positions, coin, least))]
        if self._coinglass is not None:
            asks.insert(0, (COINGLASS, partial(self._coinglass.whale_positions, coin, least)))
        return await answer(asks, end)

    async def _whale_index(self, coin: str, end: Deadline) -> Block[float]:
        if self._coinglass is None:
            return cast("Block[float]", _NO_KEY)
        return await answer([(COINGLASS, partial(self._coinglass.whale_index, coin))], end)

    async def _fear_greed(self, end: Deadline) -> Block[FearGreed]:
        if self._coinglass is None:
            return cast("Block[FearGreed]", _NO_KEY)
        return await answer([(COINGLASS, self._coinglass.fear_greed)], end)

    async def _heat(self, coin: str, window: str, end: Deadline) -> Block[HeatMap]:
        asks: list[Ask[HeatMap]] = [(TAPE, partial(self._recorded_heat, coin, window, end))]
        if self._coinglass is not None:
            asks.insert(0, (COINGLASS, partial(self._coinglass.heat, coin, window)))
        return await answer(asks, end)

    async def _recorded_heat(self, coin: str, window: str, end: Deadline) -> Block[HeatMap]:
        drawn = await self._tape.covered(window)
        candles = await self._candles(coin, drawn, end)
        return await self._tape.heat(coin, drawn, candles.value or ())

    async def _both(self, question: str, end: Deadline, *about: str) -> Block[Any]:
        """Ask what CoinGlass and the exchanges both know under one name."""
        sources = [(COINGLASS, self._coinglass), (EXCHANGES, self._public)]
        asks: list[Ask[Any]] = [
            (who, partial(getattr(source, question), *about)) for who, source in sources if source is not None
        ]
        return await answer(asks, end)


async def _together(*questions: Awaitable[Block[Any]]) -> list[Any]:
    return list(await asyncio.gather(*questions))
