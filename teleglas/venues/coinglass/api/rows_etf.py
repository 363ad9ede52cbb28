"""Exchange-traded funds of coins (reference: coinglass 3.11). Amounts USD, percent is percent."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct, field

from teleglas.venues.coinglass.api.values import Ms, Number, Text

__all__ = ["Etf", "EtfAssets", "EtfFlow", "EtfFlowDay", "EtfHolding", "EtfNetAssets"]


class EtfFlow(Struct, frozen=True):
    """What flowed into one fund that day; None when it reported nothing, which is no zero."""

    ticker: Text = field(name="etf_ticker")
    usd: Number = field(name="flow_usd", default=None)


class EtfFlowDay(Struct, frozen=True):
    """A day's net flow into all funds of a coin. price_usd: of the coin."""

    time_ms: Ms = field(name="timestamp")
    usd: Number = field(name="flow_usd")
    price_usd: Number = None
    funds: list[EtfFlow] = field(name="etf_flows", default_factory=list)


class EtfHolding(Struct, frozen=True):
    """What stands behind a fund. change_*: in BTC; premium of the share's price over its net assets."""

    btc: Number = field(name="btc_holding")
    net_assets_per_share_usd: Number = field(name="net_asset_value_usd", default=None)
    premium_percent: Number = field(name="premium_discount_percent", default=None)
    change_btc_24h: Number = field(name="btc_change_24h", default=None)
    change_percent_24h: Number = field(name="btc_change_percent_24h", default=None)
    change_btc_7d: Number = field(name="btc_change_7d", default=None)
    change_percent_7d: Number = field(name="btc_change_percent_7d", default=None)
    day: dt.date | None = field(name="update_date", default=None)


class Etf(Struct, frozen=True):
    """One fund. price changes are of its share, volume_quantity in shares, aum: assets under management."""

    ticker: Text
    aum_usd: Number
    name: str = field(name="fund_name", default="")
    region: str = ""
    kind: str = field(name="fund_type", default="")
    market_status: str = ""
    primary_exchange: str = ""
    shares: Number = field(name="shares_outstanding", default=None)
    fee_percent: Number = field(name="management_fee_percent", default=None)
    volume_quantity: Number = None
    volume_usd: Number = None
    price_change_usd: Number = None
    price_change_percent: Number = None
    holding: EtfHolding | None = field(name="asset_details", default=None)
    listed_ms: Ms | None = field(name="list_date", default=None)
    traded_ms: Ms | None = field(name="last_trade_time", default=None)
    updated_ms: Ms | None = field(name="update_timestamp", default=None)


class EtfNetAssets(Struct, frozen=True):
    """Net assets of the funds at a day, or of the one asked for. price_usd: of the coin."""

    time_ms: Ms = field(name="timestamp")
    usd: Number = field(name="net_assets_usd")
    change_usd: Number = None
    price_usd: Number = None


class EtfAssets(Struct, frozen=True):
    """Assets under management of all funds at a time."""

    time_ms: Ms = field(name="time")
    usd: Number = field(name="aum_usd")
