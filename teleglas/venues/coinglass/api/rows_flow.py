"""Taker flow, cumulative volume delta, and long/short ratios (reference: coinglass 3.6 and 3.7). USD and percent."""

from __future__ import annotations

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Board, Data, Decoded, ShapeError, convert, each
from teleglas.venues.coinglass.api.values import Exchange, Ms, Number, Text

__all__ = ["FLOW_WINDOWS", "CvdBar", "NetFlow", "Ratio", "TakerBar", "TakerTotals", "read_takers"]


class Ratio(Struct, frozen=True):
    """Longs against shorts on ONE exchange. Percent; ratio is long divided by short."""

    time_ms: Ms = field(name="time")
    long_percent: Number
    short_percent: Number
    ratio: Number = field(name="long_short_ratio")


class TakerBar(Struct, frozen=True):
    """What takers bought and sold in one period, USD."""

    time_ms: Ms = field(name="time")
    buy_usd: Number = field(name="buy_volume_usd")
    sell_usd: Number = field(name="sell_volume_usd")


class CvdBar(Struct, frozen=True):
    """A period's taker volume in USD and its running difference.

    cvd_usd starts from zero at the first row of each answer: compare differences within one
    answer, never values of two.
    """

    time_ms: Ms = field(name="time")
    buy_usd: Number = field(name="taker_buy_vol")
    sell_usd: Number = field(name="taker_sell_vol")
    cvd_usd: Number = field(name="cum_vol_delta")


class TakerTotals(Struct, frozen=True):
    """What takers bought and sold on one exchange (`All`: on all) within the range asked for."""

    buy_usd: Number = field(name="buy_vol_usd")
    sell_usd: Number = field(name="sell_vol_usd")
    exchange: Exchange = "All"
    buy_percent: Number = field(name="buy_ratio", default=None)
    sell_percent: Number = field(name="sell_ratio", default=None)


class NetFlow(Struct, frozen=True):
    """A coin's taker flow by length of time, USD; net is bought minus sold."""

    coin: Text = field(name="symbol")
    buy_usd: dict[str, Number]
    sell_usd: dict[str, Number]
    net_usd: dict[str, Number]
    change_percent: dict[str, Number] = {}


FLOW_WINDOWS = {
    "buy_usd": ("taker_buy_volume_usd_",),
    "sell_usd": ("taker_sell_volume_usd_",),
    "net_usd": ("net_flow_usd_",),
    "change_percent": ("net_flow_usd_change_percent_",),
}


def read_takers(data: Data) -> Decoded[Board[TakerTotals] | None]:
    """Read the total with its exchanges; None without data."""
    if not data:
        return Decoded(None)
    try:
        total = convert(TakerTotals, data)
    except (ValueError, TypeError) as error:
        raise ShapeError(str(error)[:160]) from None
    venues = each(data.get("exchange_list"), lambda row: convert(TakerTotals, row))
    return Decoded(Board([row for row in venues.value if row.exchange != "All"], total), venues.skipped)
