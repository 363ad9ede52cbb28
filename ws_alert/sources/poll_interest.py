"""Funding and open interest by REST, each venue once a minute: no stream of ours tells them.

A cycle asks for what the venue gives in one body, keeps the rows of the watched contracts,
and asks contract by contract for the rest. Bodies are named `venue:endpoint:argument` like
every other; `*` stands for no argument, since an empty one would mean all trades of the venue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.instruments import asset_and_scale
from teleglas.venues.binance import interest as binance
from teleglas.venues.binance.rest import BinanceRest
from teleglas.venues.bybit import interest as bybit
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.coinglass import interest as coinglass
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.hyperliquid import codec as hyperliquid
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx import interest as okx
from teleglas.venues.okx.rest import OkxRest
from ws_alert.messages import Frame, RecordKind
from ws_alert.sources.poller import Cycle, Put, Watch

__all__ = [
    "PERIOD_S",
    "BinanceInterestPolls",
    "BybitInterestPolls",
    "CoinglassInterestPolls",
    "HyperliquidInterestPolls",
    "OkxInterestPolls",
]

PERIOD_S: Final = 60.0
_SPREAD_S: Final = 6.0
"""Cycles begin so much apart from one another as chance wills, so that venues do not coincide."""

_NOTHING_YET_S: Final = 5.0
_INTERVALS_EVERY_S: Final = 270.0
"""Binance's intervals must stand in the six minutes that a restart refills from the journal, whatever fails."""

_MOST_ALONE: Final = 300
"""Contracts that are asked for one by one: Binance's weight allows five times as many."""

_REFUSED_CYCLES: Final = 60
_SHARE_OF_BUDGET: Final = 0.25
_LEAST_PER_MINUTE: Final = 30

Symbols = Callable[[], Sequence[str]]
"""What is watched, the most traded first."""


class _Polls:
    """What the venues share. `begin` has nothing to do: each cycle asks for the present."""

    def __init__(self, venue: str, put: Put, watch: Watch) -> None:
        self._venue = venue
        self._put = put
        self._watch = watch
        self._cycles = 0
        self._refused: dict[str, int] = {}

    def begin(self, gap_ms: int) -> None:
        """Do nothing: the past cannot be asked for."""

    async def _keep(self, endpoint: str, argument: str, body: bytes) -> None:
        await self._put(Frame(RecordKind.BODY, f"{self._venue}:{endpoint}:{argument}", body))

    def _done(self, started_ms: int, missing: str = "") -> Cycle:
        self._cycles += 1
        return Cycle(started_ms, missing, PERIOD_S + _SPREAD_S * (self._watch.jitter() - 0.5))

    def _nothing_yet(self) -> Cycle:
        return Cycle(self._watch.wall_ms(), "no contract is watched", _NOTHING_YET_S)

    async def _one_by_one(
        self,
        symbols: Sequence[str],
        ask: Callable[[str], Awaitable[bytes]],
        keep: Callable[[str, bytes], Awaitable[None]],
    ) -> str:
        """Ask for each contract; return what is left out. One that the venue refuses is left alone for an hour."""
        for symbol in symbols[:_MOST_ALONE]:
            if self._refused.get(symbol, -1) > self._cycles:
                continue
            try:
                body = await ask(symbol)
            except FeedRefused as error:
                if error.reason != "bad_request":
                    raise
                self._refused[symbol] = self._cycles + _REFUSED_CYCLES
                continue
            await keep(symbol, body)
        if len(symbols) <= _MOST_ALONE:
            return ""
        return f"the {_MOST_ALONE} most traded of {len(symbols)} contracts are asked for one by one"


@contextmanager
def _readable(venue: str) -> Iterator[None]:
    try:
        yield
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FeedInterrupted(f"{venue} answers in another shape: {str(error)[:80]}") from error


class BinanceInterestPolls(_Polls):
    """`fundingInfo`, `premiumIndex`, and `openInterest` of each contract, in the order that the codec needs."""

    def __init__(self, rest: BinanceRest, symbols: Symbols, put: Put, watch: Watch) -> None:
        super().__init__(rest.venue, put, watch)
        self._rest = rest
        self._symbols = symbols
        self._intervals_s = float("-inf")

    async def cycle(self) -> Cycle:
        """Ask once. Raises FeedError."""
        started_ms, symbols = self._watch.wall_ms(), self._symbols()
        if not symbols:
            return self._nothing_yet()
        if self._watch.monotonic_s() - self._intervals_s >= _INTERVALS_EVERY_S:
            # whole: a contract that is watched from now on must not be taken for one of 8 hours
            await self._keep("fundingInfo", "*", await self._rest.funding_info())
            self._intervals_s = self._watch.monotonic_s()
        body = await self._rest.premium_indexes()
        with _readable(self._venue):
            body = binance.of_symbols(body, frozenset(symbols))
        await self._keep("premiumIndex", "*", body)

        async def keep(_symbol: str, body: bytes) -> None:
            await self._keep("openInterest", "*", body)

        return self._done(started_ms, await self._one_by_one(symbols, self._rest.open_interest, keep))


class BybitInterestPolls(_Polls):
    """`tickers` of all contracts."""

    def __init__(self, rest: BybitRest, symbols: Symbols, put: Put, watch: Watch) -> None:
        super().__init__(rest.venue, put, watch)
        self._rest = rest
        self._symbols = symbols

    async def cycle(self) -> Cycle:
        """Ask once. Raises FeedError."""
        started_ms, symbols = self._watch.wall_ms(), self._symbols()
        if not symbols:
            return self._nothing_yet()
        body = await self._rest.tickers()
        with _readable(self._venue):
            body = bybit.of_symbols(body, frozenset(symbols))
        await self._keep("tickers", "*", body)
        return self._done(started_ms)


class OkxInterestPolls(_Polls):
    """`open-interest` of all swaps, `funding-rate` of each."""

    def __init__(self, rest: OkxRest, symbols: Symbols, put: Put, watch: Watch) -> None:
        super().__init__(rest.venue, put, watch)
        self._rest = rest
        self._symbols = symbols

    async def cycle(self) -> Cycle:
        """Ask once. Raises FeedError."""
        started_ms, symbols = self._watch.wall_ms(), self._symbols()
        if not symbols:
            return self._nothing_yet()
        body = await self._rest.open_interests()
        with _readable(self._venue):
            body = okx.of_symbols(body, frozenset(symbols))
        await self._keep("open-interest", "*", body)

        async def keep(symbol: str, body: bytes) -> None:
            await self._keep("funding-rate", f"{symbol}@{self._watch.wall_ms()}", body)

        return self._done(started_ms, await self._one_by_one(symbols, self._rest.funding_rate, keep))


class HyperliquidInterestPolls(_Polls):
    """`metaAndAssetCtxs`, which also says what is traded enough to be watched.

    least_usd: volume of 24 h; half of it keeps a coin watched. watch_list: assets in place of it.
    """

    def __init__(
        self, rest: HyperliquidRest, least_usd: float, watch_list: Sequence[str], put: Put, watch: Watch
    ) -> None:
        super().__init__(rest.venue, put, watch)
        self._rest = rest
        self._least_usd = least_usd
        self._watch_list = frozenset(watch_list)
        self._before: frozenset[str] = frozenset()

    async def cycle(self) -> Cycle:
        """Ask once. Raises FeedError."""
        started_ms = self._watch.wall_ms()
        body = await self._rest.contexts()
        came_ms = self._watch.wall_ms()
        with _readable(self._venue):
            body, coins = hyperliquid.of_coins(body, self._wanted)
        self._before = frozenset(coins)
        await self._keep(hyperliquid.ENDPOINT, f"@{came_ms}", body)
        return self._done(started_ms)

    def _wanted(self, coin: str, usd: float) -> bool:
        if ":" in coin:
            return False
        if self._watch_list:
            return coin in self._watch_list or asset_and_scale(coin)[0] in self._watch_list
        return usd >= (self._least_usd / 2 if coin in self._before else self._least_usd)


class CoinglassInterestPolls(_Polls):
    """Both exchange-lists of the most traded coins, within a quarter of our share of the key's budget."""

    def __init__(self, rest: CoinglassRest, coins: Symbols, put: Put, watch: Watch) -> None:
        super().__init__(rest.venue, put, watch)
        self._rest = rest
        self._coins = coins

    async def cycle(self) -> Cycle:
        """Ask once. Raises FeedError."""
        started_ms, coins = self._watch.wall_ms(), self._coins()
        per_cycle = max(self._rest.max_per_minute, _LEAST_PER_MINUTE) / 2 * _SHARE_OF_BUDGET
        asked = coins[: max(1, int(per_cycle) - 1)]
        for coin in asked:
            body = await self._rest.interest_exchange_list(coin)
            await self._keep("open-interest/exchange-list", f"{coin}@{self._watch.wall_ms()}", body)
        # last: a rate is told with the open interest that it is paid on
        body = await self._rest.funding_exchange_list()
        came_ms = self._watch.wall_ms()
        with _readable(self._venue):
            body = coinglass.of_coins(body, frozenset(coins))
        await self._keep("funding-rate/exchange-list", f"@{came_ms}", body)
        missing = f"open interest of {len(asked)} of {len(coins)} coins, as the key's requests allow"
        return self._done(started_ms, missing if len(asked) < len(coins) else "")
