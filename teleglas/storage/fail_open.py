"""Fail open: while the database cannot be used, the same verbs work on a store in memory.

Telling the trader matters more than the record of it. What waits for delivery is copied
into the spare at the first failure (as far as it can still be read), decisions and
deliveries go on there, and all of it is brought home in one transaction as soon as the
database takes it. Lost when the process dies meanwhile: the spare's record of what was
sent, so those alerts are decided and sent again, without a label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from teleglas.storage.begun import begin_rows
from teleglas.storage.records import State
from teleglas.storage.store import Store, StoreUnavailable, open_store
from teleglas.storage.tables import (
    baseline_assets,
    baseline_minutes,
    chats,
    engine_memory,
    outbox,
    outcomes,
    verdicts,
)

__all__ = ["FailOpen", "Verb"]

P = ParamSpec("P")
T = TypeVar("T")
Verb = Callable[Concatenate[Store, P], T]

_TRY_HOME_EVERY_S = 5.0
_SPARE_PAGES = 16_384
"""Bound of the spare: 64 MB of 4 kB pages, some 10,000 alerts; beyond it a verb raises StoreUnavailable."""

_EDITABLE_FOR_MS = 3_600_000


class FailOpen:
    """A store that goes on in memory. `degraded` says why, None while the database works. home: the database.

    clock: seconds that never go back, to pace the attempts to come home. Used by one
    thread at a time, like the store itself.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.home = store
        self._clock = clock
        self._spare: Store | None = None
        self._try_home_at = 0.0
        self.degraded: str | None = None

    def apply(self, verb: Verb[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do one verb of `Store`, on the database or, failing that, in memory.

        Raises StoreUnavailable only if the memory's bound is reached too.
        """
        if self._spare is not None and self._clock() >= self._try_home_at:
            self._come_home(self._spare)
        if self._spare is not None:
            return verb(self._spare, *args, **kwargs)
        try:
            return verb(self.home, *args, **kwargs)
        except StoreUnavailable as error:
            self._spare = self._leave_home(str(error))
            return verb(self._spare, *args, **kwargs)

    def close(self) -> None:
        """Bring home what is in memory, if the database takes it, and close both."""
        if self._spare is not None:
            self._come_home(self._spare)
        if self._spare is not None:
            self._spare.close()
        self.home.close()

    def _leave_home(self, why: str) -> Store:
        spare = open_store("sqlite://")
        with spare.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={_SPARE_PAGES}")
        try:
            _borrow(self.home, spare)
        except StoreUnavailable as error:
            why = f"{why}; what waits in it cannot be read either ({error})"
        self.degraded = why
        self._try_home_at = self._clock() + _TRY_HOME_EVERY_S
        return spare

    def _come_home(self, spare: Store) -> None:
        try:
            _bring_home(spare, self.home)
        except StoreUnavailable:
            self._try_home_at = self._clock() + _TRY_HOME_EVERY_S
            return
        spare.close()
        self._spare = None
        self.degraded = None


def _borrow(home: Store, spare: Store) -> None:
    newest = sa.select(sa.func.max(outbox.c.created_ms)).scalar_subquery()
    wanted = sa.or_(
        outbox.c.state.in_((State.PENDING, State.LEASED)), outbox.c.created_ms > newest - _EDITABLE_FOR_MS
    )
    with home.transaction(reads_only=True) as source:
        messages = _all(source, sa.select(outbox).where(wanted).order_by(outbox.c.row_id))
        known = _all(source, sa.select(chats))
    with spare.transaction() as into:
        for table, rows in ((outbox, messages), (chats, known)):
            if rows:
                into.execute(table.insert(), rows)


def _bring_home(spare: Store, home: Store) -> None:
    with spare.transaction(reads_only=True) as source:
        messages = _all(source, sa.select(outbox).order_by(outbox.c.row_id))
        decided = _all(source, sa.select(verdicts).order_by(verdicts.c.verdict_id))
        memory = _all(source, sa.select(engine_memory))
        known = _all(source, sa.select(chats))
        minutes = _all(source, sa.select(baseline_minutes))
        assets = _all(source, sa.select(baseline_assets))
        begun = _all(source, sa.select(outcomes).order_by(outcomes.c.outcome_id))
    with home.transaction() as into:
        for row in decided:
            into.execute(verdicts.insert().values(_without(row, "verdict_id")))
        begin_rows(into, [_without(row, "outcome_id") for row in begun])
        for row in messages:
            _put(into, outbox, outbox.c.alert_id, _without(row, "row_id"))
        for row in known:
            _put(into, chats, chats.c.chat, row)
        for row in memory:
            _put(into, engine_memory, engine_memory.c.only, row)
        for row in minutes:
            _put(into, baseline_minutes, baseline_minutes.c.minute, row)
        for row in assets:
            _put(into, baseline_assets, baseline_assets.c.asset, row)


def _all(connection: Connection, query: sa.Select[tuple[object, ...]]) -> list[dict[str, object]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _without(row: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != name}


def _put(connection: Connection, table: sa.Table, key: sa.Column[object], row: Mapping[str, object]) -> None:
    if not connection.execute(table.update().where(key == row[key.name]).values(row)).rowcount:
        connection.execute(table.insert().values(row))
