"""Coins on chains and in exchanges' wallets (reference: coinglass 3.11). Amounts USD, quantities coins."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Data, Decoded
from teleglas.venues.coinglass.api.rows_interest import read_chart
from teleglas.venues.coinglass.api.values import Exchange, Ms, Number, Text

__all__ = ["BALANCE_WINDOWS", "Balance", "BalanceChart", "ExchangeTransfer", "Unlock", "WalletAsset", "WhaleTransfer",
           "read_balance_chart"]  # fmt: skip

Direction = Literal["in", "out", "internal"]

_DIRECTIONS: dict[float, Direction] = {1.0: "in", 2.0: "out", 3.0: "internal"}


class WalletAsset(Struct, frozen=True):
    """One coin in one wallet of an exchange."""

    address: Text = field(name="wallet_address")
    coin: Text = field(name="symbol")
    quantity: Number = field(name="balance")
    usd: Number = field(name="balance_usd")
    price_usd: Number = field(name="price", default=None)
    coin_name: str = field(name="assets_name", default="")


class Balance(Struct, frozen=True):
    """What an exchange holds of a coin, in coins, and its changes by length of time."""

    exchange: Exchange = field(name="exchange_name")
    quantity: Number = field(name="total_balance")
    change_quantity: dict[str, Number]
    change_percent: dict[str, Number] = {}


BALANCE_WINDOWS = {"change_quantity": ("balance_change_",), "change_percent": ("balance_change_percent_",)}


class BalanceChart(Struct, frozen=True):
    """Coins held by exchange over time; all lists are as long as `times_ms`, oldest first. Prices USD."""

    times_ms: list[int]
    prices: list[float | None]
    by_exchange: dict[str, list[float | None]]


class ExchangeTransfer(Struct, frozen=True):
    """A token transfer of an exchange's wallet."""

    time_ms: Ms = field(name="transaction_time")
    transaction: Text = field(name="transaction_hash")
    coin: Text = field(name="asset_symbol")
    exchange: Exchange = field(name="exchange_name")
    usd: Number = field(name="amount_usd")
    quantity: Number = field(name="asset_quantity")
    source: str = field(name="from_address", default="")
    target: str = field(name="to_address", default="")
    direction_code: Number = field(name="transfer_type", default=None)

    @property
    def direction(self) -> Direction | None:
        """As the exchange sees it: `in` raises its balance. None for an unknown code."""
        return _DIRECTIONS.get(self.direction_code) if self.direction_code is not None else None


class WhaleTransfer(Struct, frozen=True):
    """A large transfer on a chain. source and target: names of owners, as far as they are known."""

    time_ms: Ms = field(name="block_timestamp")
    transaction: Text = field(name="transaction_hash")
    coin: Text = field(name="asset_symbol")
    usd: Number = field(name="amount_usd")
    quantity: Number = field(name="asset_quantity")
    source: str = field(name="from", default="")
    target: str = field(name="to", default="")
    chain: str = field(name="blockchain_name", default="")
    block: Number = field(name="block_height", default=None)


class Unlock(Struct, frozen=True):
    """A coin's locked tokens and its next unlock, as tokens and as percent of what circulates and of the supply.

    fully_diluted_usd: the value of the whole supply at the price.
    """

    coin: Text = field(name="symbol")
    next_ms: Ms | None = field(name="next_unlock_date")
    next_quantity: Number = field(name="next_unlock_tokens")
    next_percent_of_circulating: Number = field(name="next_unlock_of_circulating", default=None)
    next_percent_of_supply: Number = field(name="next_unlock_of_supply", default=None)
    name: str = ""
    price_usd: Number = field(name="price", default=None)
    price_change_percent_24h: Number = None
    market_cap_usd: Number = field(name="market_cap", default=None)
    fully_diluted_usd: Number = field(name="fully_diluted_valuation", default=None)
    supply: Number = field(name="total_supply", default=None)
    circulating: Number = field(name="circulating_supply", default=None)
    locked: Number = field(name="total_locked", default=None)
    unlocked: Number = field(name="total_unlocked", default=None)


def read_balance_chart(data: Data) -> Decoded[BalanceChart | None]:
    """Read parallel arrays, in an object or in a list of one."""
    found = read_chart(data[0] if isinstance(data, list) and data else data)
    chart = found.value
    if chart is None:
        return Decoded(None)
    return Decoded(BalanceChart(chart.times_ms, chart.prices, chart.by_exchange), found.skipped)
