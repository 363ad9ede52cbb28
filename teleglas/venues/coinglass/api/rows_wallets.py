"""Hyperliquid's accounts: one, their ratio, and by size (reference: coinglass 3.9). Amounts USD, percent is percent."""

from __future__ import annotations

from msgspec import Struct, field

from teleglas.market import PositionSide
from teleglas.venues.coinglass.api.rows_flow import Ratio
from teleglas.venues.coinglass.api.values import Number, Text

__all__ = ["Account", "AccountRatio", "AccountSummary", "HeldPosition", "WalletTier"]


class AccountRatio(Ratio, frozen=True):
    """A ratio with the numbers of accounts behind it."""

    long_accounts: Number = field(name="long_count", default=None)
    short_accounts: Number = field(name="short_count", default=None)
    accounts: Number = field(name="total_count", default=None)


class WalletTier(Struct, frozen=True):
    """Accounts of one tier of size or profit, from minimum to maximum (None: no limit).

    bias: from -1 (short) to 1 (long). in profit and at a loss: of the accounts with a position.
    """

    name: Text = field(name="group_name")
    minimum_usd: Number = field(name="minimum_amount")
    maximum_usd: Number = field(name="maximum_amount", default=None)
    accounts: Number = field(name="all_address_count", default=None)
    accounts_with_position: Number = field(name="position_address_count", default=None)
    accounts_with_position_percent: Number = field(name="position_address_percent", default=None)
    bias: Number = field(name="bias_score", default=None)
    bias_name: str = field(name="bias_remark", default="")
    usd: Number = field(name="position_usd", default=None)
    long_usd: Number = field(name="long_position_usd", default=None)
    short_usd: Number = field(name="short_position_usd", default=None)
    long_percent: Number = field(name="long_position_usd_percent", default=None)
    short_percent: Number = field(name="short_position_usd_percent", default=None)
    in_profit: Number = field(name="profit_address_count", default=None)
    at_loss: Number = field(name="loss_address_count", default=None)
    in_profit_percent: Number = field(name="profit_address_percent", default=None)
    at_loss_percent: Number = field(name="loss_address_percent", default=None)


class AccountSummary(Struct, frozen=True):
    """Equity, value of the positions, margin in use."""

    equity_usd: Number = field(name="account_value")
    positions_usd: Number = field(name="total_ntl_pos", default=None)
    raw_usd: Number = field(name="total_raw_usd", default=None)
    margin_used_usd: Number = field(name="total_margin_used", default=None)


class _Leverage(Struct, frozen=True):
    """mode: `cross` or `isolated`; value: how many times the margin."""

    value: Number
    mode: str = field(name="type", default="")


class _Funding(Struct, frozen=True):
    """Funding that a position cost; negative was received."""

    all_time_usd: Number = field(name="all_time", default=None)
    since_open_usd: Number = field(name="since_open", default=None)
    since_change_usd: Number = field(name="since_change", default=None)


class HeldPosition(Struct, frozen=True):
    """An open position. size in coins, its sign is the side; return_on_equity is a fraction, as given."""

    coin: Text
    size: Number = field(name="szi")
    usd: Number = field(name="position_value")
    entry_price: Number = field(name="entry_px", default=None)
    liquidation_price: Number = field(name="liquidation_px", default=None)
    profit_usd: Number = field(name="unrealized_pnl", default=None)
    return_on_equity: Number = None
    leverage: _Leverage | None = None
    most_leverage: Number = field(name="max_leverage", default=None)
    funding: _Funding | None = field(name="cum_funding", default=None)

    @property
    def side(self) -> PositionSide | None:
        """The side of the position; None if its size is unknown."""
        if not self.size:
            return None
        return PositionSide.LONG if self.size > 0 else PositionSide.SHORT


class _Held(Struct, frozen=True):
    """A position in its wrapping."""

    position: HeldPosition


class Account(Struct, frozen=True):
    """One account of Hyperliquid. total includes isolated positions, cross does not."""

    total: AccountSummary = field(name="margin_summary")
    held: list[_Held] = field(name="asset_positions")
    cross: AccountSummary | None = field(name="cross_margin_summary", default=None)
    cross_maintenance_usd: Number = field(name="cross_maintenance_margin_used", default=None)
    withdrawable_usd: Number = field(name="withdrawable", default=None)

    @property
    def positions(self) -> list[HeldPosition]:
        """The open positions."""
        return [each.position for each in self.held]
