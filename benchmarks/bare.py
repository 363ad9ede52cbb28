"""The limit that the benchmarks compare with: bare msgspec decode of the fields that the engine reads."""

from __future__ import annotations

import msgspec

__all__ = ["FIELDS", "VENUES", "decode"]

FIELDS = "fields read: a s p q T m of an aggTrade, s S ap z T of a forceOrder"


class _Trade(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    a: int
    s: str
    p: float
    q: float
    T: int
    m: bool


class _Order(msgspec.Struct, gc=False):
    s: str
    S: str
    ap: float
    z: float
    T: int


class _Force(msgspec.Struct, tag_field="e", tag="forceOrder", gc=False):
    o: _Order


class _Wrapped(msgspec.Struct, gc=False):
    data: _Trade | _Force


class _BybitRow(msgspec.Struct, gc=False):
    T: int
    s: str
    S: str
    v: float
    p: float
    i: str = ""
    seq: int = 0
    BT: bool = False


class _Bybit(msgspec.Struct, gc=False):
    data: list[_BybitRow]


class _OkxOrder(msgspec.Struct, gc=False):
    side: str
    posSide: str  # noqa: N815  # the venue's name
    bkPx: float  # noqa: N815  # the venue's name
    sz: float
    ts: int


class _OkxRow(msgspec.Struct, gc=False):
    instId: str  # noqa: N815  # the venue's name
    tradeId: int = 0  # noqa: N815  # the venue's name
    px: float = 0.0
    sz: float = 0.0
    side: str = ""
    ts: int = 0
    instType: str = ""  # noqa: N815  # the venue's name
    details: list[_OkxOrder] = []


class _Okx(msgspec.Struct, gc=False):
    data: list[_OkxRow]


decode = msgspec.json.Decoder(_Wrapped, strict=False).decode
"""One Binance frame into typed structs."""

VENUES = {
    "binance": decode,
    "bybit": msgspec.json.Decoder(_Bybit, strict=False).decode,
    "okx": msgspec.json.Decoder(_Okx, strict=False).decode,
}
"""One frame of trades or liquidations of a venue likewise."""
