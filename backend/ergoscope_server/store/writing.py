"""Writing many rows at once: insert, or insert and update what is there.

SQLAlchemy compiles the statement; the rows go to the driver as tuples, which costs a fifth of passing them as
dictionaries of bound parameters. Values are numbers, text and bytes, which both drivers take as they are. Plain
inserts into PostgreSQL go by COPY, three times as fast as one statement a row.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from typing import Protocol, TypeAlias, cast

from sqlalchemy import BigInteger, Connection, Double, Insert, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

Row: TypeAlias = tuple[int | float | str | bytes | None, ...]  # in the order of the table's columns

FEW = 5  # rows; up to here a COPY takes longer than it saves
_POSTGRES = postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # the library has no types here
_SQLITE = sqlite.dialect(paramstyle="qmark")
_COPY_TYPES: dict[type, str] = {
    BigInteger: "int8",
    Double: "float8",
    Integer: "int4",
    LargeBinary: "bytea",
    SmallInteger: "int2",
    Text: "text",
}


class _Copy(Protocol):
    def set_types(self, types: Sequence[str]) -> None: ...
    def write_row(self, row: Sequence[object]) -> None: ...


class _CopyCursor(Protocol):
    def copy(self, statement: str) -> AbstractContextManager[_Copy]: ...
    def close(self) -> None: ...


class Writer:
    """Writes rows of one table; each row is a tuple in the order of its columns.

    Where the primary key is there already, `update` writes all other columns and `keep` leaves the row alone; else
    it is an error.
    """

    def __init__(self, table: Table, *, update: bool = False, keep: bool = False) -> None:
        self._plain = not (update or keep)
        self._copy = f"COPY {table.name} ({', '.join(c.name for c in table.columns)}) FROM STDIN (FORMAT BINARY)"
        self._types = [_COPY_TYPES[type(column.type)] for column in table.columns]
        self._statements = {
            "sqlite": str(_for_sqlite(table, update=update, keep=keep).compile(dialect=_SQLITE)),
            "postgresql": str(_for_postgres(table, update=update, keep=keep).compile(dialect=_POSTGRES)),
        }

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write the rows."""
        if not rows:
            return
        if self._plain and len(rows) > FEW and connection.dialect.name == "postgresql":
            self._copy_in(connection, rows)
        else:
            connection.exec_driver_sql(self._statements[connection.dialect.name], list(rows))

    def _copy_in(self, connection: Connection, rows: Sequence[Row]) -> None:
        driver = connection.dialect.loaded_dbapi
        try:
            with (
                closing(cast("_CopyCursor", connection.connection.cursor())) as cursor,
                cursor.copy(self._copy) as copy,
            ):
                copy.set_types(self._types)
                for row in rows:
                    copy.write_row(row)
        except driver.Error as error:  # SQLAlchemy did not see it: told as it tells those of its own statements
            raise DBAPIError.instance(
                self._copy, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
            ) from error


def _parts(table: Table) -> tuple[list[str], list[str]]:
    keys = [column.name for column in table.primary_key]
    return keys, [column.name for column in table.columns if column.name not in keys]


def _for_sqlite(table: Table, *, update: bool, keep: bool) -> Insert:
    keys, others = _parts(table)
    insert = sqlite.insert(table)
    if update:
        return insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in others})
    return insert.on_conflict_do_nothing(index_elements=keys) if keep else insert


def _for_postgres(table: Table, *, update: bool, keep: bool) -> Insert:
    keys, others = _parts(table)
    insert = postgresql.insert(table)
    if update:
        return insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in others})
    return insert.on_conflict_do_nothing(index_elements=keys) if keep else insert
