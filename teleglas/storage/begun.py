"""Outcomes begin within the transaction that commits their alert, so that no kill can lose one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from teleglas.outcomes import NewOutcome
from teleglas.storage.tables import outcomes

__all__ = ["begin", "begin_rows"]

_ONCE = ("kind", "asset", "direction", "timeframe", "episode_ms")


def begin(connection: Connection, begun: Sequence[NewOutcome]) -> None:
    """Note alerts whose outcome is to be measured; an episode that is known already stays as it is."""
    rows = [
        msgspec.structs.asdict(each) | {"prices": msgspec.json.encode(each.prices).decode()} for each in begun
    ]
    begin_rows(connection, rows)


def begin_rows(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Note rows as the table has them, without their number."""
    if not rows:
        return
    insert: sa.Executable
    if connection.dialect.name == "sqlite":
        insert = sqlite.insert(outcomes).on_conflict_do_nothing(index_elements=_ONCE)
    else:
        insert = postgresql.insert(outcomes).on_conflict_do_nothing(index_elements=_ONCE)
    connection.execute(insert, list(rows))
