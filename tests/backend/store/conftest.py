"""Stores to test on: SQLite always, PostgreSQL where one answers or can be started."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ergoscope_server.store.store import Store
from tests.backend.postgres import new_database


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of our own, dropped in the end."""
    with new_database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    found = str(request.getfixturevalue("postgres_url"))
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store on an empty database."""
    opened = Store(url)
    yield opened
    opened.close()
