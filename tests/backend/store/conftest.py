"""Stores to test on: SQLite always, PostgreSQL where one answers."""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from ergoscope_server.store.store import Store

SERVER = "postgresql://postgres@127.0.0.1:5432"


def _answers() -> bool:
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=0.5).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of our own on the PostgreSQL at 127.0.0.1:5432, dropped in the end."""
    if not _answers():
        pytest.skip("no PostgreSQL answers at 127.0.0.1:5432")
    name = f"ergoscope_test_{os.getpid()}_{secrets.token_hex(3)}"  # other rooms' tests may have one too
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
        yield f"{SERVER}/{name}"
        connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


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
