"""Opening a database: the engine, its durability, its schema, and the lock of its one writer.

Errors here are ConfigError or AlreadyRunning: a person must do something, and the text says what.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from teleglas.errors import AlreadyRunning, ConfigError
from teleglas.locks import FileLock

__all__ = ["SETTING", "StoreLock", "lock_store", "open_engine", "revisions", "schema_version"]

SETTING = "DATABASE_URL"
"""The setting that errors name."""

_BUSY_MS = 2_000
"""How long a write waits for another program's; the pipeline's step waits with it."""

_LOG_PAGES = 4_000
"""Where a commit moves the write-ahead log into the file itself: the alert process does it beside, sooner."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))
_MIGRATION_LOCK = 7_463_001  # any number that only TELEGLAS takes
_ENGINE_LOCK = 7_463_002


def open_engine(url: str) -> Engine:
    """Connect, migrate to this program's schema, and return the engine.

    SQLite: write-ahead log, `synchronous=FULL` (a commit survives power loss), foreign
    keys. Raises ConfigError when the database cannot be opened, read, or was written by a
    newer program.
    """
    parsed = _parse(url)
    engine = _sqlite(parsed) if _is_sqlite(parsed) else _postgresql(parsed)
    try:
        with engine.begin() as connection:
            _migrate(connection)
    except DBAPIError as error:
        engine.dispose()
        raise _explained(parsed, error) from None
    except ConfigError:
        engine.dispose()
        raise
    return engine


def schema_version(connection: Connection) -> str | None:
    """Return the revision of the schema in this database, None if it is empty."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.scalar(sa.select(_VERSION.c.version_num))
    return found


def revisions() -> list[str]:
    """Return the revisions that this program knows, by the names of their files, oldest first."""
    return sorted(path.stem[1:].partition("_")[0] for path in (_MIGRATIONS / "versions").glob("m*_*.py"))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigError(
            SETTING,
            "is not an address of a database",
            "Write sqlite:///data/teleglas.db or postgresql://user:password@host/name",
        ) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigError(
            SETTING, f"names {parsed.get_backend_name()}", "TELEGLAS works with sqlite and postgresql"
        )
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _sqlite(url: URL) -> Engine:
    memory = url.database in {None, "", ":memory:"}
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}}
    if memory:
        options["poolclass"] = StaticPool
    else:
        folder = Path(str(url.database)).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                SETTING, f"{folder} cannot be made ({error.strerror})", "Name a folder that can be written"
            ) from None
    engine = sa.create_engine(url, **options)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL) -> Engine:
    # Behind a dead network a write must fail within seconds, so that alerts go out from memory instead.
    limits = {"connect_timeout": 3, "tcp_user_timeout": 5_000, "application_name": "teleglas"}
    return sa.create_engine(url, pool_pre_ping=True, connect_args=limits)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see below
    settings = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
    for pragma in (*settings, f"busy_timeout={_BUSY_MS}", f"wal_autocheckpoint={_LOG_PAGES}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later must hold the write lock from its start:
    # otherwise another program's write in between makes ours fail at once, without waiting.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    found, known = schema_version(connection), revisions()
    if found is not None and found not in known:
        raise ConfigError(
            SETTING,
            f"the database was written by a newer TELEGLAS (schema {found}, this program knows {known[-1]})",
            "Update the program, or restore the backup that was made before the update",
        )
    if found != known[-1]:
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    # 12 MB and some tenths of a second, for the first start and the first one after an update only
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _explained(url: URL, error: DBAPIError) -> ConfigError:
    place = url.render_as_string(hide_password=True)
    said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    if "locked" in said:
        return ConfigError(
            SETTING, f"{place} is locked by another program", "Stop it, or wait until it is done"
        )
    if "not a database" in said or "malformed" in said:
        return ConfigError(
            SETTING,
            f"{place} is damaged or not a database ({said})",
            "Restore a backup, or move the file away",
        )
    return ConfigError(
        SETTING, f"{place} cannot be opened ({said})", "Check the path or server, and its rights"
    )


class StoreLock:
    """The right to be the one alert process on a database; ends with `release` or with the process."""

    def __init__(self, held: FileLock | Connection) -> None:
        self._held = held

    def release(self) -> None:
        """Give it up; harmless when called twice."""
        if isinstance(self._held, FileLock):
            self._held.release()
        else:
            self._held.close()
            self._held.engine.dispose()


def lock_store(url: str) -> StoreLock:
    """Take the database for this process. Raises AlreadyRunning or ConfigError.

    SQLite: `flock` on `<file>.lock` beside it, which is never removed. PostgreSQL: an
    advisory lock of the schema, held by a connection of its own.
    """
    parsed = _parse(url)
    place = parsed.render_as_string(hide_password=True)
    told = f"another TELEGLAS alert process uses the database {place}; stop it, or set another {SETTING}"
    if _is_sqlite(parsed):
        file = Path(str(parsed.database))
        try:
            return StoreLock(FileLock(file.with_name(file.name + ".lock"), told=told))
        except OSError as error:
            raise ConfigError(
                SETTING, f"{file}.lock cannot be made ({error.strerror})", "Name a folder that can be written"
            ) from None
    engine = sa.create_engine(parsed, isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
        mine = connection.scalar(
            sa.select(sa.func.pg_try_advisory_lock(_ENGINE_LOCK, sa.func.hashtext(sa.func.current_schema())))
        )
    except DBAPIError as error:
        engine.dispose()
        raise _explained(parsed, error) from None
    if not mine:
        connection.close()
        engine.dispose()
        raise AlreadyRunning(told)
    return StoreLock(connection)
