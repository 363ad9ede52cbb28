"""Order-book depth and large resting orders (reference: coinglass 3.8)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from teleglas.market import TakerSide
from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, convert, each
from teleglas.venues.coinglass.api.values import Exchange, Ms, Number, Text, decode_value

__all__ = ["BookSnapshot", "DepthBar", "Level", "Wall", "read_past_walls", "read_snapshots", "read_walls"]

_STATES = {0.0: "waiting", 1.0: "open", 2.0: "filled", 3.0: "cancelled"}
_SIDES = {1.0: TakerSide.SELL, 2.0: TakerSide.BUY}


class DepthBar(Struct, frozen=True):
    """Resting orders within the asked percentage around the price: USD and coins, no levels."""

    time_ms: Ms = field(name="time")
    bids_usd: Number
    asks_usd: Number
    bids_quantity: Number = None
    asks_quantity: Number = None


class Level(Struct, frozen=True):
    """Coins resting at a price."""

    price: float
    quantity: float


class BookSnapshot(Struct, frozen=True):
    """One moment of a book as two lists; which is of bids is not documented, so ask `sides`."""

    time_ms: int
    first: list[Level]
    second: list[Level]

    def sides(self) -> tuple[list[Level], list[Level]] | None:
        """Return (bids, asks), best first, or None if the prices do not tell them apart."""
        for bids, asks in ((self.first, self.second), (self.second, self.first)):
            if bids and asks and max(each.price for each in bids) < min(each.price for each in asks):
                return (
                    sorted(bids, key=lambda level: -level.price),
                    sorted(asks, key=lambda level: level.price),
                )
        return None


class Wall(Struct, frozen=True):
    """A large resting order, USD and coins. `price` is its limit."""

    exchange: Exchange = field(name="exchange_name")
    pair: Text = field(name="symbol")
    price: Number
    usd: Number = field(name="current_usd_value")
    id: Text
    coin: str = field(name="base_asset", default="")
    quantity: Number = field(name="current_quantity", default=None)
    start_usd: Number = field(name="start_usd_value", default=None)
    executed_usd: Number = field(name="executed_usd_value", default=None)
    trades: Number = field(name="trade_count", default=None)
    start_ms: Ms | None = field(name="start_time", default=None)
    updated_ms: Ms | None = field(name="current_time", default=None)
    ended_ms: Ms | None = field(name="order_end_time", default=None)
    side_code: Number = field(name="order_side", default=None)
    state_code: Number = field(name="order_state", default=None)

    def side(self, market_price: float | None = None) -> TakerSide | None:
        """Return what the order wants to do; a code that its place in the market contradicts is not believed."""
        side = _SIDES.get(self.side_code) if self.side_code is not None else None
        if market_price is not None and self.price is not None and self.price != market_price:
            by_place = TakerSide.BUY if self.price < market_price else TakerSide.SELL
            return by_place if side in {None, by_place} else None
        return side

    @property
    def state(self) -> str | None:
        """`waiting`, `open`, `filled` or `cancelled`; None for an unknown code."""
        return _STATES.get(self.state_code) if self.state_code is not None else None


def read_snapshots(data: Data) -> Decoded[list[BookSnapshot]]:
    """Read `[time, [[price, quantity], ...], [...]]` rows, oldest first."""
    found = each(data, _snapshot)
    found.value.sort(key=lambda snapshot: snapshot.time_ms)
    return found


def read_walls(data: Data) -> Decoded[list[Wall]]:
    """Read orders that name their price `price` or, as other pages have it, `limit_price`."""
    return each(data, lambda item: convert(Wall, _priced(item)))


def read_past_walls(data: Data) -> Decoded[list[Wall]]:
    """Read orders that ended, oldest first by their start."""
    found = read_walls(data)
    found.value.sort(key=lambda wall: wall.start_ms or 0)
    return found


def _priced(item: Any) -> Any:
    if isinstance(item, dict) and "price" not in item and "limit_price" in item:
        return item | {"price": item["limit_price"]}
    return item


def _snapshot(item: Any) -> BookSnapshot:
    return BookSnapshot(decode_value(Ms, item[0]), _levels(item[1]), _levels(item[2]))


def _levels(items: Any) -> list[Level]:
    return each(items, _level).value


def _level(item: Any) -> Level:
    price, quantity = decode_value(Number, item[0]), decode_value(Number, item[1])
    if price is None or quantity is None:
        raise ShapeError("a price and a quantity were expected")
    return Level(price, quantity)
