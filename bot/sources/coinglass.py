"""What CoinGlass answers, in the words of the command bot.

Each method raises SourceError (see `teleglas.venues.answer`) where CoinGlass cannot tell, or
MissingError where it has nothing for this coin; the queries then ask somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from bot.answers import (
    COINGLASS,
    Block,
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
    MarketRow,
    MissingError,
    OpenInterest,
    Point,
    Price,
    Ratios,
    Reason,
    Span,
    VenueAmount,
    VenueFunding,
    VenueSides,
    Volume,
    WhalePosition,
    WhalePositions,
)
from bot.sources.derived import BARS, weighted
from teleglas.instruments import asset_and_scale, asset_of_symbol
from teleglas.venues.answer import Answer, SourceChanged, SourceError, UnknownSymbol
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.api.rows_markets import CoinMarket
from teleglas.venues.coinglass.api.rows_whales import WhaleAction

__all__ = ["LIQUIDATION_WINDOWS", "CoinglassSource"]

T = TypeVar("T")

LIQUIDATION_WINDOWS = ("1h", "4h", "12h", "24h")
_FLOW_WINDOWS = ("5m", "15m", "1h", "4h")
_RSI_WINDOWS = (("1h", "1h"), ("4h", "4h"), ("1d", "24h"))

_MAJOR_VENUES = "Binance,OKX,Bybit,Gate,Bitget,HTX"
_RATIO_VENUE = "Binance"
_TOP = 10


class CoinglassSource:
    """Asks a `CoinglassApi`, which caches and joins equal questions."""

    def __init__(self, api: CoinglassApi) -> None:
        self._api = api

    async def coins(self) -> Block[tuple[str, ...]]:
        """Return every coin that CoinGlass lists, after aliases."""
        # The pairs are wanted by most of what will be asked next, and are a second request only once an hour.
        answer, _ = await asyncio.gather(self._api.ask(E.COINS), self._pairs_too())
        return _block(answer, tuple(dict.fromkeys(asset_and_scale(name)[0] for name in answer.value)))

    async def price(self, coin: str) -> Block[Price]:
        """Return price and changes by length of time (Standard plan), with the range of 24 h and 7 d."""
        answer, row, scale = await self._coin_market(coin)
        if row.price is None:
            raise MissingError(Reason.EMPTY, COINGLASS)
        ranges = await self._ranges(coin)
        value = Price(row.price / scale, _numbers(row.price_change_percent), *ranges)
        return _block(answer, value)

    async def volume(self, coin: str) -> Block[Volume]:
        """Return 24 h turnover: futures over every listed venue, spot likewise if that is told."""
        name = await self._name(coin)
        futures, spot = await asyncio.gather(
            self._api.ask(E.PAIRS_MARKETS, symbol=name),
            self._api.ask(E.SPOT_PAIRS_MARKETS, symbol=name),
            return_exceptions=True,
        )
        if isinstance(futures, BaseException):
            raise futures
        traded = _sum(row.volume_usd for row in futures.value)
        on_spot = None
        if not isinstance(spot, BaseException):
            on_spot = _sum(row.volume_usd.get("24h") for row in spot.value)
        elif not isinstance(spot, SourceError):
            raise spot
        if traded is None and on_spot is None:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(futures, Volume(traded, on_spot), (row.exchange for row in futures.value))

    async def open_interest(self, coin: str) -> Block[OpenInterest]:
        """Return open interest by venue; CoinGlass's own row `All` is the total."""
        answer = await self._api.ask(E.OPEN_INTEREST, symbol=await self._name(coin))
        board = answer.value
        venues = [
            VenueAmount(row.exchange, row.usd, row.change_percent.get("24h"))
            for row in board.venues
            if row.usd is not None
        ]
        venues.sort(key=lambda row: -row.usd)
        total = board.total.usd if board.total else _sum(row.usd for row in venues)
        if total is None:
            raise MissingError(Reason.NOT_LISTED, COINGLASS)
        changes = _numbers(board.total.change_percent) if board.total else {}
        return _block(answer, OpenInterest(total, tuple(venues), changes), (row.venue for row in venues))

    async def funding(self, coin: str) -> Block[Funding]:
        """Return rates by venue (percent per interval), and their mean weighted by open interest."""
        name = await self._name(coin)
        answer = await self._api.ask(E.FUNDING)
        rows = [
            row
            for row in answer.value.by_coin.get(name, [])
            if row.margin == "stablecoin" and row.percent is not None
        ]
        if not rows:
            raise MissingError(Reason.NOT_LISTED, COINGLASS)
        try:
            interest = await self.open_interest(coin)
        except (SourceError, MissingError):
            weights: dict[str, float] = {}
        else:
            weights = {row.venue: row.usd for row in interest.value.by_venue} if interest.value else {}
        venues = tuple(
            VenueFunding(row.exchange, row.percent, row.interval_h, row.percent_8h, row.next_ms)
            for row in sorted(rows, key=lambda row: -weights.get(row.exchange, 0.0))
            if row.percent is not None
        )
        return _block(answer, Funding(venues, weighted(venues, weights)), (row.venue for row in venues))

    async def liquidations(self, coin: str) -> Block[Liquidations]:
        """Return what was liquidated within each length of time, by venue."""
        name = await self._name(coin)
        answers = await asyncio.gather(
            *(self._api.ask(E.LIQUIDATIONS, symbol=name, range=window) for window in LIQUIDATION_WINDOWS)
        )
        spans = []
        for window, answer in zip(LIQUIDATION_WINDOWS, answers, strict=True):
            venues = [
                VenueSides(row.exchange, row.long_usd, row.short_usd)
                for row in answer.value.venues
                if row.long_usd is not None and row.short_usd is not None
            ]
            venues.sort(key=lambda row: -(row.long_usd + row.short_usd))
            total = answer.value.total
            longs = total.long_usd if total else _sum(row.long_usd for row in venues)
            shorts = total.short_usd if total else _sum(row.short_usd for row in venues)
            if longs is not None and shorts is not None:
                spans.append(Span(window, longs, shorts, tuple(venues)))
        if not spans:
            raise MissingError(Reason.EMPTY, COINGLASS)
        oldest = min(answers, key=lambda answer: answer.fetched_ms)
        stale = any(answer.stale for answer in answers)
        found = _block(oldest, Liquidations(tuple(spans)), (row.venue for row in spans[-1].by_venue))
        return msgspec.structs.replace(found, stale=stale)

    async def liquidation_bars(self, coin: str, window: str) -> Block[tuple[LiquidationBar, ...]]:
        """Return bars over a length of time; the plan may make them longer."""
        interval, limit = BARS[window]
        answer = await self._api.ask(
            E.LIQUIDATION_COIN_HISTORY, symbol=await self._name(coin), interval=interval, limit=limit,
            exchange_list=_MAJOR_VENUES,
        )  # fmt: skip
        bars = tuple(
            LiquidationBar(row.time_ms, row.long_usd, row.short_usd)
            for row in answer.value
            if row.long_usd is not None and row.short_usd is not None
        )
        if not bars:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, bars, _MAJOR_VENUES.split(","))

    async def ratios(self, coin: str) -> Block[Ratios]:
        """Return longs divided by shorts on Binance: all accounts, top accounts, top positions."""
        pair = await self._pair(coin)
        answers = await asyncio.gather(
            *(
                self._api.ask(endpoint, exchange=_RATIO_VENUE, symbol=pair, interval="5m", limit=1)
                for endpoint in (E.GLOBAL_ACCOUNTS, E.TOP_ACCOUNTS, E.TOP_POSITIONS)
            ),
            return_exceptions=True,
        )
        good = [answer for answer in answers if isinstance(answer, Answer)]
        if not good:
            raise _first_error(answers)
        last = [
            answer.value[-1].ratio if isinstance(answer, Answer) and answer.value else None
            for answer in answers
        ]
        if last == [None, None, None]:
            raise MissingError(Reason.EMPTY, COINGLASS)
        oldest = min(good, key=lambda answer: answer.fetched_ms)
        return _block(oldest, Ratios(_RATIO_VENUE, *last), (_RATIO_VENUE,))

    async def flow(self, coin: str) -> Block[tuple[Flow, ...]]:
        """Return what takers bought and sold within each length of time (Startup plan)."""
        answer = await self._api.ask(E.NET_FLOW, symbol=await self._name(coin))
        row = answer.value
        if row is None:
            raise MissingError(Reason.EMPTY, COINGLASS)
        flows = []
        for window in _FLOW_WINDOWS:
            buy, sell = row.buy_usd.get(window), row.sell_usd.get(window)
            if buy is not None and sell is not None:
                flows.append(Flow(window, abs(buy), abs(sell)))
        if not flows:
            raise MissingError(Reason.EMPTY, COINGLASS)
        venues = str(dict(E.NET_FLOW.defaults)["exchange_list"]).split(",")
        return _block(answer, tuple(flows), venues)

    async def cvd(self, coin: str) -> Block[float]:
        """Return what takers bought minus what they sold within 24 h, USD (Startup plan)."""
        answer = await self._api.ask(
            E.COIN_CVD, symbol=await self._name(coin), interval="1h", limit=24, exchange_list=_MAJOR_VENUES
        )
        rows = answer.value[-24:]
        bought, sold = _sum(row.buy_usd for row in rows), _sum(row.sell_usd for row in rows)
        if bought is None or sold is None:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, bought - abs(sold), _MAJOR_VENUES.split(","))

    async def rsi(self, coin: str) -> Block[dict[str, float]]:
        """Return the relative strength index by length of a candle (Standard plan)."""
        name = await self._name(coin)
        answer = await self._api.ask(E.RSI)
        row = next((row for row in answer.value if row.coin == name), None)
        if row is None:
            raise MissingError(Reason.NOT_LISTED, COINGLASS)
        told = _numbers(row.rsi)
        found = {ours: told[key] for ours, other in _RSI_WINDOWS for key in (ours, other) if key in told}
        if len(found) < len(_RSI_WINDOWS):
            # The exchanges' candles tell every length; a card that passes one over says nothing of it.
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, found)

    async def whale_index(self, coin: str) -> Block[float]:
        """Return CoinGlass's whale index (Startup plan); its scale is not documented."""
        answer = await self._api.ask(
            E.WHALE_INDEX, exchange=_RATIO_VENUE, symbol=await self._pair(coin), interval="1h", limit=2
        )
        values = [row.value for row in answer.value if row.value is not None]
        if not values:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, values[-1], (_RATIO_VENUE,))

    async def whale_positions(self, coin: str | None, min_usd: float) -> Block[WhalePositions]:
        """Return large Hyperliquid positions that were opened or closed of late (Startup plan).

        CoinGlass tells those above $1M; raises MissingError(`empty`) if there is none of the coin.
        """
        answer = await self._api.ask(E.WHALE_ACTIONS)
        found = list(filter(None, map(_position, answer.value)))
        if coin is not None:
            found = [row for row in found if row.coin == coin]
        if not found:
            raise MissingError(Reason.EMPTY, COINGLASS)
        found.sort(key=lambda row: -row.usd)
        large = tuple(row for row in found if row.usd >= min_usd)
        return _block(answer, WhalePositions(large, min_usd=min_usd), ("Hyperliquid",))

    async def large_orders(self, coin: str, venue: str) -> Block[tuple[LargeOrder, ...]]:
        """Return the large limit orders of a venue's main contract, the highest price first (Standard plan)."""
        pair = await self._pair(coin, venue)
        answer = await self._api.ask(E.WALLS, exchange=venue, symbol=pair)
        scale = asset_of_symbol(pair)[1]
        told = [row for row in answer.value if row.state and row.side() and None not in (row.price, row.usd)]
        if answer.value and not told:
            # Orders that cannot be read are not none.
            raise MissingError(Reason.CHANGED, COINGLASS)
        orders = [
            LargeOrder(side, row.price / scale, row.usd, row.start_ms)
            for row in told
            if (side := row.side()) and row.price is not None and row.usd is not None and row.state == "open"
        ]
        orders.sort(key=lambda order: -order.price)
        return _block(answer, tuple(orders), (venue,))

    async def fear_greed(self) -> Block[FearGreed]:
        """Return today's index and the days before."""
        answer = await self._api.ask(E.FEAR_GREED)
        days = [day for day in answer.value if day.value is not None]
        if not days:
            raise MissingError(Reason.EMPTY, COINGLASS)
        history = tuple(day.value for day in days[-31:] if day.value is not None)
        return _block(answer, FearGreed(history[-1], days[-1].time_ms, history))

    async def market(self, window: str) -> Block[Market]:
        """Return the market's liquidations by coin (Standard plan)."""
        answer = await self._api.ask_pages(E.COINS_MARKETS)
        rows = []
        for row in answer.value:
            longs, shorts = row.long_liquidation_usd.get(window), row.short_liquidation_usd.get(window)
            if longs is None or shorts is None:
                continue
            asset, scale = asset_and_scale(row.coin)
            price = None if row.price is None else row.price / scale
            rows.append(MarketRow(asset, longs, shorts, price, row.price_change_percent.get(window)))
        if not rows:
            raise MissingError(Reason.EMPTY, COINGLASS)
        rows.sort(key=lambda row: -(row.long_usd + row.short_usd))
        totals = sum(row.long_usd for row in rows), sum(row.short_usd for row in rows)
        return _block(answer, Market(window, tuple(rows[:_TOP]), *totals))

    async def heat(self, coin: str, window: str) -> Block[HeatMap]:
        """Return the estimated liquidation levels over time (Professional plan)."""
        span = "24h" if window in {"1h", "4h"} else window
        name = await self._name(coin)
        answer = await self._api.ask(E.COIN_HEATMAP, symbol=name, range=span)
        found = answer.value
        if found is None or not found.cells or not found.candles:
            raise MissingError(Reason.EMPTY, COINGLASS)
        scale = asset_and_scale(name)[1]
        candles = tuple(_candle(row, scale) for row in found.candles if _whole(row))
        prices = tuple(price / scale for price in found.prices)
        times = tuple(row.time_ms for row in found.candles)
        # A cell beyond its axes has no time or no price; without any other there is no map.
        cells = tuple(
            (x, y, usd) for x, y, usd in found.cells if 0 <= x < len(times) and 0 <= y < len(prices)
        )
        if not cells:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, HeatMap(times, prices, cells, candles, estimated=True, window=span))

    async def candles(self, coin: str, window: str) -> Block[tuple[Candle, ...]]:
        """Return Binance's candles over a length of time, prices of one coin."""
        interval, limit = BARS[window]
        pair = await self._pair(coin)
        answer = await self._api.ask(
            E.PRICE_HISTORY, exchange=_RATIO_VENUE, symbol=pair, interval=interval, limit=limit
        )
        scale = asset_of_symbol(pair)[1]
        candles = tuple(_candle(row, scale) for row in answer.value if _whole(row))
        if not candles:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, candles, (_RATIO_VENUE,))

    async def open_interest_history(self, coin: str, window: str) -> Block[tuple[Point, ...]]:
        """Return open interest over all venues at the end of each period, USD."""
        interval, limit = BARS[window]
        answer = await self._api.ask(
            E.OPEN_INTEREST_HISTORY, symbol=await self._name(coin), interval=interval, limit=limit
        )
        points = tuple(Point(row.time_ms, row.close) for row in answer.value if row.close is not None)
        if not points:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, points)

    async def funding_history(self, coin: str) -> Block[tuple[FundingPoint, ...]]:
        """Return a week of rates weighted by open interest, percent per 8 h."""
        answer = await self._api.ask(
            E.FUNDING_BY_INTEREST, symbol=await self._name(coin), interval="8h", limit=21
        )
        points = tuple(FundingPoint(row.time_ms, row.close) for row in answer.value if row.close is not None)
        if not points:
            raise MissingError(Reason.EMPTY, COINGLASS)
        return _block(answer, points)

    # -- names ----------------------------------------------------------------------------

    async def _name(self, coin: str) -> str:
        """Return how CoinGlass spells a coin (perhaps `1000PEPE`); raises UnknownSymbol."""
        names = (await self._api.ask(E.COINS)).value
        alike = [name for name in names if asset_and_scale(name)[0] == coin]
        if not alike:
            raise UnknownSymbol(COINGLASS, coin)
        return coin if coin in alike else min(alike, key=len)

    async def _pairs_too(self) -> None:
        with contextlib.suppress(SourceError):
            await self._api.ask(E.PAIRS)

    async def _pair(self, coin: str, venue: str = _RATIO_VENUE) -> str:
        book = (await self._api.ask(E.PAIRS)).value
        if _RATIO_VENUE not in book.by_exchange:
            raise SourceChanged(COINGLASS, f"no pairs of {_RATIO_VENUE}")
        pair = book.find(venue, coin)
        if pair is None:
            raise UnknownSymbol(COINGLASS, coin)
        return pair

    async def _coin_market(self, coin: str) -> tuple[Answer[list[CoinMarket]], CoinMarket, int]:
        name = await self._name(coin)
        answer = await self._api.ask_pages(E.COINS_MARKETS)
        row = next((row for row in answer.value if row.coin == name), None)
        if row is None:
            raise UnknownSymbol(COINGLASS, coin)
        return answer, row, asset_and_scale(name)[1]

    async def _ranges(self, coin: str) -> tuple[float | None, float | None, float | None, float | None]:
        """Return high and low of 24 h and of 7 d, None where the candles are not told."""
        try:
            pair = await self._pair(coin)
            answer = await self._api.ask(
                E.PRICE_HISTORY, exchange=_RATIO_VENUE, symbol=pair, interval="1h", limit=168
            )
        except SourceError:
            return None, None, None, None
        scale = asset_of_symbol(pair)[1]
        week = [_candle(row, scale) for row in answer.value if _whole(row)]
        if not week:
            return None, None, None, None
        day = [row for row in week if row.time_ms > week[-1].time_ms - 86_400_000]
        return (
            max(row.high for row in day), min(row.low for row in day),
            max(row.high for row in week), min(row.low for row in week),
        )  # fmt: skip


def _block(answer: Answer[Any], value: T, venues: Iterable[str] = ()) -> Block[T]:
    names = tuple(dict.fromkeys(venues))
    return Block(value, None, COINGLASS, names, answer.fetched_ms, stale=answer.stale)


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum of what is known, None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _first_error(answers: Iterable[object]) -> BaseException:
    return next(each for each in answers if isinstance(each, BaseException))


def _position(row: WhaleAction) -> WhalePosition | None:
    if row.side is None or row.usd is None:
        return None
    asset, scale = asset_and_scale(row.coin)
    entry, liquidation = (
        None if price is None else price / scale for price in (row.entry_price, row.liquidation_price)
    )
    opened = None if row.action is None else row.action == "open"
    return WhalePosition(asset, row.side, abs(row.usd), entry, row.time_ms, opened, row.user, liquidation)


def _whole(row: Any) -> bool:
    return None not in (row.open, row.high, row.low, row.close)


def _candle(row: Any, scale: int) -> Candle:
    return Candle(
        row.time_ms, row.open / scale, row.high / scale, row.low / scale, row.close / scale, row.volume_usd
    )
