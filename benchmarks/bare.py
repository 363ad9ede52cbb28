"""The limit that the benchmarks compare with: bare msgspec decode of the fields that the engine reads."""

from __future__ import annotations

import msgspec

__all__ = ["FIELDS", "decode"]

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


decode = msgspec.json.Decoder(_Wrapped, strict=False).decode
"""One Binance frame into typed structs."""
