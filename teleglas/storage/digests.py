"""When each target wants its daily digest. Verbs take the store first, for `StoreThread.run`."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from teleglas.storage.store import Store
from teleglas.storage.tables import chats, digests

__all__ = ["Choice", "choose_digest", "digest_choices", "moved_from"]


class Choice(msgspec.Struct, frozen=True):
    """at: `08:00 Asia/Jakarta` (`teleglas.daily_time`), empty for no digest. chosen_ms: since when, Unix ms UTC."""

    target: str
    at: str
    chosen_ms: int


def digest_choices(store: Store) -> dict[str, Choice]:
    """Return what was chosen, by target."""
    with store.transaction(reads_only=True) as connection:
        rows = connection.execute(sa.select(digests).order_by(digests.c.target))
        return {row.target: Choice(row.target, row.at, int(row.chosen_ms)) for row in rows}


def choose_digest(store: Store, choice: Choice) -> None:
    """Remember a choice in place of the one before."""
    values = {"at": choice.at, "chosen_ms": choice.chosen_ms}
    with store.transaction() as connection:
        changed = connection.execute(digests.update().where(digests.c.target == choice.target).values(values))
        if not changed.rowcount:
            connection.execute(digests.insert().values({"target": choice.target} | values))


def moved_from(store: Store, chat: str) -> list[str]:
    """Return the chats that have become this one: what the settings may still call it."""
    with store.transaction(reads_only=True) as connection:
        found = connection.scalars(
            sa.select(chats.c.chat).where(chats.c.migrated_to == chat).order_by(chats.c.chat)
        )
        return list(found)
