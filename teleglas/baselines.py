"""How the assets' own normals come into the store and back, in words that the store understands. Pure.

Bodies are bytes that the store never looks into. Minutes count since 1970 in UTC.
"""

from __future__ import annotations

import msgspec

__all__ = ["BaselineMinute", "StoredBaselines"]


class BaselineMinute(msgspec.Struct, frozen=True):
    """What one closed minute adds.

    assets: whole states as (asset, body), each in place of the one before. gone: assets to
    be forgotten. oldest: rows of earlier minutes are not needed any more.
    """

    minute: int
    body: bytes
    assets: tuple[tuple[str, bytes], ...]
    gone: tuple[str, ...]
    oldest: int


class StoredBaselines(msgspec.Struct, frozen=True):
    """All that the store has: the newest state of each asset, and the minutes that are kept, oldest first."""

    assets: tuple[bytes, ...] = ()
    minutes: tuple[bytes, ...] = ()
