"""Hyperliquid's large positions and the whale index (reference: coinglass 3.9)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from teleglas.market import PositionSide
from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, convert, each
from teleglas.venues.coinglass.api.values import Ms, Number, Text

__all__ = ["Position", "PositionPage", "WhaleAction", "WhaleIndex", "read_position_page"]

_ACTIONS: dict[float, Literal["open", "close"]] = {1.0: "open", 2.0: "close"}


def _side(size: float | None) -> PositionSide | None:
    if not size:
        return None
    return PositionSide.LONG if size > 0 else PositionSide.SHORT


class WhaleAction(Struct, frozen=True):
    """A position above $1M that was opened or closed. size in coins, its sign is the side."""

    user: Text
    coin: Text = field(name="symbol")
    size: Number = field(name="position_size")
    usd: Number = field(name="position_value_usd")
    time_ms: Ms = field(name="create_time")
    entry_price: Number = None
    liquidation_price: Number = field(name="liq_price", default=None)
    action_code: Number = field(name="position_action", default=None)

    @property
    def side(self) -> PositionSide | None:
        """The side of the position; None if its size is unknown."""
        return _side(self.size)

    @property
    def action(self) -> Literal["open", "close"] | None:
        """What was done; this is no side."""
        return _ACTIONS.get(self.action_code) if self.action_code is not None else None


class Position(Struct, frozen=True):
    """An open position. size in coins, its sign is the side; amounts USD."""

    user: Text
    coin: Text = field(name="symbol")
    size: Number = field(name="position_size")
    usd: Number = field(name="position_value_usd")
    entry_price: Number = None
    mark_price: Number = None
    liquidation_price: Number = field(name="liq_price", default=None)
    leverage: Number = None
    margin_usd: Number = field(name="margin_balance", default=None)
    profit_usd: Number = field(name="unrealized_pnl", default=None)
    funding_usd: Number = field(name="funding_fee", default=None)
    margin_mode: str = ""
    opened_ms: Ms | None = field(name="create_time", default=None)
    updated_ms: Ms | None = field(name="update_time", default=None)

    @property
    def side(self) -> PositionSide | None:
        """The side of the position; None if its size is unknown."""
        return _side(self.size)


class PositionPage(Struct, frozen=True):
    """One page of a coin's positions."""

    positions: list[Position]
    page: int
    pages: int


class WhaleIndex(Struct, frozen=True):
    """CoinGlass's whale index; the meaning of its scale is not documented."""

    time_ms: Ms = field(name="time")
    value: Number = field(name="whale_index_value")


def read_position_page(data: Data) -> Decoded[PositionPage]:
    """Read `{total_pages, current_page, list}`."""
    if not data:
        return Decoded(PositionPage([], 1, 1))
    if not isinstance(data, dict) or "list" not in data:
        raise ShapeError("a page with a list was expected")
    found = each(data["list"], lambda row: convert(Position, row))
    page, pages = (_whole(data.get(key)) for key in ("current_page", "total_pages"))
    return Decoded(PositionPage(found.value, page, pages), found.skipped)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 1
