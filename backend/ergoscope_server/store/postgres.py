"""What PostgreSQL needs beside SQLAlchemy: results in binary.

As text, bytea arrives as hexadecimal digits, which takes six times as long to read.
"""

from psycopg import Connection, Cursor
from psycopg.pq import Format
from psycopg.rows import RowFactory, TupleRow
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL


class BinaryCursor(Cursor[TupleRow]):
    """A cursor whose results come in binary."""

    def __init__(self, connection: Connection[TupleRow], *, row_factory: RowFactory[TupleRow]) -> None:
        super().__init__(connection, row_factory=row_factory)
        self.format = Format.BINARY


def postgres_engine(url: URL, *, pool: int, overflow: int) -> Engine:
    """Make an engine; a connection that the server has closed meanwhile is replaced when it is taken from the pool."""
    return create_engine(
        url,
        pool_size=pool,
        max_overflow=overflow,
        pool_pre_ping=True,
        hide_parameters=True,  # what senders sent stands in no log
        connect_args={"cursor_factory": BinaryCursor, "connect_timeout": 5},
    )
