"""The store: about twenty verbs in the words of the product, each one transaction.

A store is used by one thread at a time (see `thread.StoreThread`). Every verb raises
StoreUnavailable when the database cannot be read or written now; then nothing of it happened.
Times are Unix ms UTC. Verbs address a message by its alert id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError

from teleglas.baselines import BaselineChange, StoredBaselines
from teleglas.errors import TeleglasError
from teleglas.storage import baselines, queue
from teleglas.storage.begun import begin
from teleglas.storage.opening import open_engine
from teleglas.storage.records import Commit, NewMessage, QueueStats, State, StoredRow, VerdictRow
from teleglas.storage.tables import chats, engine_memory, outbox, verdicts

__all__ = ["FOREVER_MS", "Store", "StoreUnavailable", "open_store"]

FOREVER_MS = 1 << 62
"""Later than every time."""

_OUR_FAULT = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
_WHY_CHARS = 200
_DECIDED = verdicts.insert()
_REMEMBER = engine_memory.update().values(
    memory=sa.bindparam("newest"), journal_position=sa.bindparam("position")
)
_REHEARSED = Commit(
    (VerdictRow(0, "", "", "", "", "", "", 0, 0, 0, 0, 0, None, None, None, None, None, None, b""),),
    (NewMessage("rehearsal", "nobody", "nobody", 0, "alert", b"", 0, 0),), (), b"", 0,
)  # fmt: skip


class StoreUnavailable(TeleglasError):
    """The database cannot be used now: disk full, read-only, damaged, locked, connection lost.

    The caller keeps what it wanted to store and tries again later.
    """


def open_store(url: str) -> Store:
    """Open a database (`sqlite:///file`, `sqlite://` in memory, `postgresql://...`) and migrate it.

    Raises ConfigError. Close the store when done.
    """
    return Store(open_engine(url))


class Store:
    """The verbs. Make one with `open_store`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def close(self) -> None:
        """Close the connections; the store cannot be used afterwards."""
        self.engine.dispose()

    @contextmanager
    def transaction(self, *, reads_only: bool = False) -> Iterator[Connection]:
        """Open a transaction; raises StoreUnavailable for what the database, not we, did wrong."""
        try:
            with self.engine.connect() as connection:
                if reads_only:
                    connection = connection.execution_options(reads_only=True)  # noqa: PLW2901 - the same one
                with connection.begin():
                    yield connection
        except _OUR_FAULT:
            raise
        except DBAPIError as error:
            raise StoreUnavailable(f"database: {error.orig}".strip().splitlines()[0]) from error

    def empty_log(self) -> None:
        """Move what SQLite's write-ahead log holds into the file, beside whoever reads and writes.

        May run on any thread. Otherwise now and then a commit does it, and an alert waits for it.
        """
        if self.engine.dialect.name != "sqlite" or isinstance(self.engine.pool, sa.StaticPool):
            return
        try:
            connection = self.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()
        except (sqlite3.Error, DBAPIError) as error:
            raise StoreUnavailable(f"database: {error}") from error

    # -- decisions -------------------------------------------------------------------------

    def commit(self, commit: Commit) -> None:
        """Store decisions, their messages and edits, the engine's memory and position, all or nothing.

        So with what changed of the assets' own normals, and with the outcomes that begin. A message
        whose alert id is known is not added again; an edit counts only if its revision is newer than what is wanted already.
        """
        with self.transaction() as connection:
            _commit(connection, commit)

    def commit_and_claim(
        self, commit: Commit, now_ms: int, *, lease_ms: int, shut: Collection[str] = ()
    ) -> StoredRow | None:
        """Do `commit`, and lease in the same transaction the message to send now, if there is one.

        As `claim_next`, but never an edit: one wait for the disk stands before a send, not two.
        """
        with self.transaction() as connection:
            _commit(connection, commit)
            row_id = queue.next_row(connection, now_ms, shut, None)
            return None if row_id is None else queue.claim(connection, row_id, now_ms, now_ms + lease_ms)

    def rehearse(self) -> None:
        """Go through the statements up to a send and undo it all, so that the first alert need not prepare them."""
        with self.transaction() as connection:
            _commit(connection, _REHEARSED)
            for shut_edits in (None, ()):
                row_id = queue.next_row(connection, 0, (), shut_edits)
                if row_id is not None:
                    queue.claim(connection, row_id, 0, 0)
            transaction = connection.get_transaction()
            assert transaction is not None  # noqa: S101 - it was begun above
            transaction.rollback()

    def load_memory(self) -> tuple[bytes | None, int]:
        """Return the engine's memory and the last journal record it decided on; (None, 0) at first."""
        with self.transaction(reads_only=True) as connection:
            row = connection.execute(sa.select(engine_memory)).first()
        return (None, 0) if row is None else (bytes(row.memory), row.journal_position)

    def load_baselines(self) -> StoredBaselines:
        """Return what was committed of the assets' own normals."""
        with self.transaction(reads_only=True) as connection:
            return baselines.load(connection)

    def keep_baselines(self, change: BaselineChange) -> None:
        """Store what changed of the assets' own normals alone: memory and position stay as they are."""
        with self.transaction() as connection:
            baselines.keep(connection, change)

    # -- delivery --------------------------------------------------------------------------

    def claim_next(
        self,
        now_ms: int,
        *,
        lease_ms: int,
        shut: Collection[str] = (),
        shut_edits: Collection[str] = (),
        drawn: Collection[str] = (),
        only: Collection[str] | None = None,
    ) -> StoredRow | None:
        """Lease the message to send now, or None if there is none.

        Sends come before edits, then the smaller rank. Not chosen: chats in `shut` (edits:
        in `shut_edits`), chats not in `only` if that is given, chats with a message in
        flight (edits: with anything in flight), edits while a send waits for their chat, edits
        of a message that lacks its picture unless `drawn` names it. Call `confirm`, `postpone`, `bury`,
        `suspend_chat` or `migrate_chat` with the outcome; otherwise `release_leases` frees the row as possibly sent.
        """
        with self.transaction() as connection:
            row_id = queue.next_row(connection, now_ms, shut, shut_edits, drawn, only)
            return None if row_id is None else queue.claim(connection, row_id, now_ms, now_ms + lease_ms)

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return when the next waiting row becomes due or a lease ends, if that is in the future."""
        due = sa.select(sa.func.min(outbox.c.not_before_ms)).where(
            outbox.c.state == State.PENDING, outbox.c.not_before_ms > now_ms
        )
        leases = sa.select(sa.func.min(outbox.c.lease_until_ms)).where(
            outbox.c.state == State.LEASED, outbox.c.lease_until_ms > now_ms
        )
        with self.transaction(reads_only=True) as connection:
            times = [connection.scalar(due), connection.scalar(leases)]
        return min((time for time in times if time is not None), default=None)

    def confirm(
        self,
        alert_id: str,
        *,
        revision: int,
        message_id: int | None,
        photo: bool,
        now_ms: int,
        next_edit_ms: int,
        picture: bytes | None = None,
    ) -> bool:
        """Record that the target has this revision; it is not edited again before `next_edit_ms`.

        message_id: None for a target that edits nothing: what it was told first is the end.
        photo: the message has a picture. picture: the one that is still to be added to it (JSON).

        Returns False when nothing changed: that revision, or a newer one, was confirmed
        before, and no picture was waited for. A confirmation that comes after its lease ended
        counts all the same.
        """
        named = sa.func.coalesce(message_id, outbox.c.message_id)
        more = sa.or_(outbox.c.wanted > revision, sa.literal(picture is not None))
        wanted = sa.and_(more, named.is_not(None))
        news = outbox.c.told < revision
        if picture is None:
            news = sa.or_(news, sa.and_(outbox.c.told == revision, outbox.c.picture.is_not(None)))
        with self.transaction() as connection:
            changed = connection.execute(
                outbox.update()
                .where(
                    outbox.c.alert_id == alert_id,
                    news,
                    outbox.c.state.in_((State.LEASED, State.PENDING)),
                )
                .values(
                    state=sa.case((wanted, State.PENDING), else_=State.SENT),
                    told=revision,
                    message_id=named,
                    photo=photo,
                    picture=None if picture is None else picture.decode(),
                    picture_tried=False,
                    attempts=0,
                    lease_until_ms=None,
                    sent_ms=sa.func.coalesce(outbox.c.sent_ms, now_ms),
                    rank_ms=now_ms,  # among edits, the message told longest ago is next
                    not_before_ms=next_edit_ms,
                    why="",
                )
            )
            return bool(changed.rowcount)

    def postpone(self, row: StoredRow, *, not_before_ms: int, why: str, maybe_sent: bool = False) -> bool:
        """Give a claimed row back, to be tried again at `not_before_ms`.

        maybe_sent: the outcome is unknown, so a message's next try must say that it may be
        a repeat; it stays said. So must a picture's, if that is what was tried. Returns False if the claim is no longer the current one.
        """
        with self.transaction() as connection:
            changed = connection.execute(
                outbox.update()
                .where(
                    outbox.c.alert_id == row.alert_id,
                    outbox.c.state == State.LEASED,
                    outbox.c.told == row.told,
                    outbox.c.attempts == row.attempts,
                )
                .values(
                    state=State.PENDING,
                    lease_until_ms=None,
                    not_before_ms=not_before_ms,
                    maybe_sent=sa.or_(outbox.c.maybe_sent, sa.literal(maybe_sent and row.told < 0)),
                    picture_tried=sa.or_(
                        outbox.c.picture_tried,
                        sa.and_(sa.literal(maybe_sent), outbox.c.picture.is_not(None)),
                    ),
                    why=why[:_WHY_CHARS],
                )
            )
            return bool(changed.rowcount)

    def bury(self, alert_id: str, why: str) -> list[str]:
        """Give a message up for good; return its alert id if it was never sent.

        If only an edit was refused, the message stays sent and is edited no more.
        """
        with self.transaction() as connection:
            return queue.forsake(connection, outbox.c.alert_id == alert_id, why[:_WHY_CHARS])

    def release_leases(self, ended_by_ms: int) -> int:
        """Free rows whose lease ends at or before this time; whether they were sent is unknown.

        At start call it with FOREVER_MS: who held the leases is dead.
        """
        with self.transaction() as connection:
            freed = connection.execute(
                outbox.update()
                .where(outbox.c.state == State.LEASED, outbox.c.lease_until_ms <= ended_by_ms)
                .values(
                    state=State.PENDING,
                    lease_until_ms=None,
                    maybe_sent=sa.or_(outbox.c.maybe_sent, queue.UNSENT),
                    picture_tried=sa.or_(outbox.c.picture_tried, outbox.c.picture.is_not(None)),
                    why="the outcome of the last try is unknown",
                )
            )
            return freed.rowcount

    def shorten_waits(self, latest_ms: int) -> None:
        """Let no row wait beyond this time, as it would after a clock that was set back."""
        with self.transaction() as connection:
            connection.execute(
                # Sent ones too: their next edit would wait.
                outbox.update().where(outbox.c.not_before_ms > latest_ms).values(not_before_ms=latest_ms)
            )

    # -- late messages ---------------------------------------------------------------------

    def stale(self, before_ms: int) -> list[StoredRow]:
        """Return the waiting alerts made before this time, and the waiting digests of their targets."""
        waiting = sa.and_(outbox.c.state == State.PENDING, queue.UNSENT)
        old = sa.and_(waiting, outbox.c.content_type == "alert", outbox.c.created_ms < before_ms)
        aged = outbox.alias("aged")
        targets = sa.select(aged.c.target).where(
            aged.c.state == State.PENDING,
            aged.c.told < 0,
            aged.c.content_type == "alert",
            aged.c.created_ms < before_ms,
        )
        digests = sa.and_(waiting, outbox.c.content_type == "digest", outbox.c.target.in_(targets))
        with self.transaction(reads_only=True) as connection:
            return queue.rows(connection, sa.select(outbox.c.row_id).where(sa.or_(old, digests)))

    def digest(self, message: NewMessage, instead_of: Collection[str]) -> None:
        """Send one message in place of these waiting ones."""
        with self.transaction() as connection:
            connection.execute(
                outbox.update()
                .where(
                    outbox.c.alert_id.in_(tuple(instead_of)), outbox.c.state == State.PENDING, queue.UNSENT
                )
                .values(state=State.DIGESTED, why=message.alert_id)
            )
            queue.add_messages(connection, [message])

    # -- chats -----------------------------------------------------------------------------

    def suspend_chat(self, chat: str, why: str) -> list[str]:
        """Send nothing more to a chat; return the alert ids of what waited for it and is now buried."""
        with self.transaction() as connection:
            _set_chat(connection, chat, suspended=why[:_WHY_CHARS])
            return queue.forsake(connection, outbox.c.chat == chat, why[:_WHY_CHARS])

    def resume_chat(self, chat: str) -> None:
        """Lift a suspension, for what is decided from now on."""
        with self.transaction() as connection:
            _set_chat(connection, chat, suspended=None)

    def suspended_chats(self) -> dict[str, str]:
        """Return why each suspended chat is suspended."""
        with self.transaction(reads_only=True) as connection:
            found = connection.execute(sa.select(chats).where(chats.c.suspended.is_not(None)))
            return {row.chat: row.suspended for row in found}

    def migrate_chat(self, old: str, new: str) -> None:
        """Follow a group that became a supergroup: everything that waits goes to the new chat.

        Messages sent to the old one keep their record, but cannot be edited or replied to.
        """
        with self.transaction() as connection:
            _set_chat(connection, old, migrated_to=new)
            connection.execute(chats.update().where(chats.c.migrated_to == old).values(migrated_to=new))
            connection.execute(chats.update().where(chats.c.chat == new).values(migrated_to=None))
            connection.execute(
                outbox.update().where(outbox.c.chat == old, sa.not_(queue.UNSENT)).values(message_id=None)
            )
            connection.execute(
                outbox.update()
                .where(outbox.c.chat == old, sa.not_(queue.UNSENT), outbox.c.state != State.SENT)
                .values(state=State.SENT, lease_until_ms=None, picture=None)
            )
            connection.execute(
                outbox.update()
                .where(outbox.c.chat == old)
                .values(
                    chat=new,
                    target=sa.literal(new).concat(sa.func.substr(outbox.c.target, len(old) + 1)),
                    state=sa.case((outbox.c.state == State.LEASED, State.PENDING), else_=outbox.c.state),
                    lease_until_ms=None,
                    not_before_ms=0,
                )
            )

    def hold_chat(self, chat: str, until_ms: int) -> None:
        """Remember that nothing may be sent to a chat (ALL_CHATS: to any) before this time."""
        with self.transaction() as connection:
            _set_chat(connection, chat, not_before_ms=until_ms)

    def holds(self, now_ms: int) -> dict[str, int]:
        """Return until when each chat must still be left alone."""
        with self.transaction(reads_only=True) as connection:
            found = connection.execute(sa.select(chats).where(chats.c.not_before_ms > now_ms))
            return {row.chat: row.not_before_ms for row in found}

    def tries_since(self, since_ms: int) -> list[tuple[str, int]]:
        """Return (chat, time) of each row's first and last request since then, in order, to restore rate limits."""
        last = sa.select(outbox.c.chat, outbox.c.tried_ms.label("at_ms")).where(outbox.c.tried_ms >= since_ms)
        # What was tried after it was told was an edit, such as its picture's: two requests.
        first = sa.select(outbox.c.chat, outbox.c.sent_ms).where(
            outbox.c.tried_ms >= since_ms, outbox.c.sent_ms >= since_ms, outbox.c.sent_ms < outbox.c.tried_ms
        )
        with self.transaction(reads_only=True) as connection:
            found = connection.execute(sa.union_all(last, first).order_by("at_ms"))
            return [(row.chat, row.at_ms) for row in found]

    # -- reading ---------------------------------------------------------------------------

    def stats(self) -> QueueStats:
        """Return the queue in figures."""
        waiting = sa.and_(outbox.c.state.in_((State.PENDING, State.LEASED)), queue.UNSENT)
        with self.transaction(reads_only=True) as connection:
            depth, oldest = connection.execute(
                sa.select(sa.func.count(), sa.func.min(outbox.c.created_ms)).where(waiting)
            ).one()
            states = connection.execute(
                sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state).order_by(outbox.c.state)
            )
            return QueueStats(
                waiting=depth,
                oldest_waiting_ms=oldest,
                by_state={row.state: row[1] for row in states},
                verdicts=connection.scalar(sa.select(sa.func.count()).select_from(verdicts)) or 0,
            )

    def recent_alerts(self, limit: int) -> list[StoredRow]:
        """Return the newest messages, the newest first, whatever became of them."""
        newest = sa.select(outbox.c.row_id).order_by(outbox.c.created_ms.desc(), outbox.c.row_id.desc())
        with self.transaction(reads_only=True) as connection:
            found = queue.rows(connection, newest.limit(limit))
        return sorted(found, key=lambda row: (row.created_ms, row.row_id), reverse=True)

    def alert(self, alert_id: str) -> StoredRow | None:
        """Return one message by its alert id."""
        with self.transaction(reads_only=True) as connection:
            found = queue.rows(connection, sa.select(outbox.c.row_id).where(outbox.c.alert_id == alert_id))
        return found[0] if found else None

    def last_message_id(self, chat: str) -> int:
        """Return the highest id that a chat gave to one of our messages, 0 if it gave none."""
        query = sa.select(sa.func.coalesce(sa.func.max(outbox.c.message_id), 0)).where(outbox.c.chat == chat)
        with self.transaction(reads_only=True) as connection:
            return int(connection.scalars(query).one())

    def verdicts(self) -> list[bytes]:
        """Return every decision as JSON, in the order they were made."""
        with self.transaction(reads_only=True) as connection:
            found = connection.scalars(sa.select(verdicts.c.body).order_by(verdicts.c.verdict_id))
            return [body.encode() for body in found]

    def prune(self, before_ms: int) -> int:
        """Forget decisions older than this that sent nothing; alerts are kept for ever. Returns how many."""
        with self.transaction() as connection:
            return connection.execute(
                verdicts.delete().where(verdicts.c.decided_ms < before_ms, verdicts.c.action != "send")
            ).rowcount


def _commit(connection: Connection, commit: Commit) -> None:
    if commit.verdicts:
        connection.execute(_DECIDED, [_verdict(row, commit.position) for row in commit.verdicts])
    if commit.messages:
        queue.add_messages(connection, commit.messages)
    queue.apply_edits(connection, commit.edits)
    if commit.baselines is not None:
        baselines.keep(connection, commit.baselines)
    if commit.outcomes:
        begin(connection, commit.outcomes)
    if not connection.execute(_REMEMBER, {"newest": commit.memory, "position": commit.position}).rowcount:
        first = {"only": 1, "memory": commit.memory, "journal_position": commit.position}
        connection.execute(engine_memory.insert(), first)


def _verdict(row: VerdictRow, position: int) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(row, name) for name in VerdictRow.__struct_fields__}
    return values | {"position": position, "body": row.body.decode()}


def _set_chat(connection: Connection, chat: str, **values: object) -> None:
    if not connection.execute(chats.update().where(chats.c.chat == chat).values(values)).rowcount:
        connection.execute(chats.insert().values({"chat": chat, "not_before_ms": 0} | values))
