"""Opening a database: durability, migrations, refusals, and the lock of its one writer."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from teleglas.errors import AlreadyRunning, ConfigError
from teleglas.storage import migrations
from teleglas.storage.opening import lock_store, open_engine, revisions, schema_version
from teleglas.storage.store import open_store
from teleglas.storage.tables import metadata
from tests.storage.rows import commit, message


def test_migrations_make_the_tables(store):
    """The tables that the migrations make are those that the code knows."""
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_opening_again_changes_nothing(store, url):
    """A second start keeps the data and the schema."""
    store.commit(commit(message("a"), position=8))
    again = open_store(url)
    assert again.load_memory()[1] == 8
    again.close()


def test_the_names_of_the_files_are_the_revisions():
    """What tells whether a migration is due knows every one, in their order."""
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    config.set_main_option("path_separator", "os")
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    assert revisions() == [step.revision for step in reversed(steps)]


def test_a_database_of_this_schema_needs_no_migrating_library(tmp_path):
    """Only the first start, and the first one after an update, load it: it takes 12 MB."""
    url = f"sqlite:///{tmp_path}/a.db"
    open_engine(url).dispose()
    program = (
        "import sys; from teleglas.storage.store import open_store;"
        "open_store(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program, url], capture_output=True, check=True)  # noqa: S603 - our own program
    assert told.stdout == b"False\n"


def test_a_newer_database_is_refused(store, url):
    """An older program does not touch a newer program's database, and says what to do."""
    with store.engine.begin() as connection:
        assert schema_version(connection) is not None
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match=r"newer TELEGLAS \(schema 9999.*Update the program"):
        open_engine(url)


def test_sqlite_is_durable(tmp_path):
    """SQLite runs with a write-ahead log, full synchronisation and foreign keys."""
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 2_000}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "is not an address"),
        ("nothing://host/db", "is not an address"),
        ("mysql://host/db", "works with sqlite and postgresql"),
        ("sqlite:////dev/null/x/a.db", "cannot be made"),
        ("sqlite:////proc/teleglas.db", "cannot be opened"),
        ("postgresql://user:hunter2@127.0.0.1:9/db", "cannot be opened"),
    ],
)
def test_useless_addresses(address, said):
    """A wrong address is one line that names the setting and hides the password."""
    with pytest.raises(ConfigError, match=said) as refusal:
        open_engine(address)
    text = str(refusal.value)
    assert text.startswith("DATABASE_URL: ")
    assert "\n" not in text
    assert "hunter2" not in text


def test_a_damaged_file(tmp_path):
    """A file that is no database is named as such and left as it is."""
    file = tmp_path / "a.db"
    file.write_bytes(b"this is not a database" * 100)
    with pytest.raises(ConfigError, match="damaged or not a database"):
        open_engine(f"sqlite:///{file}")
    assert file.read_bytes() == b"this is not a database" * 100


def test_a_locked_file(tmp_path, monkeypatch):
    """A database that another program holds is named as locked."""
    monkeypatch.setattr("teleglas.storage.opening._BUSY_MS", 10)
    url = f"sqlite:///{tmp_path}/a.db"
    open_engine(url).dispose()
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigError, match="locked by another program"):
        open_engine(url)
    other.close()


def test_one_process_per_database(url):
    """A second holder is refused with one clear line; after release there is room again."""
    held = lock_store(url)
    with pytest.raises(AlreadyRunning, match="another TELEGLAS alert process uses the database") as refusal:
        lock_store(url)
    assert "\n" not in str(refusal.value)
    held.release()
    held.release()
    lock_store(url).release()


def test_the_lock_dies_with_its_process(tmp_path):
    """A killed process leaves no lock behind, though its lock file stays."""
    url = f"sqlite:///{tmp_path}/a.db"
    program = (
        "import sys; from teleglas.storage.opening import lock_store;"
        "held = lock_store(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning):
            lock_store(url)
        process.kill()
        process.wait(10)
    assert (tmp_path / "a.db.lock").exists()
    lock_store(url).release()


def test_a_lock_needs_a_reachable_place():
    """A lock that cannot be made, or a server that is not there, is a setting to change."""
    for address in ("sqlite:////dev/null/x/a.db", "postgresql://u:hunter2@127.0.0.1:9/db"):
        with pytest.raises(ConfigError) as refusal:
            lock_store(address)
        assert "hunter2" not in str(refusal.value)
