"""Rows in every table, whatever tables there are."""

from sqlalchemy import Column, Double, LargeBinary, Table, Text

from ergoscope_server.store.database import Database
from ergoscope_server.store.migrate import migrate
from ergoscope_server.store.rows import OF_PROCESSES, Rows, of_runs
from ergoscope_server.store.schema import metadata
from ergoscope_server.store.seen import Seen
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.writing import Row, Writer


def made(url: str) -> Database:
    """Open a database with empty tables."""
    database = Database(url)
    migrate(database)
    return database


def fill(database: Database, *names: str, rows: int = 3) -> None:
    """Write rows of some runs, and rows that belong to none."""
    with database.write() as connection:
        for table in metadata.tables.values():
            if table.name in OF_PROCESSES:
                continue
            if not of_runs(table):
                Writer(table)(connection, [_row(table, "", i) for i in range(rows)])
            for name in names if of_runs(table) else ():
                only_one = [column.name for column in table.primary_key] in (["id"], ["run"])
                Writer(table)(connection, [_row(table, name, i) for i in range(1 if only_one else rows)])


def _row(table: Table, run: str, number: int) -> Row:
    return tuple(_value(table, column, run, number) for column in table.columns)


def _value(table: Table, column: "Column[object]", run: str, number: int) -> str | int | float | bytes:
    if column.name == "run" or (table is runs and column.name == "id"):
        return run
    if column.name == "seen" and isinstance(column.type, LargeBinary):
        return Seen().pack()
    if isinstance(column.type, Text):
        return f"{table.name} {column.name} {number} ü {run}"
    if isinstance(column.type, LargeBinary):
        return bytes([number, 0, 255]) * (number + 1)
    return number + 0.1 if isinstance(column.type, Double) else number


def digests(database: Database, *names: str) -> dict[tuple[str, str], str]:
    """Give what each table holds of some runs, and what belongs to none; nothing of empty ones."""
    found = {}
    with database.read() as connection:
        for table in metadata.tables.values():
            for name in names if of_runs(table) else ("",):
                digest = Rows(table).digest(connection, name)
                if digest.rows and table.name not in OF_PROCESSES:
                    found[table.name, name] = str(digest)
    return found
