"""Liquidations, past ones and estimates of future ones (reference: coinglass 3.5 and 4.4).

long and short are sides of the liquidated POSITION. Maps, heat maps and max pain are a model's
estimates; orders and histories happened.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from teleglas.market import PositionSide
from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, each
from teleglas.venues.coinglass.api.rows_markets import Candle
from teleglas.venues.coinglass.api.values import Exchange, Ms, Number, Text, decode_value
from teleglas.venues.coinglass.calibration import Calibration

__all__ = ["COIN_LIQUIDATION_WINDOWS", "CoinLiquidations", "Heatmap", "LiquidationBar", "LiquidationLevel",
           "LiquidationOrder", "LiquidationTotals", "MaxPain", "read_heatmap", "read_map"]  # fmt: skip

_SIDES = ("", "long_", "short_")


class CoinLiquidations(Struct, frozen=True):
    """A coin's liquidations on one exchange by length of time, USD."""

    coin: Text = field(name="symbol")
    usd: dict[str, Number]
    long_usd: dict[str, Number]
    short_usd: dict[str, Number]


COIN_LIQUIDATION_WINDOWS = {f"{side}usd": (f"{side}liquidation_usd_",) for side in _SIDES}


class LiquidationTotals(Struct, frozen=True):
    """What one exchange liquidated within the range asked for, USD; a lower bound (feeds are sampled)."""

    exchange: Exchange
    usd: Number = field(name="liquidation_usd")
    long_usd: Number = field(name="long_liquidation_usd")
    short_usd: Number = field(name="short_liquidation_usd")


class LiquidationBar(Struct, frozen=True):
    """Liquidations of one period, USD. A sum of bars is a total only of the bars' span."""

    time_ms: Ms = field(name="time")
    long_usd: Number = field(name="long_liquidation_usd")
    short_usd: Number = field(name="short_liquidation_usd")


class LiquidationOrder(Struct, frozen=True):
    """One forced order. The documentation of `side_code` contradicts itself: ask `side`."""

    exchange: Exchange = field(name="exchange_name")
    pair: Text = field(name="symbol")
    price: Number
    usd: Number = field(name="usd_value")
    time_ms: Ms = field(name="time")
    coin: str = field(name="base_asset", default="")
    side_code: Number = field(name="side", default=None)

    def side(self, calibration: Calibration | None) -> PositionSide | None:
        """Return the liquidated side by a measured meaning (`calibration.calibrate`), None without one."""
        if calibration is None or self.side_code not in {1.0, 2.0}:
            return None
        is_long = (self.side_code == 1.0) == (calibration == "1=long")
        return PositionSide.LONG if is_long else PositionSide.SHORT


class LiquidationLevel(Struct, frozen=True):
    """An estimate: about `usd` would be liquidated at `price`. leverage: None if not told."""

    price: float
    usd: float
    leverage: float | None = None


class Heatmap(Struct, frozen=True):
    """Estimated liquidations over time and price.

    cells: (index into candles, index into prices, level in USD) as given.
    """

    prices: list[float]
    cells: list[tuple[int, int, float]]
    candles: list[Candle]

    def points(self) -> list[tuple[int, float, float]]:
        """Return (Unix ms, price, level in USD) of the cells that lie on the axes."""
        return [
            (self.candles[x].time_ms, self.prices[y], level)
            for x, y, level in self.cells
            if 0 <= x < len(self.candles) and 0 <= y < len(self.prices)
        ]


class MaxPain(Struct, frozen=True):
    """Prices at which the estimated liquidations are largest, by their sides of the price.

    Which of CoinGlass's two levels is of longs is not verified, so none is named so.
    """

    coin: Text = field(name="symbol")
    price: Number
    first_price: Number = field(name="long_max_pain_liq_price")
    second_price: Number = field(name="short_max_pain_liq_price")
    first_level: Number = field(name="long_max_pain_liq_level", default=None)
    second_level: Number = field(name="short_max_pain_liq_level", default=None)

    @property
    def above(self) -> tuple[float, float | None] | None:
        """(price, level) of the nearest one above the price."""
        return min(self._levels(above=True), default=None)

    @property
    def below(self) -> tuple[float, float | None] | None:
        """(price, level) of the nearest one below the price."""
        return max(self._levels(above=False), default=None)

    def _levels(self, *, above: bool) -> list[tuple[float, float | None]]:
        price = self.price
        both = ((self.first_price, self.first_level), (self.second_price, self.second_level))
        if price is None:
            return []
        return [(at, level) for at, level in both if at is not None and (at > price if above else at < price)]


def read_map(data: Data) -> Decoded[list[LiquidationLevel]]:
    """Read the double `data` with prices as keys; levels in order of price."""
    inner = data.get("data", data) if isinstance(data, dict) else data
    if not inner:
        return Decoded([])
    if not isinstance(inner, dict):
        raise ShapeError("an object by price was expected")
    found = each([row for entries in inner.values() for row in _list(entries)], _level)
    found.value.sort(key=lambda level: level.price)
    return found


def read_heatmap(data: Data) -> Decoded[Heatmap | None]:
    """Read axes, cells and candles."""
    if not data:
        return Decoded(None)
    try:
        axis, cells, candles = (data[key] for key in ("y_axis", "liquidation_leverage_data", "price_candlesticks"))
    except (KeyError, TypeError):
        raise ShapeError("y_axis, liquidation_leverage_data and price_candlesticks were expected") from None
    bars, prices = each(candles, _candle), each(axis, _required)
    if bars.skipped or prices.skipped:
        raise ShapeError("a bad price or candle leaves the cells without a place")
    made = each(cells, lambda cell: (int(cell[0]), int(cell[1]), _required(cell[2])))
    return Decoded(Heatmap(prices.value, made.value, bars.value), made.skipped)


def _list(entries: Any) -> list[Any]:
    return entries if isinstance(entries, list) else [entries]


def _required(value: Any) -> float:
    number: float | None = decode_value(Number, value)
    if number is None:
        raise ShapeError("a number was expected")
    return number


def _level(row: Any) -> LiquidationLevel:
    leverage = decode_value(Number, row[2]) if len(row) > 2 else None
    return LiquidationLevel(_required(row[0]), _required(row[1]), leverage)


def _candle(row: Any) -> Candle:
    values = [_required(value) for value in row[1:5]]
    volume = decode_value(Number, row[5]) if len(row) > 5 else None
    return Candle(decode_value(Ms, row[0]), values[0], values[1], values[2], values[3], volume)
