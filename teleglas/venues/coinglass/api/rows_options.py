"""Options by exchange and by expiry (reference: coinglass 3.11). Percent is percent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, convert, each
from teleglas.venues.coinglass.api.rows_interest import OpenInterestChart, read_chart
from teleglas.venues.coinglass.api.values import Exchange, Number

__all__ = ["OptionExchange", "OptionExpiry", "read_expiries", "read_option_chart"]


class OptionExchange(Struct, frozen=True):
    """An exchange's options on a coin. quantity in coins; share of all exchanges' open interest."""

    exchange: Exchange = field(name="exchange_name")
    usd: Number = field(name="open_interest_usd")
    quantity: Number = field(name="open_interest", default=None)
    share_percent: Number = field(name="oi_market_share", default=None)
    change_percent_24h: Number = field(name="open_interest_change_24h", default=None)
    volume_usd_24h: Number = None
    volume_change_percent_24h: Number = None


class OptionExpiry(Struct, frozen=True):
    """Open options of one expiry on one exchange.

    max_pain_price: at which the fewest options would pay. calls and puts: contracts; value: what
    they cost now, notional: of the coins behind them, both USD.
    """

    expiry: dt.date = field(name="date")
    max_pain_price: Number
    calls: Number = field(name="call_open_interest")
    puts: Number = field(name="put_open_interest")
    calls_value_usd: Number = field(name="call_open_interest_market_value", default=None)
    puts_value_usd: Number = field(name="put_open_interest_market_value", default=None)
    calls_notional_usd: Number = field(name="call_open_interest_notional", default=None)
    puts_notional_usd: Number = field(name="put_open_interest_notional", default=None)

    @property
    def put_call_ratio(self) -> float | None:
        """Puts divided by calls; None if either is unknown or there are no calls."""
        return self.puts / self.calls if self.calls and self.puts is not None else None


def read_expiries(data: Data) -> Decoded[list[OptionExpiry]]:
    """Read expiries dated `YYMMDD`, soonest first."""
    found = each(data, lambda item: convert(OptionExpiry, _dated(item)))
    found.value.sort(key=lambda row: row.expiry)
    return found


def read_option_chart(data: Data) -> Decoded[OpenInterestChart | None]:
    """Read parallel arrays, in an object or in a list of one, in the unit that was asked for."""
    return read_chart(data[0] if isinstance(data, list) and data else data)


def _dated(item: Any) -> Any:
    if not isinstance(item, dict):
        raise ShapeError("a row was expected")
    day = dt.datetime.strptime(str(item["date"]), "%y%m%d").replace(tzinfo=dt.UTC).date()
    return item | {"date": day}
