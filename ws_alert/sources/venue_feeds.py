"""What is watched on each venue: its contracts, its busy symbols, its streams and its polls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import msgspec
from pydantic import SecretStr

from teleglas.errors import BadFrame, FeedInterrupted, FeedRefused
from teleglas.market import Instrument
from teleglas.venues.binance import instruments as binance_instruments
from teleglas.venues.binance import rest as binance
from teleglas.venues.binance.stream import BASE_URL as BINANCE_WS
from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.bybit import instruments as bybit_instruments
from teleglas.venues.bybit import rest as bybit
from teleglas.venues.bybit.stream import BASE_URL as BYBIT_WS
from teleglas.venues.bybit.stream import BybitDialogue
from teleglas.venues.candle_rows import BYBIT_INTERVALS, OKX_BARS
from teleglas.venues.coinglass import instruments as coinglass_instruments
from teleglas.venues.coinglass.rest import CoinglassRest, may_stream
from teleglas.venues.coinglass.stream import BASE_URL as COINGLASS_WS
from teleglas.venues.coinglass.stream import CoinglassDialogue
from teleglas.venues.dialogue import CANDLES, LIQUIDATIONS, TRADES, Dialogue, Plan
from teleglas.venues.okx import instruments as okx_instruments
from teleglas.venues.okx import rest as okx
from teleglas.venues.okx.builtin import AS_OF, builtin_instruments
from teleglas.venues.okx.stream import BASE_URL as OKX_WS
from teleglas.venues.okx.stream import OkxDialogue
from ws_alert.sources.candle_keeper import CandleKeeper, CandlePages, Series
from ws_alert.sources.poll_interest import (
    BinanceInterestPolls,
    BybitInterestPolls,
    CoinglassInterestPolls,
    OkxInterestPolls,
)
from ws_alert.sources.poll_liquidations import CoinglassPolls, OkxLiquidationPolls
from ws_alert.sources.poll_trades import AggTradePolls, NewestTradePolls, Tape
from ws_alert.sources.poller import PollSource, Put, Watch

__all__ = ["KNOWN_COINS", "BinanceFeed", "BybitFeed", "CoinglassFeed", "FeedOptions", "OkxFeed", "VenueFeed"]

KNOWN_COINS = ("BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "AVAX", "LINK", "DOT", "LTC", "POL")
"""Watched where a venue's own list cannot be had."""

_STAYS_WATCHED = 0.5  # of the minimum volume, so that symbols near it do not come and go
_COINGLASS_EXCHANGES = ("Binance", "OKX", "Bybit", "Bitget", "Gate", "Hyperliquid")
_COINGLASS_MIN_USD = 10_000
_COINGLASS_MOST_PAIRS = 150
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """Which sources to open.

    ws_urls, rest_urls: by venue, in place of its own. min_daily_volume_usd: trades are
    watched of perpetuals with at least so much, or of `watch` (assets or symbols) if set.
    flow: whether liquidations and trades are watched at all. candles: (symbol, timeframe)
    of `candles_venue`. interest: venues whose funding and open interest are polled;
    where CoinGlass stands in for all venues, it is asked instead.
    """

    mode: Literal["auto", "public", "coinglass", "both"] = "auto"
    venues: tuple[str, ...] = ("binance", "bybit", "okx")
    ws_urls: Mapping[str, str] = field(default_factory=dict)
    rest_urls: Mapping[str, str] = field(default_factory=dict)
    min_daily_volume_usd: float = 5_000_000
    watch: tuple[str, ...] = ()
    trades: bool = True
    flow: bool = True
    candles: tuple[Series, ...] = ()
    candles_venue: str = "binance"
    interest: tuple[str, ...] = ()
    coinglass_key: SecretStr | None = None
    coinglass_ws_key: SecretStr | None = None


class VenueFeed(ABC):
    """One venue. `refresh` learns what it lists; `plans` and `polls` follow from it.

    symbols: of which trades are watched, the most traded first. table: its contracts.
    no_rest: by family, what no REST of this venue gives; partial_rest: what it gives only in part.
    """

    venue: ClassVar[str]
    dialogue: ClassVar[type[Dialogue]]
    no_rest: ClassVar[Mapping[str, str]] = {}
    partial_rest: ClassVar[Mapping[str, str]] = {}

    def __init__(self, options: FeedOptions, put: Put, watch: Watch) -> None:
        self._options = options
        self._put = put
        self._watch = watch
        self.table: dict[str, Instrument] = {}
        self.volumes: dict[str, float] = {}
        self.symbols: tuple[str, ...] = ()
        self.keeper: CandleKeeper | None = None

    async def refresh(self) -> None:
        """Ask for contracts and volumes anew. Raises FeedError, keeping what was known."""
        try:
            table = await self._load_table()
            self.volumes = await self._load_volumes()
        except (BadFrame, msgspec.MsgspecError, ValueError) as error:
            raise FeedInterrupted(f"{self.venue} lists nothing readable: {str(error)[:80]}") from error
        self.table = table
        self.symbols = self._choose()

    def fall_back(self) -> str:
        """Use what is built in, and return what the operator must know."""
        self.table = self._builtin()
        self.symbols = self._choose()
        return f"{len(self.symbols)} well-known symbols are watched until the venue's own list comes"

    @abstractmethod
    def plans(self) -> list[Plan]:
        """Return the connections to open."""

    @abstractmethod
    def polls(self) -> dict[str, PollSource]:
        """Return what stands in for a family's streams."""

    @abstractmethod
    def interest(self) -> PollSource:
        """Return what asks for funding and open interest of the watched contracts."""

    def candles(self) -> tuple[Series, ...]:
        """Return the series to keep, in the venue's own symbols: `BTCUSDT` is `BTC-USDT-SWAP` on OKX."""
        if self._options.candles_venue != self.venue:
            return ()
        own = {symbol.replace("-", "").removesuffix("SWAP"): symbol for symbol in self.table}
        return tuple(
            (own.get(symbol.replace("-", "").removesuffix("SWAP"), symbol), timeframe)
            for symbol, timeframe in self._options.candles
        )

    def _candle_polls(self) -> dict[str, PollSource]:
        return {CANDLES: self.keeper} if self.keeper is not None and self.candles() else {}

    def _keep(self, pages: CandlePages) -> CandleKeeper:
        return CandleKeeper(pages, self.candles, self._put, self._watch)

    @abstractmethod
    async def _load_table(self) -> dict[str, Instrument]: ...

    async def _load_volumes(self) -> dict[str, float]:
        return {}

    def _builtin(self) -> dict[str, Instrument]:
        return {f"{coin}USDT": Instrument(self.venue, f"{coin}USDT", coin) for coin in KNOWN_COINS}

    def _is_watchable(self, symbol: str) -> bool:
        return bool(symbol)

    def _choose(self) -> tuple[str, ...]:
        least, wanted = self._options.min_daily_volume_usd, frozenset(self._options.watch)
        before = frozenset(self.symbols)
        chosen = []
        for symbol, instrument in self.table.items():
            if not self._is_watchable(symbol) or not (self._options.trades and self._options.flow):
                continue
            volume = self.volumes.get(symbol, 0.0)
            if wanted:
                take = instrument.asset in wanted or symbol in wanted
            elif self.volumes:
                take = volume >= (least * _STAYS_WATCHED if symbol in before else least)
            else:
                take = instrument.asset in KNOWN_COINS
            if take:
                chosen.append((-volume, symbol))
        return tuple(symbol for _, symbol in sorted(chosen))

    def _ws_url(self, own: str) -> str:
        return self._options.ws_urls.get(self.venue) or own


class BinanceFeed(VenueFeed):
    """Binance USD-M."""

    venue = "binance"
    dialogue = BinanceDialogue
    no_rest: ClassVar[Mapping[str, str]] = {LIQUIDATIONS: "Binance publishes no liquidations by REST"}

    def __init__(self, rest: binance.BinanceRest, options: FeedOptions, put: Put, watch: Watch) -> None:
        super().__init__(options, put, watch)
        self._rest = rest
        self.keeper = self._keep(CandlePages("binance:klines", self._rest.klines, 1_500))

    def plans(self) -> list[Plan]:
        """Return the connections to open."""
        return BinanceDialogue.plans(
            trades=self.symbols,
            liquidations=self._options.flow,
            candles=self.candles(),
            base_url=self._ws_url(BINANCE_WS),
        )

    def polls(self) -> dict[str, PollSource]:
        """Return what stands in for a family's streams."""
        polls = AggTradePolls(self._rest, lambda: self.symbols, self._put, self._watch.wall_ms)
        return {TRADES: polls, **self._candle_polls()}

    def interest(self) -> PollSource:
        """Return what asks for funding and open interest of the watched contracts."""
        return BinanceInterestPolls(self._rest, lambda: self.symbols, self._put, self._watch)

    async def _load_table(self) -> dict[str, Instrument]:
        return binance_instruments.parse_instruments(await self._rest.exchange_info())

    async def _load_volumes(self) -> dict[str, float]:
        return binance.volumes(await self._rest.tickers())

    def _is_watchable(self, symbol: str) -> bool:
        return binance.is_watchable(symbol)


class BybitFeed(VenueFeed):
    """Bybit linear."""

    venue = "bybit"
    dialogue = BybitDialogue
    no_rest: ClassVar[Mapping[str, str]] = {LIQUIDATIONS: "Bybit publishes no liquidations by REST"}

    def __init__(self, rest: bybit.BybitRest, options: FeedOptions, put: Put, watch: Watch) -> None:
        super().__init__(options, put, watch)
        self._rest = rest
        self.keeper = self._keep(CandlePages("bybit:kline", self._klines, 1_000))

    def plans(self) -> list[Plan]:
        """Return the connections to open; liquidations have no wildcard."""
        return BybitDialogue.plans(
            trades=self.symbols,
            liquidations=sorted(self.table) if self._options.flow else (),
            candles=self.candles(),
            base_url=self._ws_url(BYBIT_WS),
        )

    def polls(self) -> dict[str, PollSource]:
        """Return what stands in for a family's streams."""
        tape = Tape("bybit:recent-trade", self._rest.recent_trades, bybit.trade_refs, bybit.MAX_TRADES, 60.0)
        polls = NewestTradePolls(tape, lambda: self.symbols, self._put, self._watch.wall_ms)
        return {TRADES: polls, **self._candle_polls()}

    def interest(self) -> PollSource:
        """Return what asks for funding and open interest of the watched contracts."""
        return BybitInterestPolls(self._rest, lambda: self.symbols, self._put, self._watch)

    async def _klines(self, symbol: str, timeframe: str, limit: int, until_ms: int | None) -> bytes:
        return await self._rest.klines(symbol, BYBIT_INTERVALS[timeframe], limit, until_ms)

    async def _load_table(self) -> dict[str, Instrument]:
        table: dict[str, Instrument] = {}
        cursor = ""
        for _ in range(_MOST_PAGES):
            body = await self._rest.instruments(cursor)
            table |= bybit_instruments.parse_instruments(body)
            cursor = bybit_instruments.next_page(body)
            if not cursor:
                break
        return table

    async def _load_volumes(self) -> dict[str, float]:
        return bybit.volumes(await self._rest.tickers())

    def _is_watchable(self, symbol: str) -> bool:
        return bybit.is_watchable(symbol)


class OkxFeed(VenueFeed):
    """OKX SWAP."""

    venue = "okx"
    dialogue = OkxDialogue

    def __init__(self, rest: okx.OkxRest, options: FeedOptions, put: Put, watch: Watch) -> None:
        super().__init__(options, put, watch)
        self._rest = rest
        self.keeper = self._keep(CandlePages("okx:candles", self._candles, 300))

    def fall_back(self) -> str:
        """Use the built-in contract sizes, and return what the operator must know."""
        said = super().fall_back()
        return f"contract sizes are the built-in ones of {AS_OF}, other contracts are not counted; {said}"

    def plans(self) -> list[Plan]:
        """Return the connections to open."""
        return OkxDialogue.plans(
            trades=self.symbols,
            liquidations=self._options.flow,
            candles=self.candles(),
            base_url=self._ws_url(OKX_WS),
        )

    def polls(self) -> dict[str, PollSource]:
        """Return what stands in for a family's streams."""
        tape = Tape("okx:trades", self._rest.trades, okx.trade_refs, okx.MAX_TRADES, 30.0)
        wall_ms = self._watch.wall_ms
        return {
            TRADES: NewestTradePolls(tape, lambda: self.symbols, self._put, wall_ms),
            LIQUIDATIONS: OkxLiquidationPolls(self._rest, self.families, self._put, wall_ms),
            **self._candle_polls(),
        }

    def interest(self) -> PollSource:
        """Return what asks for funding and open interest of the watched contracts."""
        return OkxInterestPolls(self._rest, lambda: self.symbols, self._put, self._watch)

    def families(self) -> Sequence[str]:
        """Return every family that is listed, the most traded first."""
        busiest = sorted(self.table, key=lambda symbol: (-self.volumes.get(symbol, 0.0), symbol))
        return tuple(dict.fromkeys(okx.family_of(symbol) for symbol in busiest))

    async def _candles(self, symbol: str, timeframe: str, limit: int, until_ms: int | None) -> bytes:
        return await self._rest.candles(symbol, OKX_BARS[timeframe], limit, until_ms)

    async def _load_table(self) -> dict[str, Instrument]:
        return okx_instruments.parse_instruments(await self._rest.instruments())

    async def _load_volumes(self) -> dict[str, float]:
        return okx.volumes(await self._rest.tickers())

    def _builtin(self) -> dict[str, Instrument]:
        return builtin_instruments()

    def _is_watchable(self, symbol: str) -> bool:
        return okx.is_watchable(symbol)


class CoinglassFeed(VenueFeed):
    """CoinGlass: liquidations of all its exchanges, and large trades of those that we do not stream ourselves.

    direct: venues that are streamed directly: their trades are not asked a second time.
    """

    venue = "coinglass"
    dialogue = CoinglassDialogue
    no_rest: ClassVar[Mapping[str, str]] = {TRADES: "CoinGlass publishes no trades by REST"}
    partial_rest: ClassVar[Mapping[str, str]] = {LIQUIDATIONS: "REST covers the most traded coins only"}

    def __init__(
        self, rest: CoinglassRest, options: FeedOptions, put: Put, watch: Watch, *, direct: Sequence[str] = ()
    ) -> None:
        super().__init__(options, put, watch)
        self._rest = rest
        self._direct = frozenset(direct)

    async def key_may_stream(self) -> bool:
        """Return whether the key's plan includes the stream. Raises FeedError."""
        try:
            plan: bytes | None = await self._rest.subscription()
        except FeedRefused as error:
            if error.reason != "bad_request":
                raise
            plan = None
            await self._rest.supported_coins()
        return may_stream(plan, self._rest.max_per_minute)

    def coins(self) -> Sequence[str]:
        """Return the coins to poll, the most traded first."""
        return self._options.watch or KNOWN_COINS

    def plans(self) -> list[Plan]:
        """Return the connections to open."""
        key = self._options.coinglass_ws_key or self._options.coinglass_key
        return CoinglassDialogue.plans(
            key.get_secret_value() if key else "", trades=self._pairs(), base_url=self._ws_url(COINGLASS_WS)
        )

    def polls(self) -> dict[str, PollSource]:
        """Return what stands in for a family's streams."""
        watch = self._watch
        polls = CoinglassPolls(self._rest, self.coins, self._put, watch.wall_ms, watch.monotonic_s)
        return {LIQUIDATIONS: polls}

    def interest(self) -> PollSource:
        """Return what asks for funding and open interest of the most traded coins."""
        return CoinglassInterestPolls(self._rest, self.coins, self._put, self._watch)

    async def _load_table(self) -> dict[str, Instrument]:
        return coinglass_instruments.parse_instruments(await self._rest.supported_pairs())

    def _builtin(self) -> dict[str, Instrument]:
        return {}

    def _pairs(self) -> list[tuple[str, str, int]]:
        names = {coinglass_instruments.venue_of(name): name for name in _COINGLASS_EXCHANGES}
        found = []
        for key in self.symbols:
            instrument = self.table[key]
            exchange = names.get(instrument.venue)
            dated = any(character.isdigit() for character in instrument.symbol.rpartition("-")[2])
            if exchange and instrument.venue not in self._direct and "USD" in instrument.symbol and not dated:
                found.append((exchange, instrument.symbol, _COINGLASS_MIN_USD))
        return found[:_COINGLASS_MOST_PAIRS]
