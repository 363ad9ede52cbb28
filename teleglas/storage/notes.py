"""What the processes tell each other, and what a person chose: heartbeats and readers.

Verbs take the store first, for `StoreThread.run`. Times are Unix ms UTC.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from teleglas.heartbeat import Feed, Heartbeat
from teleglas.storage.store import Store
from teleglas.storage.tables import heartbeats, readers

__all__ = ["ALERT_PROCESS", "BOT_PROCESS", "Feed", "Heartbeat", "Reader", "beat", "heartbeat", "reader",
           "set_reader"]  # fmt: skip

ALERT_PROCESS, BOT_PROCESS = "alert", "bot"


class Reader(msgspec.Struct, frozen=True):
    """None: not chosen. time_zone: a name of the IANA database."""

    language: str | None = None
    time_zone: str | None = None


def beat(store: Store, process: str, said: Heartbeat) -> None:
    """Replace what a process said of itself."""
    values = {"at_ms": said.at_ms, "body": msgspec.json.encode(said).decode()}
    with store.transaction() as connection:
        _put(connection, heartbeats, heartbeats.c.process, process, values)


def heartbeat(store: Store, process: str) -> Heartbeat | None:
    """Return what a process last said; None if it never ran here, or spoke another version's words."""
    with store.transaction(reads_only=True) as connection:
        body = connection.scalar(sa.select(heartbeats.c.body).where(heartbeats.c.process == process))
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=Heartbeat)
    except msgspec.DecodeError:
        return None


def reader(store: Store, user_id: int) -> Reader:
    """Return what a person chose."""
    with store.transaction(reads_only=True) as connection:
        row = connection.execute(sa.select(readers).where(readers.c.user_id == user_id)).first()
    return Reader() if row is None else Reader(row.language, row.time_zone)


def set_reader(store: Store, user_id: int, chosen: Reader) -> None:
    """Remember what a person chose."""
    with store.transaction() as connection:
        _put(connection, readers, readers.c.user_id, user_id, msgspec.structs.asdict(chosen))


def _put(
    connection: Connection,
    table: sa.Table,
    key: sa.ColumnElement[object],
    name: object,
    values: dict[str, object],
) -> None:
    if not connection.execute(table.update().where(key == name).values(values)).rowcount:
        connection.execute(table.insert().values({key.key: name} | values))
