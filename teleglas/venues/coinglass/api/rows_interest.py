"""Open interest and funding (reference: coinglass 3.3 and 3.4).

Funding is PERCENT PER FUNDING INTERVAL: 0.0073 means 0.0073 %. Intervals differ between
exchanges, so compare and average `percent_8h` only.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, convert, each
from teleglas.venues.coinglass.api.values import Exchange, Ms, Number, Text, canonical_exchange

__all__ = ["INTEREST_WINDOWS", "Arbitrage", "ArbitrageLeg", "Funding", "FundingTable", "Ohlc", "OpenInterest",
           "OpenInterestChart", "read_chart", "read_funding"]  # fmt: skip

_HOURS_8 = 8.0
_MOST_HOURS = 24.0


class OpenInterest(Struct, frozen=True):
    """An exchange's open interest in a coin. usd is two-sided as exchanges count it; quantity in coins."""

    exchange: Exchange
    usd: Number = field(name="open_interest_usd")
    change_percent: dict[str, Number]
    """Length of time -> change in percent."""
    quantity: Number = field(name="open_interest_quantity", default=None)
    stablecoin_margin_usd: Number = field(name="open_interest_by_stable_coin_margin", default=None)
    coin_margin_usd: Number = field(name="open_interest_by_coin_margin", default=None)


INTEREST_WINDOWS = {"change_percent": ("open_interest_change_percent_",)}


class Ohlc(Struct, frozen=True):
    """A period of open interest (USD or coins, as asked) or of a funding rate (percent)."""

    time_ms: Ms = field(name="time")
    open: Number
    high: Number
    low: Number
    close: Number


class OpenInterestChart(Struct, frozen=True):
    """Open interest by exchange over time; all lists are as long as `times_ms`, oldest first. USD."""

    times_ms: list[int]
    prices: list[float | None]
    by_exchange: dict[str, list[float | None]]


class _Rate(Struct, frozen=True):
    exchange: Exchange
    percent: Number = field(name="funding_rate", default=None)
    interval_h: Number = field(name="funding_rate_interval", default=None)
    next_ms: Ms | None = field(name="next_funding_time", default=None)


class Funding(Struct, frozen=True):
    """One exchange's rate for a coin.

    percent: per interval; of an accumulated list, summed over the range. interval_h: None if
    not told. next_ms: next settlement, Unix ms. margin: what the contract is margined in.
    """

    exchange: str
    margin: Literal["stablecoin", "coin"]
    percent: float | None
    interval_h: float | None
    next_ms: int | None

    @property
    def percent_8h(self) -> float | None:
        """The rate as percent per 8 h; None if the rate or its interval is unknown."""
        if self.percent is None or self.interval_h is None or not 0 < self.interval_h <= _MOST_HOURS:
            return None
        return self.percent * _HOURS_8 / self.interval_h


class FundingTable(Struct, frozen=True):
    """All coins' funding, by the coin's name as CoinGlass spells it."""

    by_coin: dict[str, list[Funding]]


class ArbitrageLeg(Struct, frozen=True):
    """One side of a funding arbitrage. percent: per interval."""

    exchange: Exchange
    percent: Number = field(name="funding_rate")
    open_interest_usd: Number = None
    interval_h: Number = field(name="funding_rate_interval", default=None)


class Arbitrage(Struct, frozen=True):
    """Buy where funding is low, sell where it is high. All rates are percent."""

    coin: Text = field(name="symbol")
    buy: ArbitrageLeg
    sell: ArbitrageLeg
    apr_percent: Number = field(name="apr")
    funding_percent: Number = field(name="funding", default=None)
    fee_percent: Number = field(name="fee", default=None)
    spread_percent: Number = field(name="spread", default=None)
    next_ms: Ms | None = field(name="next_funding_time", default=None)


class _Chart(Struct, frozen=True):
    time_list: list[Ms]
    data_map: dict[str, list[Number] | None]
    price_list: list[Number] = []


def read_chart(data: Data) -> Decoded[OpenInterestChart | None]:
    """Read parallel arrays; a series of another length is left out and counted."""
    if not data:
        return Decoded(None)
    try:
        raw = convert(_Chart, data)
    except (ValueError, TypeError) as error:
        raise ShapeError(str(error)[:160]) from None
    order = sorted(range(len(raw.time_list)), key=lambda index: raw.time_list[index])
    fits = {
        canonical_exchange(name): [series[index] for index in order]
        for name, series in raw.data_map.items()
        if series is not None and len(series) == len(order)
    }
    if raw.data_map and not fits:
        raise ShapeError("no exchange has as many values as there are times")
    given = raw.price_list if len(raw.price_list) == len(order) else [None] * len(order)
    prices = [given[index] for index in order]
    chart = OpenInterestChart([raw.time_list[index] for index in order], prices, fits)
    return Decoded(chart, len(raw.data_map) - len(fits))


def read_funding(data: Data) -> Decoded[FundingTable]:
    """Read the nested lists by coin; either list, and most keys of a rate, may be missing."""
    by_coin: dict[str, list[Funding]] = {}
    bad = 0

    def coin(item: Any) -> None:
        nonlocal bad
        rates: list[Funding] = []
        if not isinstance(item, dict):
            raise ShapeError("a coin with lists of rates was expected")
        if "stablecoin_margin_list" not in item and "token_margin_list" not in item:
            raise ShapeError("a coin without any list of rates")
        for key, margin in (("stablecoin_margin_list", "stablecoin"), ("token_margin_list", "coin")):
            try:
                found = each(item.get(key), lambda rate: convert(_Rate, rate))
            except ShapeError:
                bad += 1
                continue
            bad += found.skipped
            rates += [_funding(rate, margin) for rate in found.value]  # type: ignore[arg-type]
        by_coin.setdefault(str(item["symbol"]), []).extend(rates)

    skipped = each(data, coin).skipped
    if data and not any(by_coin.values()):
        raise ShapeError("no coin has a rate")
    if data and all(rate.percent is None for rates in by_coin.values() for rate in rates):
        raise ShapeError("no rate has a value")
    return Decoded(FundingTable(by_coin), skipped + bad)


def _funding(rate: _Rate, margin: Literal["stablecoin", "coin"]) -> Funding:
    return Funding(rate.exchange, margin, rate.percent, rate.interval_h, rate.next_ms)
