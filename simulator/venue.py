"""One venue put together: feed, faults, WebSocket and REST server."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from simulator.binance.dialogue import open_binance
from simulator.binance.feed import BinanceFeed
from simulator.binance.figures import BinanceFigures
from simulator.binance.rest import BinanceRest
from simulator.bybit.dialogue import open_bybit
from simulator.bybit.feed import BybitFeed
from simulator.bybit.figures import BybitFigures
from simulator.bybit.rest import BybitRest
from simulator.candle_streams import CandleStream, binance_candles, bybit_candles, okx_candles
from simulator.coinglass.dialogue import open_coinglass
from simulator.coinglass.feed import CoinglassFeed
from simulator.coinglass.ledger import Contract, Ledger
from simulator.coinglass.plans import Account
from simulator.coinglass.rest import CoinglassRest
from simulator.dialogue import Refused
from simulator.faults import VenueFaults
from simulator.feeds import Feed, Printed, VenueClock
from simulator.figures import Figures
from simulator.hyperliquid import listings as hyperliquid_listings
from simulator.hyperliquid.feed import HyperliquidFeed
from simulator.hyperliquid.rest import HyperliquidRest
from simulator.listings import Asset
from simulator.okx.dialogue import open_okx
from simulator.okx.feed import OkxFeed
from simulator.okx.figures import OkxFigures
from simulator.okx.rest import OkxRest
from simulator.rest import RestServer
from simulator.scenarios import Move
from simulator.wire import StreamServer

__all__ = ["Clocks", "Venue", "binance", "bybit", "coinglass", "hyperliquid", "okx"]

_BINANCE_PING_S = 180


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue's parts. channel_of: the stream that a printed order goes to."""

    name: str
    feed: Feed
    faults: VenueFaults
    streams: StreamServer
    rest: RestServer
    channel_of: Callable[[Printed], str]
    candles: CandleStream | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """start_ms: Unix ms of the start. market: simulated ms since then. lived: ms as clients live them."""

    start_ms: int
    market: Callable[[], int]
    lived: Callable[[], int]


def binance(assets: tuple[Asset, ...], clocks: Clocks, ledger: Ledger) -> Venue:
    """Return Binance USD-M."""
    feed, faults = BinanceFeed(assets, VenueClock(clocks.start_ms)), VenueFaults()
    own = [contract for contract in ledger.contracts if contract.listing.venue == "binance"]
    figures = BinanceFigures(_figures(own, ledger, feed.clock, clocks))
    rest = BinanceRest(feed, figures, clocks.market)
    streams = StreamServer(open_binance, faults, clocks.lived, ping_s=_BINANCE_PING_S)
    server = RestServer(rest.endpoints(), rest.missing, faults)
    return Venue("binance", feed, faults, streams, server, lambda _: "!forceOrder@arr",
                 binance_candles(figures))  # fmt: skip


def bybit(assets: tuple[Asset, ...], clocks: Clocks, ledger: Ledger) -> Venue:
    """Return Bybit v5 linear."""
    feed, faults = BybitFeed(assets, VenueClock(clocks.start_ms)), VenueFaults()
    own = [contract for contract in ledger.contracts if contract.listing.venue == "bybit"]
    figures = BybitFigures(_figures(own, ledger, feed.clock, clocks))
    rest = BybitRest(feed, figures, clocks.market)
    numbers = itertools.count(1)
    streams = StreamServer(lambda target: open_bybit(target, feed, next(numbers)), faults, clocks.lived)
    server = RestServer(rest.endpoints(), rest.missing, faults)
    return Venue("bybit", feed, faults, streams, server, lambda row: f"allLiquidation.{row.listing.symbol}",
                 bybit_candles(figures))  # fmt: skip


def okx(assets: tuple[Asset, ...], clocks: Clocks, ledger: Ledger) -> Venue:
    """Return OKX v5 public."""
    feed, faults = OkxFeed(assets, VenueClock(clocks.start_ms)), VenueFaults()
    own = [contract for contract in ledger.contracts if contract.listing.venue == "okx"]
    figures = OkxFigures(_figures(own, ledger, feed.clock, clocks))
    rest = OkxRest(feed, figures, clocks.market)
    streams = StreamServer(lambda target: open_okx(target, feed), faults, clocks.lived)
    server = RestServer(rest.endpoints(), rest.missing, faults)
    return Venue("okx", feed, faults, streams, server, lambda _: "liquidation-orders:SWAP",
                 okx_candles(figures))  # fmt: skip


def coinglass(
    assets: tuple[Asset, ...], clocks: Clocks, accounts: dict[str, Account], moves: tuple[Move, ...] = ()
) -> tuple[Venue, Ledger]:
    """Return CoinGlass v4 for the keys in `accounts`, and the ledger that every venue's figures come from."""
    feed, faults = CoinglassFeed(assets, VenueClock(clocks.start_ms), moves), VenueFaults()
    rest = CoinglassRest(feed, accounts, clocks.market)
    streams = StreamServer(lambda target: open_coinglass(target, feed, accounts), faults, clocks.lived)
    server = RestServer(rest.endpoints(), rest.missing, faults)
    return Venue("coinglass", feed, faults, streams, server, lambda _: "liquidationOrders"), feed.ledger


def hyperliquid(assets: tuple[Asset, ...], clocks: Clocks, ledger: Ledger) -> Venue:
    """Return Hyperliquid's info endpoint."""
    feed, faults = HyperliquidFeed(assets, VenueClock(clocks.start_ms)), VenueFaults()
    rest = HyperliquidRest(_figures(hyperliquid_listings.contracts(assets), ledger, feed.clock, clocks))
    streams = StreamServer(lambda _: Refused(404, "no streams here"), faults, clocks.lived)
    server = RestServer(rest.endpoints(), rest.missing, faults)
    return Venue("hyperliquid", feed, faults, streams, server, lambda _: "")


def _figures(contracts: list[Contract], ledger: Ledger, clock: VenueClock, clocks: Clocks) -> Figures:
    return Figures(contracts, ledger, lambda: clock.at(clocks.market()))
