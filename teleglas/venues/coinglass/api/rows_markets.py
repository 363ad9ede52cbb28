"""Coins, pairs, prices and volumes (reference: coinglass 3.1 and 3.2). Percent is percent, amounts are USD."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from teleglas.instruments import asset_and_scale
from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, convert, each
from teleglas.venues.coinglass.api.values import Exchange, Ms, Number, Text, canonical_exchange

__all__ = ["COIN_WINDOWS", "PRICE_WINDOWS", "SPOT_COIN_WINDOWS", "SPOT_PAIR_WINDOWS", "Candle", "CoinMarket",
           "ExchangeRank", "Pair", "PairBook", "PairMarket", "PriceChange", "SpotCoinMarket", "SpotPairMarket",
           "read_names", "read_pairs"]  # fmt: skip

Windows = dict[str, Number]
"""Length of time (`5m`, `1h`, `24h`) -> value."""

_QUOTES = ("USDT", "USDC", "USD")
_DATED = re.compile(r"\d{6}|\d{1,2}[A-Z]{3}\d{2}")
_SIDES = ("", "long_", "short_")


class CoinMarket(Struct, frozen=True):
    """One coin over all exchanges. funding percents are weighted averages per funding interval.

    long_short_ratio: long divided by short, of taker volume. Amounts USD.
    """

    coin: Text = field(name="symbol")
    price: Number = field(name="current_price")
    open_interest_usd: Number
    price_change_percent: Windows
    long_short_ratio: Windows
    open_interest_change_percent: Windows = {}
    volume_change_percent: Windows = {}
    liquidation_usd: Windows = {}
    long_liquidation_usd: Windows = {}
    short_liquidation_usd: Windows = {}
    open_interest_quantity: Number = None
    market_cap_usd: Number = None
    funding_percent_by_oi: Number = field(name="avg_funding_rate_by_oi", default=None)
    funding_percent_by_volume: Number = field(name="avg_funding_rate_by_vol", default=None)
    oi_to_volume: Number = field(name="open_interest_volume_ratio", default=None)
    """Open interest divided by the day's volume."""


COIN_WINDOWS = {
    name: (f"{name}_",)
    for name in ("price_change_percent", "long_short_ratio", "open_interest_change_percent", "volume_change_percent",
                 *(f"{side}liquidation_usd" for side in _SIDES))
}  # fmt: skip


class PairMarket(Struct, frozen=True):
    """One contract of one exchange over 24 h. buy and sell volume: of takers. Coins and USD.

    funding_percent: per funding interval, which is not given here.
    """

    exchange: Exchange = field(name="exchange_name")
    pair: Text = field(name="instrument_id")
    price: Number = field(name="current_price")
    volume_usd: Number
    open_interest_usd: Number
    name: str = field(name="symbol", default="")
    index_price: Number = None
    price_change_percent_24h: Number = None
    volume_change_percent_24h: Number = field(name="volume_usd_change_percent_24h", default=None)
    buy_volume_usd: Number = field(name="long_volume_usd", default=None)
    sell_volume_usd: Number = field(name="short_volume_usd", default=None)
    open_interest_quantity: Number = None
    open_interest_change_percent_24h: Number = None
    long_liquidation_usd_24h: Number = None
    short_liquidation_usd_24h: Number = None
    funding_percent: Number = field(name="funding_rate", default=None)
    next_funding_ms: Ms | None = field(name="next_funding_time", default=None)


class PriceChange(Struct, frozen=True):
    """A coin's price changes, and its range as percent of the price, by length of time."""

    coin: Text = field(name="symbol")
    price: Number = field(name="current_price")
    change_percent: Windows
    amplitude_percent: Windows = {}


PRICE_WINDOWS = {"change_percent": ("price_change_percent_",), "amplitude_percent": ("price_amplitude_percent_",)}


class Candle(Struct, frozen=True):
    """time_ms: start of the period; the last one may be unfinished. USD."""

    time_ms: Ms = field(name="time")
    open: Number
    high: Number
    low: Number
    close: Number
    volume_usd: Number = None


class SpotPairMarket(Struct, frozen=True):
    """One spot pair of one exchange by length of time. buy and sell volume: of takers, USD."""

    exchange: Exchange = field(name="exchange_name")
    name: Text = field(name="symbol")
    price: Number = field(name="current_price")
    volume_usd: Windows
    buy_volume_usd: Windows = {}
    sell_volume_usd: Windows = {}
    net_flow_usd: Windows = {}
    volume_change_percent: Windows = {}
    price_change_percent: Windows = {}


_SPOT_WINDOWS = {
    name: (f"{name}_",)
    for name in ("volume_usd", "buy_volume_usd", "sell_volume_usd", "volume_change_percent", "price_change_percent")
}
SPOT_PAIR_WINDOWS = _SPOT_WINDOWS | {"net_flow_usd": ("net_flows_usd_",)}


class SpotCoinMarket(Struct, frozen=True):
    """One coin's spot markets over all exchanges, as `SpotPairMarket`."""

    coin: Text = field(name="symbol")
    price: Number = field(name="current_price")
    volume_usd: Windows
    price_change_percent: Windows
    buy_volume_usd: Windows = {}
    sell_volume_usd: Windows = {}
    net_flow_usd: Windows = {}
    volume_change_percent: Windows = {}
    market_cap_usd: Number = field(name="market_cap", default=None)


SPOT_COIN_WINDOWS = _SPOT_WINDOWS | {"net_flow_usd": ("volume_flow_usd_",)}


class ExchangeRank(Struct, frozen=True):
    """An exchange's size: open interest now, volume and liquidations of 24 h, USD."""

    exchange: Exchange
    open_interest_usd: Number
    volume_usd: Number
    liquidation_usd_24h: Number = None


class Pair(Struct, frozen=True):
    """A contract as its exchange spells it. base may be multiplied, as in `1000PEPE`."""

    symbol: Text = field(name="instrument_id")
    base: Text = field(name="base_asset")
    quote: str = field(name="quote_asset", default="")


class PairBook(Struct, frozen=True):
    """Which contracts each exchange lists; the only way to spell a pair."""

    by_exchange: dict[str, list[Pair]]

    def find(self, exchange: str, asset: str) -> str | None:
        """Return the perpetual of an asset (`PEPE`, not `1000PEPE`) on an exchange, None if there is none.

        USDT before USDC before coin-margined; contracts with a date do not count.
        """
        wanted = asset_and_scale(asset)[0]
        found = [
            pair
            for pair in self.by_exchange.get(canonical_exchange(exchange), ())
            if asset_and_scale(pair.base)[0] == wanted
            and pair.quote.upper() in _QUOTES
            and not _DATED.search(pair.symbol.upper().removeprefix(pair.base.upper()))
        ]
        return min(found, key=lambda pair: _QUOTES.index(pair.quote.upper())).symbol if found else None


def read_pairs(data: Data) -> Decoded[PairBook]:
    """Read `{exchange: [pair, ...]}`."""
    if not isinstance(data, dict):
        if not data:
            return Decoded(PairBook({}))
        raise ShapeError("an object of exchanges was expected")
    book, skipped = {}, 0
    for exchange, pairs in data.items():
        try:
            found = each(pairs, _pair)
        except ShapeError:
            skipped += 1
            continue
        book[canonical_exchange(exchange)] = found.value
        skipped += found.skipped
    if data and not book:
        raise ShapeError("no exchange's list is as documented")
    return Decoded(PairBook(book), skipped)


def read_names(data: Data) -> Decoded[list[str]]:
    """Read a list of names, such as coins."""
    return each(data, _name)


def _pair(item: Any) -> Pair:
    return convert(Pair, item)


def _name(item: Any) -> str:
    if not isinstance(item, str) or not item.strip():
        raise ShapeError("a name was expected")
    return item.strip()
