"""The statements of the outbox's queue: who is next, and what an outcome changes.

Plain functions on a connection; `store.Store` gives each its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from teleglas.storage.records import NewEdit, NewMessage, State, StoredRow
from teleglas.storage.tables import chats, outbox

__all__ = ["add_messages", "apply_edits", "forsake", "lease", "next_row", "rows"]

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


def rows(connection: Connection, query: sa.Select[tuple[int]]) -> list[StoredRow]:
    """Return the rows whose ids `query` selects, in the order of `rank_ms`."""
    found = connection.execute(
        sa.select(*_READ).where(outbox.c.row_id.in_(query)).order_by(outbox.c.rank_ms, outbox.c.row_id)
    )
    return [
        StoredRow(**{**row, "content": row["content"].encode(), "state": State(row["state"])})
        for row in found.mappings()
    ]


def add_messages(connection: Connection, messages: Iterable[NewMessage]) -> None:
    """Insert messages that are not there yet; follow moved chats, bury what is for a suspended one."""
    known = {row.chat: row for row in connection.execute(sa.select(chats))}
    present = [message.alert_id for message in messages]
    there = set(connection.scalars(sa.select(outbox.c.alert_id).where(outbox.c.alert_id.in_(present))))
    for message in messages:
        if message.alert_id in there:
            continue
        there.add(message.alert_id)
        moved = known.get(message.chat)
        chat = moved.migrated_to if moved and moved.migrated_to else message.chat
        suspended = known[chat].suspended if chat in known else None
        connection.execute(
            outbox.insert().values(
                alert_id=message.alert_id,
                target=chat + message.target[len(message.chat) :],
                chat=chat,
                tier=message.tier,
                content_type=message.content_type,
                content=message.content.decode(),
                reply_to=message.reply_to,
                state=State.BURIED if suspended else State.PENDING,
                created_ms=message.created_ms,
                rank_ms=message.rank_ms,
                wanted=0,
                told=-1,
                attempts=0,
                not_before_ms=0,
                why=suspended or "",
            )
        )


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
    shut_edits: Collection[str],
    only: Collection[str] | None = None,
) -> int | None:
    """Return the id of the row to send now: sends before edits, then by rank, then the oldest.

    Skips chats that are shut, chats with a message in flight, and edits of a chat for
    which a send waits, even one that is not due yet. only: the chats to look at, None for all.
    """
    other = outbox.alias("other")
    busy = sa.select(other.c.chat).where(other.c.state == State.LEASED)
    sends_wait = sa.select(other.c.chat).where(other.c.state == State.PENDING, other.c.told < 0)
    query = (
        sa.select(outbox.c.row_id)
        .where(
            outbox.c.state == State.PENDING,
            outbox.c.not_before_ms <= now_ms,
            outbox.c.chat.not_in(busy),
            sa.or_(
                sa.and_(UNSENT, outbox.c.chat.not_in(tuple(shut))),
                sa.and_(
                    sa.not_(UNSENT), outbox.c.chat.not_in(tuple(shut_edits)), outbox.c.chat.not_in(sends_wait)
                ),
            ),
        )
        .order_by(sa.not_(UNSENT), outbox.c.rank_ms, outbox.c.row_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if only is not None:
        query = query.where(outbox.c.chat.in_(tuple(only)))
    return connection.scalar(query)


def lease(connection: Connection, row_id: int, now_ms: int, until_ms: int) -> None:
    """Mark a row as being sent."""
    connection.execute(
        outbox.update()
        .where(outbox.c.row_id == row_id)
        .values(state=State.LEASED, lease_until_ms=until_ms, tried_ms=now_ms, attempts=outbox.c.attempts + 1)
    )


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
        .values(state=State.SENT, message_id=None, lease_until_ms=None, why=why)
    )
    connection.execute(
        outbox.update().where(waiting, UNSENT).values(state=State.BURIED, lease_until_ms=None, why=why)
    )
    return unsent
