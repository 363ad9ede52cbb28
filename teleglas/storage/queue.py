"""The statements of the outbox's queue: who is next, and what an outcome changes.

Plain functions on a connection; `store.Store` gives each its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from teleglas.storage.records import NewEdit, NewMessage, State, StoredRow
from teleglas.storage.tables import chats, outbox

__all__ = ["UNSENT", "add_messages", "apply_edits", "claim", "forsake", "next_row", "rows"]

_PARENT = outbox.alias("parent")
_PARENT_MESSAGE = (
    sa.select(_PARENT.c.message_id)
    .where(_PARENT.c.alert_id == outbox.c.reply_to, _PARENT.c.chat == outbox.c.chat)
    .scalar_subquery()
    .label("reply_to_message")
)
_READ = [column for column in outbox.columns if column.name in StoredRow.__struct_fields__] + [
    _PARENT_MESSAGE
]

UNSENT = outbox.c.told < 0

_CLAIMED = sa.select(*_READ).where(outbox.c.row_id == sa.bindparam("claimed"))
_LEASE = (
    outbox.update()
    .where(outbox.c.row_id == sa.bindparam("claimed"))
    .values(
        state=State.LEASED,
        lease_until_ms=sa.bindparam("until_ms"),
        tried_ms=sa.bindparam("claimed_ms"),
        attempts=outbox.c.attempts + 1,
    )
)
_INSERT = outbox.insert()
_CHATS = sa.select(chats)
_PRESENT = sa.select(outbox.c.alert_id).where(outbox.c.alert_id.in_(sa.bindparam("present", expanding=True)))


def rows(connection: Connection, query: sa.Select[tuple[int]]) -> list[StoredRow]:
    """Return the rows whose ids `query` selects, in the order of `rank_ms`."""
    found = connection.execute(
        sa.select(*_READ).where(outbox.c.row_id.in_(query)).order_by(outbox.c.rank_ms, outbox.c.row_id)
    )
    return [_stored(row) for row in found.mappings()]


def _stored(row: sa.RowMapping) -> StoredRow:
    picture = row["picture"]
    converted = {
        "content": row["content"].encode(),
        "state": State(row["state"]),
        "picture": None if picture is None else picture.encode(),
    }
    return StoredRow(**{**row, **converted})


def add_messages(connection: Connection, messages: Iterable[NewMessage]) -> None:
    """Insert messages that are not there yet; follow moved chats, bury what is for a suspended one."""
    known = {row.chat: row for row in connection.execute(_CHATS)}
    there = set(connection.scalars(_PRESENT, {"present": [message.alert_id for message in messages]}))
    for message in messages:
        if message.alert_id in there:
            continue
        there.add(message.alert_id)
        moved = known.get(message.chat)
        chat = moved.migrated_to if moved and moved.migrated_to else message.chat
        suspended = known[chat].suspended if chat in known else None
        values = {
            "alert_id": message.alert_id,
            "target": chat + message.target[len(message.chat) :],
            "chat": chat,
            "tier": message.tier,
            "content_type": message.content_type,
            "content": message.content.decode(),
            "reply_to": message.reply_to,
            "state": State.BURIED if suspended else State.PENDING,
            "created_ms": message.created_ms,
            "rank_ms": message.rank_ms,
            "wanted": 0,
            "told": -1,
            "attempts": 0,
            "not_before_ms": 0,
            "why": suspended or "",
        }
        connection.execute(_INSERT, values)


def apply_edits(connection: Connection, edits: Iterable[NewEdit]) -> None:
    """Make the newest content the wanted one; what can no longer be edited is left alone."""
    for edit in edits:
        connection.execute(
            outbox.update()
            .where(
                outbox.c.alert_id == edit.alert_id,
                outbox.c.wanted < edit.revision,
                outbox.c.state.in_((State.PENDING, State.LEASED, State.SENT)),
                sa.or_(UNSENT, outbox.c.message_id.is_not(None)),
            )
            .values(
                wanted=edit.revision,
                content=edit.content.decode(),
                state=sa.case((outbox.c.state == State.SENT, State.PENDING), else_=outbox.c.state),
            )
        )


def next_row(
    connection: Connection,
    now_ms: int,
    shut: Collection[str],
    shut_edits: Collection[str] | None,
    drawn: Collection[str] = (),
    only: Collection[str] | None = None,
) -> int | None:
    """Return the id of the row to send now: sends before edits, then by rank, then the oldest.

    Skips chats that are shut, chats with a message in flight, edits of a chat with anything in
    flight or for which a send waits, even one that is not due yet, and edits of a message that
    lacks its picture unless that is `drawn`. A send does not wait for an edit in flight: it may be the slow upload of a picture. shut_edits: None for no edits at all. only: the chats to
    look at, None for all.
    """
    values: dict[str, object] = {"now_ms": now_ms, "shut": list(shut)}
    if shut_edits is not None:
        values |= {"shut_edits": list(shut_edits), "drawn": list(drawn)}
    if only is not None:
        values["only"] = list(only)
    query = _next(edits=shut_edits is not None, chosen=only is not None)
    found: int | None = connection.scalar(query, values)
    return found


@cache
def _next(*, edits: bool, chosen: bool) -> sa.Select[int]:
    """Return the statement, made once: putting it together takes longer than its execution."""
    other = outbox.alias("other")
    sending = sa.select(other.c.chat).where(other.c.state == State.LEASED, other.c.told < 0)
    going = sa.and_(UNSENT, outbox.c.chat.not_in(_several("shut")))
    query = (
        sa.select(outbox.c.row_id)
        .where(
            outbox.c.state == State.PENDING,
            outbox.c.not_before_ms <= sa.bindparam("now_ms"),
            outbox.c.chat.not_in(sending),
            sa.or_(going, _edits()) if edits else going,
        )
        .order_by(sa.not_(UNSENT), outbox.c.rank_ms, outbox.c.row_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return query.where(outbox.c.chat.in_(_several("only"))) if chosen else query


def _edits() -> sa.ColumnElement[bool]:
    unsent, editing = outbox.alias("unsent"), outbox.alias("editing")
    sends_wait = sa.select(unsent.c.chat).where(unsent.c.state == State.PENDING, unsent.c.told < 0)
    in_flight = sa.select(editing.c.chat).where(editing.c.state == State.LEASED)
    return sa.and_(
        sa.not_(UNSENT),
        outbox.c.chat.not_in(_several("shut_edits")),
        outbox.c.chat.not_in(sends_wait),
        outbox.c.chat.not_in(in_flight),
        sa.or_(outbox.c.picture.is_(None), outbox.c.alert_id.in_(_several("drawn"))),
    )


def _several(name: str) -> sa.BindParameter[Collection[str]]:
    return sa.bindparam(name, expanding=True)


def claim(connection: Connection, row_id: int, now_ms: int, until_ms: int) -> StoredRow:
    """Mark a row as being sent, and return it."""
    connection.execute(_LEASE, {"claimed": row_id, "claimed_ms": now_ms, "until_ms": until_ms})
    return _stored(connection.execute(_CLAIMED, {"claimed": row_id}).mappings().one())


def forsake(connection: Connection, which: sa.ColumnElement[bool], why: str) -> list[str]:
    """Give up what is wanted of these rows; return the alert ids of those never sent.

    A message that was sent stays sent, but is edited no more.
    """
    waiting = sa.and_(which, outbox.c.state.in_((State.PENDING, State.LEASED)))
    unsent = list(
        connection.scalars(sa.select(outbox.c.alert_id).where(waiting, UNSENT).order_by(outbox.c.row_id))
    )
    connection.execute(
        outbox.update()
        .where(waiting, sa.not_(UNSENT))
        .values(state=State.SENT, message_id=None, picture=None, lease_until_ms=None, why=why)
    )
    connection.execute(
        outbox.update().where(waiting, UNSENT).values(state=State.BURIED, lease_until_ms=None, why=why)
    )
    return unsent
