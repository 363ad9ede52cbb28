"""One contract, two databases: every test with `url` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import OperationalError

from teleglas.storage.store import Store, open_store

_POSTGRES = os.environ.get("TELEGLAS_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """Connect to the PostgreSQL of the tests, or skip with the reason."""
    engine = sa.create_engine(_POSTGRES, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except OperationalError as error:
        place = make_url(_POSTGRES).render_as_string(hide_password=True)
        pytest.skip(
            f"no PostgreSQL at {place} ({str(error.orig).splitlines()[0]}); set TELEGLAS_TEST_POSTGRES"
        )
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """Return the address of an empty database: a file, or a schema of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new folder/teleglas.db"
        return
    server: Engine = request.getfixturevalue("postgres")
    schema = f"teleglas_{uuid.uuid4().hex}"
    with server.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    own = make_url(_POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with server.begin() as connection:
        connection.execute(sa.schema.DropSchema(schema, cascade=True))


@pytest.fixture
def store(url) -> Iterator[Store]:
    """Return an open, empty store."""
    opened = open_store(url)
    yield opened
    opened.close()
