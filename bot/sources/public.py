"""What the exchanges tell everyone, in the words of the command bot: no key is needed.

Each method raises MissingError where no exchange can tell. One that does not answer is
named among the gaps and never holds the others; `gaps` leaves out those without the coin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from bot import answers
from bot.answers import EXCHANGES, Block, Missing, MissingError, Reason
from bot.sources import derived, whales
from bot.sources.books import TAPE_S, Books
from bot.sources.door import Asked, Door, rows_of
from bot.sources.exchanges import Exchanges
from bot.sources.race import main_reason
from bot.sources.venue import Takers
from teleglas.market import Instrument
from teleglas.venues.quotes import MINUTES, Candle, Flow, InterestPoint

__all__ = ["PublicSource"]

_PRICE_S, _FIGURES_S, _STATISTICS_S = 3.0, 5.0, 30.0
_CANDLES_S = {"1m": 5.0, "5m": 15.0, "15m": 30.0, "30m": 30.0, "1h": 60.0, "4h": 60.0, "1d": 60.0}
_STRENGTH = ("1h", "4h", "1d")
_STRENGTH_CANDLES = 200
_MINUTES, _WEEK_HOURS = 245, 170
_FLOW_ROWS, _CVD_ROWS = 50, 24
_INTEREST_STEP, _INTEREST_ROWS = "15m", 98
_WEEK_MS = 7 * 24 * 3_600_000
_OPEN_VENUE, _MOST_TRADED = "Hyperliquid", ("BTC", "ETH", "SOL")
_ACCOUNTS_S = 20.0
T = TypeVar("T")


class PublicSource:
    """Asks the exchanges; where one is enough, the first in their order that answers."""

    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges
        self._books = Books(exchanges.wall_ms)

    async def coins(self) -> Block[tuple[str, ...]]:
        """Return every coin that an exchange lists, in the order of the first that does."""
        listings, gaps = await self._exchanges.listings()
        if not listings:
            raise main_reason(gaps)
        names = tuple(dict.fromkeys(asset for listing in listings.values() for asset in listing))
        now = self._exchanges.wall_ms()
        return Block(names, None, EXCHANGES, tuple(listings), now, gaps=tuple(gaps))

    async def multiplied(self) -> frozenset[str]:
        """Return the coins that some exchange prices by the thousand or more, for `symbols.resolve`."""
        listings, _ = await self._exchanges.listings()
        contracts = (row for listing in listings.values() for row in listing.values())
        return frozenset(contract.asset for contract in contracts if contract.scale > 1)

    async def price(self, coin: str) -> Block[answers.Price]:
        """Return one exchange's price, its changes, and the range of 24 h and of 7 d."""

        async def ask(door: Door, contract: Instrument) -> Asked[answers.Price]:
            day, minutes, hours = await asyncio.gather(
                door.ask(_PRICE_S, door.venue.day, contract),
                rows_of(partial(_candles, door, contract, "1m", _MINUTES)),
                rows_of(partial(_candles, door, contract, "1h", _WEEK_HOURS)),
            )
            now = self._exchanges.wall_ms()
            return day.saying(derived.price(day.value, minutes, hours, now))

        return await self._exchanges.one(coin, ask)

    async def candles(self, coin: str, window: str) -> Block[tuple[answers.Candle, ...]]:
        """Return one exchange's candles over a length of time of `derived.BARS`."""
        interval, limit = derived.BARS[window]

        async def ask(door: Door, contract: Instrument) -> Asked[tuple[answers.Candle, ...]]:
            told = await _candles(door, contract, interval, limit)
            if not told.value:
                raise MissingError(Reason.EMPTY, door.name)
            rows = tuple(
                answers.Candle(row.time_ms, row.open, row.high, row.low, row.close, row.volume_usd)
                for row in told.value
            )
            return told.saying(rows)

        return await self._exchanges.one(coin, ask)

    async def rsi(self, coin: str) -> Block[dict[str, float]]:
        """Return RSI(14) of one exchange's closed candles of 1h, 4h and 1d."""

        async def ask(door: Door, contract: Instrument) -> Asked[dict[str, float]]:
            told = await asyncio.gather(
                *(_candles(door, contract, interval, _STRENGTH_CANDLES) for interval in _STRENGTH)
            )
            rows = {interval: each.value for interval, each in zip(_STRENGTH, told, strict=True)}
            found = derived.strength(rows, self._exchanges.wall_ms())
            if not found:
                raise MissingError(Reason.EMPTY, door.name)
            return Asked(found, min(each.at_ms for each in told), any(each.stale for each in told))

        return await self._exchanges.one(coin, ask)

    async def volume(self, coin: str) -> Block[answers.Volume]:
        """Return the turnover of 24 h over the exchanges, futures and spot."""

        async def futures(door: Door, contract: Instrument) -> Asked[float | None]:
            told = await door.ask(_PRICE_S, door.venue.day, contract)
            return told.saying(told.value.volume_usd)

        async def spot(door: Door, _: Instrument) -> Asked[float | None]:
            try:
                told = await door.ask(_STATISTICS_S, door.venue.spot_usd, coin)
            except MissingError as error:
                raise _spot_error(error.missing) from None
            return told.saying(told.value)

        (traded, gaps), (on_spot, spot_gaps) = await asyncio.gather(
            self._exchanges.each(coin, futures), self._exchanges.each(coin, spot)
        )
        if not traded:
            raise main_reason(gaps)
        value = answers.Volume(_sum(traded), _sum(on_spot))
        lacking = [gap for gap in spot_gaps if gap.who in traded]
        return self._exchanges.block(value, {**traded, **on_spot}, [*gaps, *lacking])

    async def open_interest(self, coin: str) -> Block[answers.OpenInterest]:
        """Return the single-sided open interest, with changes counted in coins.

        Hyperliquid's is left out: sources disagree whether it counts one side or both.
        """
        (told, gaps), (past, _) = await asyncio.gather(
            self._exchanges.each(
                coin, lambda door, contract: door.ask(_FIGURES_S, door.venue.interest, contract)
            ),
            self._exchanges.each(coin, partial(_past_interest, _INTEREST_STEP, _INTEREST_ROWS)),
        )
        sure = {name: each for name, each in told.items() if not each.value.disputed}
        if not sure:
            raise main_reason([*gaps, *(Missing(Reason.NOT_PUBLISHED, name) for name in told)])
        together, alone = derived.interest_changes(
            {name: each.value.coins for name, each in sure.items()},
            {name: each.value for name, each in past.items()},
            self._exchanges.wall_ms(),
        )
        rows = [answers.VenueAmount(name, each.value.usd, alone.get(name)) for name, each in sure.items()]
        rows.sort(key=lambda row: -row.usd)
        value = answers.OpenInterest(sum(row.usd for row in rows), tuple(rows), together)
        return self._exchanges.block(value, sure, gaps)

    async def open_interest_history(self, coin: str, window: str) -> Block[tuple[answers.Point, ...]]:
        """Return the open interest over a length of time of `derived.BARS`, USD at the prices of then."""
        interval, limit = derived.BARS[window]

        async def candles(door: Door, contract: Instrument) -> Asked[list[Candle]]:
            return await _candles(door, contract, interval, limit + 1)

        (past, gaps), prices = await asyncio.gather(
            self._exchanges.each(coin, partial(_past_interest, *_past_rows(interval, limit))),
            self._exchanges.one(coin, candles),
        )
        points = derived.interest_values([each.value for each in past.values()], prices.value or [], interval)
        if not points:
            raise main_reason([*gaps, Missing(Reason.EMPTY, EXCHANGES)])
        return self._exchanges.block(points, past, gaps)

    async def funding(self, coin: str) -> Block[answers.Funding]:
        """Return the current rates, and their mean weighted by open interest, percent per 8 h."""
        (told, gaps), interest = await asyncio.gather(
            self._exchanges.each(
                coin, lambda door, contract: door.ask(_FIGURES_S, door.venue.funding, contract)
            ),
            self._exchanges.each(
                coin, lambda door, contract: door.ask(_FIGURES_S, door.venue.interest, contract)
            ),
        )
        if not told:
            raise main_reason(gaps)
        weights = {name: each.value.usd for name, each in interest[0].items() if not each.value.disputed}
        rows = tuple(
            answers.VenueFunding(name, rate.percent, rate.interval_h, rate.percent_8h, rate.next_ms)
            for name, each in told.items()
            for rate in (each.value,)
        )
        return self._exchanges.block(answers.Funding(rows, derived.weighted(rows, weights)), told, gaps)

    async def funding_history(self, coin: str) -> Block[tuple[answers.FundingPoint, ...]]:
        """Return one exchange's settled rates of a week, percent per its interval."""

        async def ask(door: Door, contract: Instrument) -> Asked[tuple[answers.FundingPoint, ...]]:
            told = await door.ask(_STATISTICS_S, door.venue.funding_history, contract)
            begin = self._exchanges.wall_ms() - _WEEK_MS
            rows = tuple(
                answers.FundingPoint(row.time_ms, row.percent) for row in told.value if row.time_ms > begin
            )
            if not rows:
                raise MissingError(Reason.EMPTY, door.name)
            return told.saying(rows)

        return await self._exchanges.one(coin, ask)

    async def ratios(self, coin: str) -> Block[answers.Ratios]:
        """Return one exchange's longs divided by shorts: Binance and OKX tell three kinds, Bybit one."""

        async def ask(door: Door, contract: Instrument) -> Asked[answers.Ratios]:
            told = await door.ask(_STATISTICS_S, door.venue.ratios, contract)
            row = told.value
            if (row.global_account, row.top_account, row.top_position) == (None, None, None):
                raise MissingError(Reason.EMPTY, door.name)
            value = answers.Ratios(door.name, row.global_account, row.top_account, row.top_position)
            return told.saying(value)

        return await self._exchanges.one(coin, ask)

    async def flow(self, coin: str) -> Block[tuple[answers.Flow, ...]]:
        """Return what takers bought and sold on one exchange (Binance, else OKX) in full periods of 5 min."""

        async def ask(door: Door, contract: Instrument) -> Asked[tuple[answers.Flow, ...]]:
            told = await _flows(door, contract, "5m", _FLOW_ROWS)
            sums = derived.flows(told.value, self._exchanges.wall_ms())
            if not sums:
                raise MissingError(Reason.EMPTY, door.name)
            return told.saying(sums)

        return await self._exchanges.one(coin, ask)

    async def cvd(self, coin: str) -> Block[float]:
        """Return what takers bought minus what they sold within 24 h, USD, on one exchange (Binance, else OKX)."""

        async def ask(door: Door, contract: Instrument) -> Asked[float]:
            told = await _flows(door, contract, "1h", _CVD_ROWS)
            total = derived.cvd(told.value, self._exchanges.wall_ms())
            if total is None:
                raise MissingError(Reason.EMPTY, door.name)
            return told.saying(total)

        return await self._exchanges.one(coin, ask)

    async def book(self, coin: str, venue: str | None = None) -> Block[answers.Book]:
        """Return an exchange's order book: the named one's (any case), else the first that answers."""
        return await self._exchanges.one(coin, self._books.ask, venue)

    async def whale_trades(self, coin: str, min_usd: float) -> Block[answers.WhaleTrades]:
        """Return the large taker orders among each exchange's newest rows: a sample, so sums are lower bounds."""
        told, gaps = await self._exchanges.each(
            coin, lambda door, contract: door.ask(TAPE_S, door.venue.trades, contract)
        )
        tapes = {name: each for name, each in told.items() if each.value}
        if not tapes:
            raise main_reason([*gaps, *(Missing(Reason.EMPTY, name) for name in told)])
        found = [
            answers.WhaleTrade(name, coin, row.side, row.usd, row.price, row.time_ms)
            for name, each in tapes.items()
            for row in each.value
            if row.usd >= min_usd
        ]
        found.sort(key=lambda row: -row.time_ms)
        from_ms = min(each.value[0].time_ms for each in tapes.values())
        return self._exchanges.block(whales.trades(found, min_usd, from_ms), tapes, gaps)

    async def whale_positions(self, coin: str | None, min_usd: float) -> Block[answers.WhalePositions]:
        """Return what the largest takers of a coin's newest trades on Hyperliquid hold of it.

        Without a coin: what those of the most traded coins hold of any.
        """
        coins = (coin,) if coin else _MOST_TRADED

        async def ask(door: Door, contract: Instrument) -> Asked[Takers]:
            return await door.ask(_ACCOUNTS_S, door.venue.takers, contract)

        told = await asyncio.gather(
            *(self._exchanges.one(each, ask, _OPEN_VENUE) for each in coins), return_exceptions=True
        )
        found = {each: block for each, block in zip(coins, told, strict=True) if isinstance(block, Block)}
        if not found:
            raise next(each for each in told if isinstance(each, BaseException))
        takers = [block.value for block in found.values() if block.value is not None]
        silent = (Missing(Reason.NO_ANSWER, _OPEN_VENUE),) if any(each.silent for each in takers) else ()
        return Block(
            whales.positions(takers, coin, tuple(found), min_usd), None, EXCHANGES, (_OPEN_VENUE,),
            min(block.as_of_ms for block in found.values()), stale=any(block.stale for block in found.values()),
            gaps=silent,
        )  # fmt: skip


def _candles(
    door: Door, contract: Instrument, interval: str, limit: int
) -> Coroutine[Any, Any, Asked[list[Candle]]]:
    return door.ask(_CANDLES_S[interval], door.venue.candles, contract, interval, limit)


def _flows(
    door: Door, contract: Instrument, interval: str, limit: int
) -> Coroutine[Any, Any, Asked[list[Flow]]]:
    return door.ask(_CANDLES_S[interval], door.venue.flows, contract, interval, limit)


def _past_interest(
    interval: str, limit: int, door: Door, contract: Instrument
) -> Coroutine[Any, Any, Asked[list[InterestPoint]]]:
    return door.ask(_STATISTICS_S, door.venue.interest_history, contract, interval, limit)


def _past_rows(interval: str, limit: int) -> tuple[str, int]:
    """Return which rows tell a picture's points: where they do, those that tell the changes, so that one question is enough."""
    told = MINUTES[_INTEREST_STEP] * _INTEREST_ROWS
    fits = MINUTES[interval] % MINUTES[_INTEREST_STEP] == 0 and MINUTES[interval] * limit <= told
    return (_INTEREST_STEP, _INTEREST_ROWS) if fits else (interval, limit)


def _spot_error(missing: Missing) -> MissingError:
    """Return what to say of a spot market: a refused pair is one that does not exist."""
    unlisted = missing.reason is Reason.REFUSED and missing.detail == "bad_request"
    return MissingError(Reason.NOT_LISTED if unlisted else missing.reason, missing.who, "spot")


def _sum(told: Mapping[str, Asked[float | None]]) -> float | None:
    known = [each.value for each in told.values() if each.value is not None]
    return sum(known) if known else None
