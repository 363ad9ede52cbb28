"""Pictures that messages still lack: which, and when they are given up.

The row of the outbox is their only record. Verbs take the store first, for `StoreThread.run`.
Times are Unix ms UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

from teleglas.storage.records import State
from teleglas.storage.store import Store
from teleglas.storage.tables import outbox

__all__ = ["drop_old_pictures", "drop_picture", "lacking"]

_WHY_CHARS = 200
_LACKS = sa.and_(outbox.c.picture.is_not(None), outbox.c.state.in_((State.PENDING, State.LEASED)))


def lacking(store: Store) -> list[tuple[str, str]]:
    """Return (alert id, chat) of each message that lacks its picture, the longest told first."""
    query = (
        sa.select(outbox.c.alert_id, outbox.c.chat).where(_LACKS).order_by(outbox.c.rank_ms, outbox.c.row_id)
    )
    with store.transaction(reads_only=True) as connection:
        return [(row.alert_id, row.chat) for row in connection.execute(query)]


def drop_picture(store: Store, alert_id: str, why: str, *, next_edit_ms: int) -> bool:
    """Let a message stand without its picture; what else is to be edited waits until `next_edit_ms`.

    Returns False if it lacked none.
    """
    with store.transaction() as connection:
        return _drop(connection, outbox.c.alert_id == alert_id, why, next_edit_ms) > 0


def drop_old_pictures(store: Store, before_ms: int, *, next_edit_ms: int) -> int:
    """Do the same for every message first told before this time and not being edited now; returns how many."""
    with store.transaction() as connection:
        old = sa.and_(outbox.c.sent_ms < before_ms, outbox.c.state == State.PENDING)
        return _drop(connection, old, "its picture came too late", next_edit_ms)


def _drop(connection: sa.Connection, which: sa.ColumnElement[bool], why: str, next_edit_ms: int) -> int:
    behind = outbox.c.wanted > outbox.c.told
    dropped = connection.execute(
        outbox.update()
        .where(_LACKS, which)
        .values(
            picture=None,
            picture_tried=False,
            state=sa.case((behind, State.PENDING), else_=State.SENT),
            lease_until_ms=None,
            attempts=0,
            not_before_ms=next_edit_ms,
            why=why[:_WHY_CHARS],
        )
    )
    return dropped.rowcount
