"""Several exchanges at once: one answer of the first that has one, or one of each, and who has none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import httpx

from bot.answers import EXCHANGES, Block, Missing, MissingError, Reason
from bot.sources.binance import Binance
from bot.sources.bybit import Bybit
from bot.sources.door import PATIENCE_S, Asked, Door
from bot.sources.hyperliquid import Hyperliquid
from bot.sources.okx import Okx
from bot.sources.race import first
from teleglas.cache import TtlCache
from teleglas.market import Instrument
from teleglas.venues.binance.rest import BinanceRest, BinanceSpotRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx.rest import OkxRest

__all__ = ["Exchanges", "open_exchanges"]

_MOST_WAIT_S = 0.8
_LACKING = frozenset({Reason.NOT_LISTED, Reason.NOT_PUBLISHED, Reason.EMPTY})
T = TypeVar("T")
Ask = Callable[[Door, Instrument], Awaitable[Asked[T]]]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Exchanges:
    """The doors of the exchanges; their order is the order of trust. wall_ms: Unix ms."""

    def __init__(self, doors: Sequence[Door], cache: TtlCache, wall_ms: Callable[[], int] = _now_ms) -> None:
        self.doors = tuple(doors)
        self.wall_ms = wall_ms
        self._cache = cache

    async def close(self) -> None:
        """Give up what is under way; the HTTP client stays the caller's."""
        await self._cache.close()

    def counts(self) -> dict[str, Mapping[str, int]]:
        """Return exchange -> what became of the questions to it -> how many, for /status."""
        return {door.name: dict(door.counts) for door in self.doors}

    async def listings(self) -> tuple[dict[str, dict[str, Instrument]], list[Missing]]:
        """Return exchange -> coin -> its main contract there, and which exchanges did not tell."""
        return _split(self.doors, await asyncio.gather(*(_listing(door) for door in self.doors)))

    async def one(self, coin: str, ask: Ask[T], venue: str | None = None) -> Block[T]:
        """Return the answer of the named exchange (in any case), else of the first that has one.

        Raises MissingError; `not_listed` also for an exchange that is not asked here.
        """
        doors = [door for door in self.doors if venue is None or door.name.casefold() == venue.casefold()]
        if not doors:
            raise MissingError(Reason.NOT_LISTED, venue or EXCHANGES)
        name, told = await first([partial(_named, door, coin, ask) for door in doors])
        return Block(told.value, None, EXCHANGES, (name,), told.at_ms, stale=told.stale)

    async def each(self, coin: str, ask: Ask[T]) -> tuple[dict[str, Asked[T]], list[Missing]]:
        """Return the answers by exchange, and why the others have none."""
        return _split(self.doors, await asyncio.gather(*(_attempt(door, coin, ask) for door in self.doors)))

    def block(self, value: T, told: Mapping[str, Asked[Any]], gaps: Iterable[Missing]) -> Block[T]:
        """Return a block of several exchanges' answers, as old as the oldest of them.

        Only those are gaps that might have answered: not one that lacks the coin.
        """
        return Block(
            value, None, EXCHANGES, tuple(told), min(each.at_ms for each in told.values()),
            stale=any(each.stale for each in told.values()),
            gaps=tuple(gap for gap in gaps if gap.reason not in _LACKING),
        )  # fmt: skip


def open_exchanges(
    http: Callable[[], httpx.AsyncClient],
    urls: Mapping[str, str],
    *,
    patience_s: float = PATIENCE_S,
    wall_ms: Callable[[], int] = _now_ms,
    clock: Callable[[], float] = time.monotonic,
) -> Exchanges:
    """Return Binance, Bybit, OKX and Hyperliquid.

    http: makes the client of one exchange; the caller closes them. urls: base URL by `binance`,
    `binance_spot`, `bybit`, `okx`, `hyperliquid`; an absent or empty one is the exchange's own, but
    whatever stands in for Binance is asked for its spot market too. patience_s: for one question.
    wall_ms: Unix ms. clock: monotonic seconds, of what is kept.
    """
    cache = TtlCache(clock=clock)
    binance = BinanceRest(http(), urls.get("binance", ""), most_wait_s=_MOST_WAIT_S)
    spot = BinanceSpotRest(
        http(), urls.get("binance_spot") or urls.get("binance", ""), most_wait_s=_MOST_WAIT_S
    )
    bybit = BybitRest(http(), urls.get("bybit", ""), most_wait_s=_MOST_WAIT_S)
    okx = OkxRest(http(), urls.get("okx", ""), most_wait_s=_MOST_WAIT_S)
    hyperliquid = HyperliquidRest(http(), urls.get("hyperliquid", ""), most_wait_s=_MOST_WAIT_S)
    venues = (
        Binance(binance, spot, cache),
        Bybit(bybit, cache),
        Okx(okx),
        Hyperliquid(hyperliquid, cache, wall_ms),
    )
    return Exchanges(
        [Door(venue, cache, patience_s=patience_s, wall_ms=wall_ms) for venue in venues], cache, wall_ms
    )


async def _named(door: Door, coin: str, ask: Ask[T]) -> tuple[str, Asked[T]]:
    return door.name, await ask(door, await door.contract(coin))


async def _attempt(door: Door, coin: str, ask: Ask[T]) -> Asked[T] | Missing:
    try:
        return (await _named(door, coin, ask))[1]
    except MissingError as error:
        return error.missing


async def _listing(door: Door) -> dict[str, Instrument] | Missing:
    try:
        return await door.contracts()
    except MissingError as error:
        return error.missing


def _split(doors: Iterable[Door], told: Iterable[T | Missing]) -> tuple[dict[str, T], list[Missing]]:
    found: dict[str, T] = {}
    gaps: list[Missing] = []
    for door, each in zip(doors, told, strict=True):
        if isinstance(each, Missing):
            gaps.append(each)
        else:
            found[door.name] = each
    return found, gaps
