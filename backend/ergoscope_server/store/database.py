"""Connections and transactions: many readers with a snapshot each, and one writer on SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from ergoscope_server.store.errors import StoreError

BUSY_TIMEOUT_S = 10
POOL = 8
OVERFLOW = 40  # as many as the worker threads that read


class Database:
    """One database, chosen by URL: `sqlite:///path` or `postgresql://...`.

    Readers see one moment: all statements of a `read()` answer from the same snapshot. A `write()` is durable when
    its block has ended. SQLite has one writer, so writers of this process queue on a lock instead of polling the file.
    """

    def __init__(self, url: str) -> None:
        """Prepare; nothing is opened yet.

        Raises:
            StoreError: the URL is none, or of another database, or its driver is not installed.
        """
        self.url = _read(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._turn = Lock()
        if self.sqlite:
            self._reader = _sqlite_engine(self.url, begin="BEGIN")
            self._writer = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE")
        else:
            self._writer = _postgres_engine(self.url)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def folder(self) -> Path | None:
        """Where its file lies, which need not be there; None where that is the database's own affair."""
        return Path(self.url.database or "").absolute().parent if self.sqlite else None

    @property
    def exists(self) -> bool:
        """Whether there is something to open; of PostgreSQL only it can say."""
        return not self.sqlite or Path(self.url.database or "").is_file()

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What statements may raise, those that go to the driver itself too."""
        driver = self._writer.dialect.loaded_dbapi
        return (SQLAlchemyError, driver.Error)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a snapshot; nothing it sees changes until it is left."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits when left without an error, durably."""
        if self.sqlite:
            with self._turn, self._writer.begin() as connection:
                yield connection
        else:
            with self._writer.begin() as connection:
                yield connection

    @contextmanager
    def bare(self) -> Iterator[sqlite3.Connection]:
        """Open SQLite outside any transaction, for what cannot be done within one; other writers here wait."""
        with self._turn, closing(self._writer.raw_connection()) as held:
            connection = held.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()


def _read(url: str) -> URL:
    try:
        read = make_url(url)
    except ArgumentError:
        raise StoreError(f"the database is {url!r}; allowed: sqlite:///PATH or postgresql://HOST/NAME") from None
    if read.get_backend_name() not in ("sqlite", "postgresql"):
        shown = read.render_as_string(hide_password=True)
        raise StoreError(f"the database is {shown!r}; allowed: sqlite:///PATH or postgresql://HOST/NAME")
    return read


def _postgres_engine(url: URL) -> Engine:
    try:
        from ergoscope_server.store.postgres import postgres_engine
    except ImportError as error:
        raise StoreError(
            f"{url.get_backend_name()} needs {error.name}, which is not installed; "
            "install it: pip install 'ergoscope[postgres]'"
        ) from error
    return postgres_engine(url, pool=POOL, overflow=OVERFLOW)


def _sqlite_engine(url: URL, *, begin: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        hide_parameters=True,  # what senders sent stands in no log
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # the driver begins too late by itself: after the first SELECT
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged batch survives a power cut
        cursor.execute("PRAGMA journal_size_limit = 67108864")
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine
