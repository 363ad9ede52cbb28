"""What `side` 1 means in CoinGlass's REST liquidation/order: its docs contradict themselves.

One closed hour of orders is summed by `side` and compared with the hour's bar of
liquidation/history, whose long and short are named. Without a clear answer there is none:
then no direction may be shown.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from teleglas.venues.coinglass.rest import MAX_ORDERS

__all__ = ["Calibration", "calibrate", "is_truncated"]

Calibration = Literal["1=long", "1=short"]

_HOUR_MS = 3_600_000
_FEWEST_ORDERS = 8
_MARGIN = 0.10
_TOLERANCE = 1.05


class _Order(msgspec.Struct, frozen=True):
    side: int | str
    usd: float | str = msgspec.field(name="usd_value")
    time: int
    symbol: str = ""


class _Orders(msgspec.Struct):
    data: list[_Order] = []


class _Bar(msgspec.Struct, frozen=True):
    time: int
    long_usd: float | str = msgspec.field(name="long_liquidation_usd")
    short_usd: float | str = msgspec.field(name="short_liquidation_usd")


class _Bars(msgspec.Struct):
    data: list[_Bar] = []


def calibrate(order_body: bytes, history_body: bytes, pair: str = "BTCUSDT") -> Calibration | None:
    """Return which position `side` 1 closed, or None if this hour cannot tell.

    order_body: liquidation/order of the pair's coin on one exchange; history_body: hourly
    liquidation/history of the pair there; the last bar that any order lies in is compared.
    None also for a truncated list, too few orders, a balanced hour, and bodies that are
    not as documented.
    """
    try:
        orders = msgspec.json.decode(order_body, type=_Orders).data
        bars = msgspec.json.decode(history_body, type=_Bars).data
        if len(orders) >= MAX_ORDERS:
            return None
        for bar in reversed(bars):
            inside = [o for o in orders if o.symbol == pair and bar.time <= o.time < bar.time + _HOUR_MS]
            if inside:
                return _compare(inside, float(bar.long_usd), float(bar.short_usd))
    except (msgspec.MsgspecError, ValueError):
        return None
    return None


def is_truncated(order_body: bytes) -> bool:
    """Return whether the list is full, so that a higher minimum amount must be asked."""
    try:
        return len(msgspec.json.decode(order_body, type=_Orders).data) >= MAX_ORDERS
    except msgspec.MsgspecError:
        return False


def _compare(orders: list[_Order], long_usd: float, short_usd: float) -> Calibration | None:
    if len(orders) < _FEWEST_ORDERS or any(str(o.side) not in ("1", "2") for o in orders):
        return None
    one = sum(float(o.usd) for o in orders if str(o.side) == "1")
    two = sum(float(o.usd) for o in orders if str(o.side) == "2")
    total = long_usd + short_usd
    if not one + two > 0 or not total > 0:
        return None
    share, long_share = one / (one + two), long_usd / total
    # Orders are a part of the bar: a side cannot hold more than the bar says.
    long_fits = one <= long_usd * _TOLERANCE and two <= short_usd * _TOLERANCE
    short_fits = one <= short_usd * _TOLERANCE and two <= long_usd * _TOLERANCE
    nearer = abs(share - (1 - long_share)) - abs(share - long_share)
    if long_fits and nearer > _MARGIN:
        return "1=long"
    if short_fits and nearer < -_MARGIN:
        return "1=short"
    return None
