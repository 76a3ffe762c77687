"""Rows as they are, for moving them between databases: all of a run in one table, or all of a table without runs.

They are read one by one, whatever they weigh, and written in pieces of a few megabytes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, cast

import msgspec
from sqlalchemy import Column, Connection, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from ergoscope_server.store.schema import metadata
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.writing import Row, Writer

PIECE_BYTES = 4 * 1024 * 1024
PIECE_ROWS = 5_000
OF_PROCESSES = frozenset({"duty"})  # says who is at work on this very database, and means nothing in another
_POSTGRES = postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # the library has no types here
_SQLITE = sqlite.dialect(paramstyle="qmark")
_pack = msgspec.msgpack.Encoder().encode


class _Cursor(Protocol):
    def execute(self, statement: str, parameters: Sequence[str]) -> Iterable[Row]: ...
    def stream(self, statement: str, parameters: Sequence[str]) -> Iterable[Row]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows there are, and what is in them; in whatever order, since text is sorted differently elsewhere."""

    rows: int = 0
    checksum: int = 0

    def __str__(self) -> str:
        return f"{self.rows} rows, checksum {self.checksum:032x}"


class Rows:
    """The rows of one table."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self._keyed = of_runs(table)
        select_, delete_ = select(table), delete(table)
        if self._keyed:
            key: Column[str] = table.c.id if table is runs else table.c.run
            select_, delete_ = select_.where(key == bindparam("run")), delete_.where(key == bindparam("of_run"))
        self._select = {
            "sqlite": str(select_.compile(dialect=_SQLITE)),
            "postgresql": str(select_.compile(dialect=_POSTGRES)),
        }
        self._delete = delete_
        self._write = Writer(table)

    def read(self, connection: Connection, run: str) -> Iterator[Row]:
        """Give them one by one; of a table without runs all."""
        if not connection.in_transaction():
            connection.begin()  # the cursor below does not see to it
        cursor = cast("_Cursor", connection.connection.cursor())
        parameters = (run,) if self._keyed else ()
        try:
            if connection.dialect.name == "sqlite":
                yield from cursor.execute(self._select["sqlite"], parameters)
            else:  # else the driver would hold all of them before the first
                yield from cursor.stream(self._select["postgresql"], parameters)
        finally:
            cursor.close()

    def digest(self, connection: Connection, run: str) -> Digest:
        """Count them, and sum them up."""
        summing = _Summing()
        for _ in summing.through(self.read(connection, run)):
            pass
        return summing.digest

    def replace(self, connection: Connection, run: str, rows: Iterable[Row], *, wrote: Callable[[int], None]) -> Digest:
        """Put rows in the place of those that are there; give what was written.

        Args:
            connection: A transaction of the database to write to.
            run: Whose rows.
            rows: What is to be there.
            wrote: Is told after each piece how many bytes it had.
        """
        connection.execute(self._delete, {"of_run": run} if self._keyed else {})
        summing = _Summing()
        piece: list[Row] = []
        written = 0
        for row in summing.through(rows):
            piece.append(row)
            if summing.size - written >= PIECE_BYTES or len(piece) >= PIECE_ROWS:
                self._write(connection, piece)
                wrote(summing.size - written)
                piece, written = [], summing.size
        self._write(connection, piece)
        wrote(summing.size - written)
        return summing.digest


def of_runs(table: Table) -> bool:
    """Whether each row of a table is one run's."""
    return table is runs or "run" in table.c


def rows_of_runs() -> list[Rows]:
    """Give the tables of which each row is one run's, that of the runs first."""
    return [Rows(table) for table in sorted(metadata.tables.values(), key=_order) if of_runs(table)]


def rows_of_service() -> list[Rows]:
    """Give the other tables, without what is said of processes."""
    tables = [table for table in metadata.tables.values() if not of_runs(table) and table.name not in OF_PROCESSES]
    return [Rows(table) for table in sorted(tables, key=_order)]


def _order(table: Table) -> tuple[bool, str]:
    return table is not runs, table.name


class _Summing:
    """Sums rows up while they pass: each row's own hash, added without regard to their order."""

    def __init__(self) -> None:
        self.size = 0
        self._rows = 0
        self._checksum = 0

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            packed = _pack(tuple(row))
            self.size += len(packed)
            self._rows += 1
            self._checksum += int.from_bytes(blake2b(packed, digest_size=16).digest(), "big")
            yield row

    @property
    def digest(self) -> Digest:
        return Digest(self._rows, self._checksum % (1 << 128))
