"""What is stored of the assets' own normals: one row a minute, and whole states that make older rows needless.

Bodies are MessagePack. Minutes count since 1970 in UTC, amounts are cents.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from teleglas.baselines import BaselineChange, StoredBaselines
from ws_alert.windows.interest import InterestRows

__all__ = ["AssetMinute", "AssetRow", "HistoryRow", "MinuteRow", "decoded", "encoded"]

Row = TypeVar("Row")


class HistoryRow(msgspec.Struct, frozen=True, array_like=True):
    """A `SampleHistory` as it is stored; days: (number of samples, the largest of them) by day modulo 8."""

    day: int
    days: tuple[tuple[int, tuple[int, ...]], ...]
    hour: int
    logs: int
    count: int
    means: tuple[int, ...]
    weights: bytes


class AssetMinute(msgspec.Struct, frozen=True, array_like=True):
    """What one minute added to one asset: taker volume, and samples as (place of the series, usd)."""

    asset: str
    volume: int
    samples: tuple[tuple[int, int], ...]


class MinuteRow(msgspec.Struct, frozen=True, array_like=True):
    """One closed minute.

    serial: of the stored rows. number: of the counted minutes so far. counted: whether this one is history. looked: one byte
    for each minute of the last 24 hours (minute modulo 1440), 1 where it is history; days: how
    many such minutes each UTC day had (day modulo 8). gone: assets forgotten in it.
    """

    minute: int
    serial: int
    number: int
    counted: bool
    looked: bytes
    days: tuple[int, ...]
    assets: tuple[AssetMinute, ...]
    gone: tuple[str, ...]
    interest: InterestRows


class AssetRow(msgspec.Struct, frozen=True, array_like=True):
    """The whole state of one asset at the end of a minute.

    serial: of the minute's row. first: number of its first counted minute. last: its last
    minute with activity. volumes: empty if it never had any.
    """

    asset: str
    minute: int
    serial: int
    first: int
    last: int
    volumes: tuple[int, ...]
    series: tuple[HistoryRow | None, ...]


_encoder = msgspec.msgpack.Encoder()
_minutes = msgspec.msgpack.Decoder(MinuteRow)
_assets = msgspec.msgpack.Decoder(AssetRow)


def encoded(row: MinuteRow, assets: list[AssetRow], gone: list[str], oldest: int) -> BaselineChange:
    """Return what is to be committed; neither states of `gone` nor minutes before `oldest` are needed any more."""
    return BaselineChange(
        minutes=((row.minute, _encoder.encode(row)),),
        assets=tuple((each.asset, _encoder.encode(each)) for each in assets),
        gone=tuple(gone),
        oldest=oldest,
    )


def decoded(stored: StoredBaselines) -> tuple[list[MinuteRow], list[AssetRow], int]:
    """Return the minutes, the states, and how many rows of another version were left out."""
    minutes = [row for row in (_read(_minutes, body) for body in stored.minutes) if row is not None]
    assets = [row for row in (_read(_assets, body) for _, body in stored.assets) if row is not None]
    return minutes, assets, len(stored.minutes) + len(stored.assets) - len(minutes) - len(assets)


def _read(decoder: msgspec.msgpack.Decoder[Row], body: bytes) -> Row | None:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError:
        return None
