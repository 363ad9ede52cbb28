"""What the codec reads of OKX's frames and REST bodies, as types. Their names are the venue's.

Apart from the codec, since msgspec's types cannot be compiled (see `ws_alert.compiled`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from teleglas.venues.rows import Exact, Millis, Price, Quantity, RowId

__all__ = ["Envelope", "Mark", "Order", "Orders", "Trade", "Trades"]


class Trade(msgspec.Struct, gc=False):
    """Channel `trades`. side: the taker's; sz: contracts. The codec reads them in this order."""

    instId: str  # noqa: N815  # the venue's name
    tradeId: RowId  # noqa: N815  # the venue's name
    px: Price
    sz: Quantity
    side: Literal["buy", "sell"]
    ts: Millis


class Trades(msgspec.Struct, gc=False):
    """A frame of channel `trades`."""

    data: list[Trade]


class Order(msgspec.Struct, gc=False):
    """A detail of `liquidation-orders`. bkPx: bankruptcy price; side: of the ORDER; posSide: of the position, or `net`."""

    bkPx: Exact  # noqa: N815  # the venue's name
    sz: Exact
    ts: Millis
    side: str = ""
    posSide: str = ""  # noqa: N815  # the venue's name


class Orders(msgspec.Struct, gc=False):
    """`liquidation-orders` of one contract."""

    instId: str  # noqa: N815  # the venue's name
    details: msgspec.Raw
    instType: str = "SWAP"  # noqa: N815  # the venue's name


class Mark(msgspec.Struct, gc=False):
    """Channel `mark-price`."""

    instId: str  # noqa: N815  # the venue's name
    markPx: Price  # noqa: N815  # the venue's name
    ts: Millis


class _Argument(msgspec.Struct, gc=False):
    channel: str = ""
    instId: str = ""  # noqa: N815  # the venue's name


_ABSENT = msgspec.Raw()


class Envelope(msgspec.Struct, gc=False):
    """What tells apart the frames that are no trades, and a REST answer."""

    arg: _Argument | None = None
    data: msgspec.Raw = _ABSENT
    event: msgspec.Raw = _ABSENT
    table: msgspec.Raw = _ABSENT
    code: str | int = ""
    msg: msgspec.Raw = _ABSENT
