"""Our own market tape: what the alert process saw, for the questions that nobody else answers.

Writing is safe to repeat: bars and coverage keep the larger figure, events are known by
their content. A restart that counts the last minutes again therefore changes nothing.
Amounts are integer cents, times Unix ms UTC. Verbs take the store first, for `StoreThread.run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from teleglas.storage.store import Store
from teleglas.storage.tables import tape_bars, tape_events, tape_minutes
from teleglas.tape import MINUTE_MS, Bar, Batch, Event, FeedMinute

__all__ = ["KEPT_MS", "Coverage", "bars", "coverage", "events", "first_minute", "largest", "minutes", "prune_tape",
           "record"]  # fmt: skip

KEPT_MS = 7 * 86_400_000
"""How long the tape is kept."""

_AT_ONCE = 500


class Coverage(msgspec.Struct, frozen=True):
    """since_ms: the first minute of the span that is on the tape. share: live time of the span, 0..1.

    newest_ms: the last recorded minute. venues: whose feeds count.
    """

    since_ms: int
    newest_ms: int
    share: float
    venues: tuple[str, ...]


def record(store: Store, batch: Batch) -> None:
    """Write what the recorder collected."""
    with store.transaction() as connection:
        _upsert(connection, tape_bars, batch.bars, ("usd", "count"))
        _upsert(connection, tape_events, batch.events, ())
        _upsert(connection, tape_minutes, batch.minutes, ("live_ms",))


def bars(
    store: Store,
    kind: str,
    from_ms: int,
    to_ms: int,
    *,
    asset: str | None = None,
    bucket_ms: int | None = None,
) -> list[Bar]:
    """Return sums of minutes in from_ms <= minute < to_ms, oldest first, largest first among equals.

    asset: None for all. bucket_ms: the length of time that one returned bar covers, None
    for the whole span (then `minute_ms` is from_ms).
    """
    table = tape_bars.c
    at: sa.ColumnElement[int]
    if bucket_ms is None:
        at = sa.literal(from_ms, sa.BigInteger)
    else:
        at = table.minute_ms - table.minute_ms % bucket_ms
    usd = sa.func.sum(table.usd)
    query = sa.select(
        at.label("at"), table.asset, table.venue, table.side, usd, sa.func.sum(table.count)
    ).where(table.kind == kind, table.minute_ms >= from_ms, table.minute_ms < to_ms)
    if asset is not None:
        query = query.where(table.asset == asset)
    query = query.group_by(sa.text("1"), table.asset, table.venue, table.side).order_by(
        sa.text("1"), usd.desc()
    )
    with store.transaction(reads_only=True) as connection:
        return [
            Bar(int(row[0]), row[1], row[2], kind, row[3], int(row[4]), int(row[5]))
            for row in connection.execute(query)
        ]


def events(
    store: Store, kind: str, from_ms: int, *, asset: str | None = None, min_usd: int = 0, limit: int = 5000
) -> list[Event]:
    """Return notable events since from_ms, newest first; min_usd in cents."""
    table = tape_events.c
    query = sa.select(tape_events).where(table.kind == kind, table.event_ms >= from_ms, table.usd >= min_usd)
    if asset is not None:
        query = query.where(table.asset == asset)
    query = query.order_by(table.event_ms.desc(), table.usd.desc()).limit(limit)
    with store.transaction(reads_only=True) as connection:
        return [
            Event(**{str(name): value for name, value in row.items()})
            for row in connection.execute(query).mappings()
        ]


def largest(store: Store, kind: str, from_ms: int, to_ms: int, *, asset: str | None = None) -> Event | None:
    """Return the notable event with the most USD in from_ms <= event < to_ms, the first of equal ones."""
    table = tape_events.c
    query = sa.select(tape_events).where(
        table.kind == kind, table.event_ms >= from_ms, table.event_ms < to_ms
    )
    if asset is not None:
        query = query.where(table.asset == asset)
    query = query.order_by(table.usd.desc(), table.event_ms, table.venue, table.symbol).limit(1)
    with store.transaction(reads_only=True) as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else Event(**{str(name): value for name, value in row.items()})


def minutes(store: Store, family: str, from_ms: int, to_ms: int) -> list[FeedMinute]:
    """Return what was recorded of a family's feeds in from_ms <= minute < to_ms, by time and venue."""
    table = tape_minutes.c
    query = (
        sa.select(table.minute_ms, table.venue, table.family, table.live_ms)
        .where(table.family == family, table.minute_ms >= from_ms, table.minute_ms < to_ms)
        .order_by(table.minute_ms, table.venue)
    )
    with store.transaction(reads_only=True) as connection:
        return [FeedMinute(int(row[0]), row[1], row[2], int(row[3])) for row in connection.execute(query)]


def first_minute(store: Store, family: str) -> int | None:
    """Return the oldest minute that is kept of a family, None if nothing was ever recorded."""
    with store.transaction(reads_only=True) as connection:
        first = connection.scalar(
            sa.select(sa.func.min(tape_minutes.c.minute_ms)).where(tape_minutes.c.family == family)
        )
    return None if first is None else int(first)


def coverage(store: Store, family: str, from_ms: int, to_ms: int) -> Coverage | None:
    """Return how much of from_ms..to_ms a family of feeds was recorded; None if nothing was."""
    table = tape_minutes.c
    inside = sa.and_(
        table.family == family, table.minute_ms >= from_ms - from_ms % MINUTE_MS, table.minute_ms < to_ms
    )
    query = sa.select(
        table.venue, sa.func.min(table.minute_ms), sa.func.max(table.minute_ms), sa.func.sum(table.live_ms)
    ).where(inside)
    with store.transaction(reads_only=True) as connection:
        rows = connection.execute(query.group_by(table.venue).order_by(table.venue)).all()
    if not rows:
        return None
    since, newest = min(int(row[1]) for row in rows), max(int(row[2]) for row in rows)
    span = max(MINUTE_MS, min(to_ms, newest + MINUTE_MS) - since) * len(rows)
    share = min(1.0, sum(int(row[3]) for row in rows) / span)
    return Coverage(since, newest, share, tuple(row[0] for row in rows))


def prune_tape(store: Store, before_ms: int) -> int:
    """Forget what is older; returns how many rows."""
    with store.transaction() as connection:
        return sum(
            connection.execute(table.delete().where(column < before_ms)).rowcount
            for table, column in (
                (tape_bars, tape_bars.c.minute_ms),
                (tape_events, tape_events.c.event_ms),
                (tape_minutes, tape_minutes.c.minute_ms),
            )
        )


def _upsert(
    connection: Connection, table: sa.Table, rows: Sequence[msgspec.Struct], larger: Sequence[str]
) -> None:
    """Insert rows; of those that are there already the larger figures of both stay."""
    for start in range(0, len(rows), _AT_ONCE):
        values: list[Mapping[str, Any]] = [
            msgspec.structs.asdict(row) for row in rows[start : start + _AT_ONCE]
        ]
        if connection.dialect.name == "sqlite":
            _execute_sqlite(connection, table, values, larger)
        else:
            _execute_postgresql(connection, table, values, larger)


def _execute_sqlite(
    connection: Connection, table: sa.Table, values: Sequence[Mapping[str, Any]], larger: Sequence[str]
) -> None:
    insert = sqlite.insert(table)
    keys = list(table.primary_key)
    if larger:
        kept = {name: sa.func.max(table.c[name], insert.excluded[name]) for name in larger}
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=kept), values)
    else:
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys), values)


def _execute_postgresql(
    connection: Connection, table: sa.Table, values: Sequence[Mapping[str, Any]], larger: Sequence[str]
) -> None:
    insert = postgresql.insert(table)
    keys = list(table.primary_key)
    if larger:
        kept = {name: sa.func.greatest(table.c[name], insert.excluded[name]) for name in larger}
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=kept), values)
    else:
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys), values)
