"""The assets' own normals in the database: packed rows, written within the transaction of a commit.

Writing is safe to repeat: a minute, and an asset's state, replace what was there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import zstandard
from sqlalchemy.engine import Connection

from teleglas.baselines import BaselineChange, StoredBaselines
from teleglas.storage.tables import baseline_assets, baseline_minutes

__all__ = ["keep", "load"]

_LEVEL = 3


def keep(connection: Connection, change: BaselineChange) -> None:
    """Store what closed minutes changed, and forget what they made needless."""
    _replace(connection, baseline_minutes.c.minute, change.minutes)
    _replace(connection, baseline_assets.c.asset, change.assets, without=change.gone)
    connection.execute(baseline_minutes.delete().where(baseline_minutes.c.minute < change.oldest))


def load(connection: Connection) -> StoredBaselines:
    """Return everything; the minutes in their order."""
    unpack = zstandard.ZstdDecompressor().decompress
    minutes = connection.scalars(sa.select(baseline_minutes.c.body).order_by(baseline_minutes.c.minute))
    assets = connection.execute(sa.select(baseline_assets).order_by(baseline_assets.c.asset))
    return StoredBaselines(
        minutes=tuple(unpack(bytes(body)) for body in minutes),
        assets=tuple((row.asset, unpack(bytes(row.body))) for row in assets),
    )


def _replace(
    connection: Connection,
    key: sa.Column[Any],
    rows: Iterable[tuple[int | str, bytes]],
    *,
    without: Iterable[str] = (),
) -> None:
    pack = zstandard.ZstdCompressor(level=_LEVEL).compress
    values = [{key.name: name, "body": pack(body)} for name, body in rows]
    old = {*without, *(value[key.name] for value in values)}
    connection.execute(sa.delete(key.table).where(key.in_(old)))
    if values:
        connection.execute(sa.insert(key.table), values)
