"""What the codec reads of Bybit's frames and REST bodies, as types. Their names are the venue's.

Apart from the codec, since msgspec's types cannot be compiled (see `ws_alert.compiled`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from teleglas.venues.candle_rows import Volume
from teleglas.venues.rows import Exact, Millis, Price, Quantity, RowId

__all__ = ["Candle", "Envelope", "Liquidation", "RestBody", "RestTrade", "Ticker", "Trade", "Trades"]

_Side = Literal["Buy", "Sell"]


class Trade(msgspec.Struct, gc=False):
    """`publicTrade`. S: the taker's side; seq: number, which several rows may share; BT: a block trade. The codec reads them in this order."""

    T: Millis
    s: str
    S: _Side
    v: Quantity
    p: Price
    i: str
    seq: RowId = 0
    BT: bool = False


class Trades(msgspec.Struct, gc=False):
    """A frame of `publicTrade`."""

    data: list[Trade]


class Liquidation(msgspec.Struct, gc=False):
    """`allLiquidation`. S: side of the liquidated POSITION; p: bankruptcy price."""

    T: Millis
    s: str
    S: _Side
    v: Exact
    p: Exact


class Ticker(msgspec.Struct, gc=False):
    """`tickers`. markPrice: empty in a delta that did not change it."""

    symbol: str
    markPrice: str = ""  # noqa: N815  # the venue's name


class RestTrade(msgspec.Struct, gc=False):
    """A row of `/v5/market/recent-trade`."""

    execId: str  # noqa: N815  # the venue's name
    symbol: str
    price: Price
    size: Quantity
    side: _Side
    time: Millis
    seq: RowId = 0
    isBlockTrade: bool = False  # noqa: N815  # the venue's name


class Candle(msgspec.Struct, gc=False):
    """`kline`. confirm: it has closed."""

    t: Millis = msgspec.field(name="start")
    interval: str
    o: Price = msgspec.field(name="open")
    h: Price = msgspec.field(name="high")
    l: Price = msgspec.field(name="low")  # noqa: E741 - as the other venues'
    c: Price = msgspec.field(name="close")
    v: Volume = msgspec.field(name="volume")
    confirm: bool


_ABSENT = msgspec.Raw()


class Envelope(msgspec.Struct, gc=False):
    """What tells apart the frames that are no trades."""

    topic: str = ""
    ts: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT
    op: msgspec.Raw = _ABSENT
    success: msgspec.Raw = _ABSENT
    request: msgspec.Raw = _ABSENT
    ret_code: msgspec.Raw = _ABSENT


class _RestResult(msgspec.Struct, gc=False):
    rows: msgspec.Raw = msgspec.field(default=_ABSENT, name="list")


class RestBody(msgspec.Struct, gc=False):
    """A REST answer. retCode: 0 is good."""

    result: _RestResult | None = None
    retCode: int = 0  # noqa: N815  # the venue's name
    retMsg: str = ""  # noqa: N815  # the venue's name
