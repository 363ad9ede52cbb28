"""The tape of prices: one row for each asset and hour, its sixty minutes packed.

A minute that is there stays as it is: it was read when no event could join it any more, and after a
restart the same minutes come again, perhaps in part. Verbs take the store first, for `StoreThread.run`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

import sqlalchemy as sa
import zstandard
from sqlalchemy.engine import Connection

from teleglas.storage.store import Store
from teleglas.storage.tables import tape_prices
from teleglas.tape import MINUTE_MS, PriceMinute

__all__ = ["keep_prices", "prices", "prune_prices"]

_HOUR_MS = 60 * MINUTE_MS
_BODY = Struct("<180d")
"""Low, high and last of each minute; zeros where no price was seen."""
_NOTHING = (0.0,) * 180
_AT_ONCE = 200

_ADD = tape_prices.insert().values(
    asset=sa.bindparam("of"), hour_ms=sa.bindparam("at"), body=sa.bindparam("packed")
)
_GROW = (
    tape_prices.update()
    .where(tape_prices.c.asset == sa.bindparam("of"), tape_prices.c.hour_ms == sa.bindparam("at"))
    .values(body=sa.bindparam("packed"))
)

_Hours = dict[tuple[str, int], list[float]]


def keep_prices(store: Store, rows: Sequence[PriceMinute]) -> None:
    """Write minutes that are over."""
    hours: dict[tuple[str, int], list[PriceMinute]] = {}
    for row in rows:
        hours.setdefault((row.asset, row.minute_ms - row.minute_ms % _HOUR_MS), []).append(row)
    with store.transaction() as connection:
        known = _known(connection, sorted(hours))
        packed = [_row(key, known.get(key) or list(_NOTHING), minutes) for key, minutes in hours.items()]
        new = [row for row, key in zip(packed, hours, strict=True) if key not in known]
        grown = [row for row, key in zip(packed, hours, strict=True) if key in known]
        if new:
            connection.execute(_ADD, new)
        if grown:
            connection.execute(_GROW, grown)


def prices(store: Store, asset: str, from_ms: int, to_ms: int) -> list[PriceMinute]:
    """Return the minutes of an asset in from_ms <= minute < to_ms, oldest first, without those that saw no price."""
    table = tape_prices.c
    query = (
        sa.select(table.hour_ms, table.body)
        .where(table.asset == asset, table.hour_ms > from_ms - _HOUR_MS, table.hour_ms < to_ms)
        .order_by(table.hour_ms)
    )
    with store.transaction(reads_only=True) as connection:
        rows = connection.execute(query).all()
    return [
        row
        for hour_ms, body in rows
        for row in _minutes(asset, int(hour_ms), _cells(bytes(body)))
        if from_ms <= row.minute_ms < to_ms
    ]


def prune_prices(store: Store, before_ms: int) -> int:
    """Forget whole hours that are older; returns how many rows."""
    with store.transaction() as connection:
        return connection.execute(
            tape_prices.delete().where(tape_prices.c.hour_ms <= before_ms - _HOUR_MS)
        ).rowcount


def _known(connection: Connection, keys: Sequence[tuple[str, int]]) -> _Hours:
    table, found = tape_prices.c, _Hours()
    for start in range(0, len(keys), _AT_ONCE):
        wanted = keys[start : start + _AT_ONCE]
        # a few assets of other hours come along; that is cheaper than a condition for each row
        query = sa.select(tape_prices).where(
            table.asset.in_({asset for asset, _ in wanted}), table.hour_ms.in_({hour for _, hour in wanted})
        )
        for row in connection.execute(query):
            found[row.asset, int(row.hour_ms)] = _cells(bytes(row.body))
    return found


def _row(key: tuple[str, int], cells: list[float], minutes: Sequence[PriceMinute]) -> dict[str, object]:
    """Return an hour with these minutes put where there are none yet."""
    for row in minutes:
        at = (row.minute_ms - key[1]) // MINUTE_MS * 3
        if not cells[at + 2]:
            cells[at : at + 3] = row.low, row.high, row.last
    return {"of": key[0], "at": key[1], "packed": zstandard.compress(_BODY.pack(*cells))}


def _cells(body: bytes) -> list[float]:
    return list(_BODY.unpack(zstandard.decompress(body)))


def _minutes(asset: str, hour_ms: int, cells: Sequence[float]) -> Iterator[PriceMinute]:
    for minute in range(60):
        low, high, last = cells[minute * 3 : minute * 3 + 3]
        if last:
            yield PriceMinute(hour_ms + minute * MINUTE_MS, asset, low, high, last)
