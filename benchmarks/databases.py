"""Empty databases to measure on: SQLite in a folder, PostgreSQL where one answers on this machine."""

import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TypeAlias

import psycopg
from psycopg.sql import SQL, Identifier
from redis import Redis

Opener: TypeAlias = Callable[[], AbstractContextManager[str]]
POSTGRES = "postgresql://postgres@127.0.0.1:5432"
REDIS = "redis://127.0.0.1:6379/15"


@contextmanager
def sqlite() -> Iterator[str]:
    """Give the URL of an empty SQLite database, and delete it afterwards."""
    folder = tempfile.mkdtemp(prefix="ergoscope-benchmark-")
    try:
        yield f"sqlite:///{Path(folder) / 'store.db'}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres() -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database, and drop it afterwards."""
    name = f"ergoscope_benchmark_{os.getpid()}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


def available() -> dict[str, Opener]:
    """Give the databases there are, by name."""
    found: dict[str, Opener] = {"SQLite": sqlite}
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=0.5).close()
        found["PostgreSQL"] = postgres
    except OSError:
        print("no PostgreSQL answers at 127.0.0.1:5432; measuring SQLite alone")
    return found


def redis_answers() -> bool:
    """Whether there is a Redis on this machine."""
    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=0.5).close()
    except OSError:
        print("no Redis answers at 127.0.0.1:6379; measuring services of one process alone")
        return False
    return True


def forget() -> None:
    """Delete what a service has left in Redis."""
    with Redis.from_url(REDIS) as client:
        for key in client.scan_iter("*ergoscope*"):
            client.delete(key)


def server_pids(url: str) -> list[int]:
    """Give the processes of the database's own that there are now; SQLite has none."""
    if url.startswith("sqlite"):
        return []
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select pid from pg_stat_activity")]


def analyse(url: str) -> None:
    """Have PostgreSQL look at what its tables hold, as it does by itself within a minute of their filling."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("analyze")


def bytes_used(url: str) -> int:
    """Give the bytes of everything a database holds: pages in use, indices included."""
    if url.startswith("sqlite"):
        asked = ("page_size", "page_count", "freelist_count")
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            size, pages, free = (int(file.execute(f"PRAGMA {name}").fetchone()[0]) for name in asked)
        return size * (pages - free)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("vacuum full")
        row = server.execute(
            "select sum(pg_total_relation_size(oid)) from pg_class "
            "where relkind = 'r' and relnamespace = 'public'::regnamespace"
        ).fetchone()
    return int(row[0]) if row else 0
