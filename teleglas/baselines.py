"""How the assets' own normals come into the store and back, in words that the store understands. Pure.

Bodies are bytes that the store never looks into. Minutes count since 1970 in UTC.
"""

from __future__ import annotations

import msgspec

__all__ = ["BaselineChange", "StoredBaselines", "merged"]


class BaselineChange(msgspec.Struct, frozen=True):
    """What one or more closed minutes change.

    minutes: (minute, body), oldest first. assets: whole states as (asset, body), each in
    place of the one before. gone: assets to be forgotten, before the states are taken.
    oldest: rows of earlier minutes are not needed any more.
    """

    minutes: tuple[tuple[int, bytes], ...]
    assets: tuple[tuple[str, bytes], ...]
    gone: tuple[str, ...]
    oldest: int


class StoredBaselines(msgspec.Struct, frozen=True):
    """All that the store has: (asset, its newest state), and the minutes that are kept, oldest first."""

    assets: tuple[tuple[str, bytes], ...] = ()
    minutes: tuple[bytes, ...] = ()


def merged(before: BaselineChange | None, after: BaselineChange | None) -> BaselineChange | None:
    """Return both changes as one, in which nothing is that the later one made needless."""
    if before is None or after is None:
        return before or after
    states = {asset: body for asset, body in before.assets if asset not in after.gone}
    return BaselineChange(
        minutes=tuple(row for row in (*before.minutes, *after.minutes) if row[0] >= after.oldest),
        assets=tuple((states | dict(after.assets)).items()),
        gone=tuple(sorted({*before.gone, *after.gone})),
        oldest=after.oldest,
    )
