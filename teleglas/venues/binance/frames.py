"""What the codec reads of Binance's frames and REST bodies, as types. Their letters are the venue's.

Apart from the codec, since msgspec's types cannot be compiled (see `ws_alert.compiled`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_type_hints

import msgspec

from teleglas.venues.candle_rows import Volume
from teleglas.venues.rows import Exact, Millis, Price, Quantity, RowId

__all__ = ["Envelope", "Event", "Force", "Kind", "Kline", "Mark", "Order", "RestTrade", "Trade", "Wrapped", "plain_reader"]

_LETTERS = {"trade_id": "a", "symbol": "s", "price": "p", "quantity": "q", "event_ms": "T", "sold": "m"}


class Trade(msgspec.Struct, gc=False, tag_field="e", tag="aggTrade", rename=_LETTERS):
    """A `PlainTrade`, in the order of the frame, which msgspec reads quickest."""

    trade_id: RowId
    symbol: str
    price: Price
    quantity: Quantity
    event_ms: Millis
    sold: bool


class RestTrade(msgspec.Struct, gc=False):
    """A row of `/fapi/v1/aggTrades`."""

    a: RowId
    p: Price
    q: Quantity
    T: Millis
    m: bool


class Order(msgspec.Struct, gc=False):
    """The forced order. q, p: as placed; z, ap: filled quantity and average price, 0 at first; st: symbol type, 1 is USD-M."""

    s: str
    S: Literal["BUY", "SELL"]
    q: Exact
    p: Exact
    T: Millis
    ap: Exact = 0
    z: Exact = 0
    st: int | None = None


class Force(msgspec.Struct, gc=False, tag_field="e", tag="forceOrder"):
    """`forceOrder`. st: as of the order, on another level in some frames."""

    o: Order
    st: int | None = None


class Mark(msgspec.Struct, gc=False, tag_field="e", tag="markPriceUpdate"):
    """`markPriceUpdate`."""

    symbol: str = msgspec.field(name="s")
    E: Millis
    p: Price


class _Candle(msgspec.Struct, gc=False):
    t: Millis
    i: str
    o: Price
    h: Price
    l: Price  # noqa: E741 - the venue's letter
    c: Price
    v: Volume
    x: bool


class Kline(msgspec.Struct, gc=False, tag_field="e", tag="kline"):
    """`kline`."""

    symbol: str = msgspec.field(name="s")
    k: _Candle


Event = Trade | Force | Mark | Kline


class Wrapped(msgspec.Struct, gc=False):
    """A frame of `/stream`; that of `/ws` is the event alone."""

    data: Event | list[Event]


def plain_reader(symbols: tuple[str, ...]) -> tuple[type[Any], Callable[[bytes], Any]]:
    """Return a class of trades of these contracts only, and what reads a wrapped frame with it.

    A symbol out of a fixed choice is decoded to one and the same text object, so that
    looking it up costs neither a new text nor its hash: a tenth of the engine's time.
    """
    hints = {**get_type_hints(Trade, include_extras=True), "symbol": Literal[symbols]}
    plain = msgspec.defstruct(
        "PlainTrade", list(hints.items()), rename=_LETTERS, gc=False, tag_field="e", tag="aggTrade"
    )
    event: Any = plain | Force | Mark | Kline
    wrapped = msgspec.defstruct("Wrapped", [("data", event | list[event])], gc=False)
    return plain, msgspec.json.Decoder(wrapped, strict=False).decode


_ABSENT = msgspec.Raw()


class Envelope(msgspec.Struct, gc=False):
    """What tells apart the frames that are not one good event."""

    data: msgspec.Raw = _ABSENT
    e: msgspec.Raw = _ABSENT
    id: msgspec.Raw = _ABSENT
    code: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT
    result: msgspec.Raw = _ABSENT


class Kind(msgspec.Struct, gc=False):
    """What kind of event a bad one wanted to be."""

    e: str = ""
