"""Every revision of the schema that was ever released leads to the newest one and back, with all that was in it.

New revisions are found by themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Double, LargeBinary, MetaData, Table, Text, create_engine, insert, select

from ergoscope_server.store import migrations, tables
from ergoscope_server.store.database import Database
from ergoscope_server.store.migrate import BARE, HEAD, migrate, newest
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line

REVISIONS = sorted(path.name[:4] for path in (Path(str(migrations.__file__)).parent / "versions").glob("[0-9]*.py"))
Contents = dict[str, list[dict[str, object]]]  # the rows of each table, in the order of the first column


@contextmanager
def _plain(url: str) -> Iterator[Connection]:
    """A connection that knows nothing of ours, since what is there is to be found out."""
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _move(url: str, to: str) -> None:
    database = Database(url)
    migrate(database, to=to)
    database.close()


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _fill(url: str) -> None:
    with _plain(url) as connection:
        for table in _tables(connection):
            rows = [{column.name: _value(column, number) for column in table.columns} for number in range(3)]
            connection.execute(insert(table), rows)


def _value(column: "Column[object]", number: int) -> str | bytes | float | int:
    if isinstance(column.type, Text):
        return f"{column.name} {number} ü"
    if isinstance(column.type, LargeBinary):
        return bytes([number, 0, 255])
    return number + 0.1 if isinstance(column.type, Double) else number


def _contents(url: str) -> Contents:
    with _plain(url) as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(select(table).order_by(next(iter(table.columns)))).mappings()
            ]
            for table in _tables(connection)
        }


def _of(before: Contents, above: Contents) -> Contents:
    """What is above, as far as there were tables and columns for it before."""
    return {name: [{key: row[key] for key in rows[0]} for row in above[name]] for name, rows in before.items()}


def _differences(url: str) -> list[object]:
    with _plain(url) as connection:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))


def test_the_revisions_are_numbered_without_a_gap() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert REVISIONS[-1] == newest()


@pytest.mark.parametrize("released", REVISIONS)
def test_what_lies_in_a_released_schema_is_there_after_the_way_up_and_the_way_down(url: str, released: str) -> None:
    _move(url, released)
    _fill(url)
    before = _contents(url)

    _move(url, HEAD)
    differences, above = _differences(url), _contents(url)
    _move(url, released)
    after = _contents(url)
    _move(url, BARE)
    bare = _contents(url)

    assert {len(rows) for rows in before.values()} == {3}
    assert differences == []
    assert _of(before, above) == before
    assert after == before
    assert bare == {}


def test_one_revision_after_the_other_is_the_same_as_all_at_once(url: str) -> None:
    for revision in REVISIONS:
        _move(url, revision)

    assert _differences(url) == []


def test_a_run_goes_on_after_the_way_back_to_the_oldest_schema(url: str) -> None:
    store = Store(url)
    store.accept([arrival(batch(seq, {"x": line(10 * seq, 10)})) for seq in range(150)])
    store.fold("r")
    store.accept([arrival(batch(150, {"x": line(1500, 10)}))])
    store.close()

    _move(url, REVISIONS[0])
    again = Store(url)
    outcomes = again.accept([arrival(batch(seq, {"x": line(10 * seq, 10)})) for seq in (150, 151)])
    steps = [again.tail("r", "x", 10_000)[0].tolist()]
    again.fold("r")
    steps.append(again.tail("r", "x", 10_000)[0].tolist())
    again.close()

    assert again.brought == (REVISIONS[0], newest())
    assert [outcome.number for outcome in outcomes] == [None, 152]
    assert steps == 2 * [list(range(1520))]
