"""Connections: snapshots, durability, and what cannot be opened."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, inspect, select, text

from ergoscope_server.store import people_tables, tables
from ergoscope_server.store.database import Database
from ergoscope_server.store.errors import StoreError, UnavailableError
from ergoscope_server.store.migrate import BARE, migrate
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from ergoscope_server.store.summary import read_unjudged
from tests.backend.store.batches import arrival, batch, line
from tests.backend.store.test_tables import OF_NO_RUN


def test_a_reader_sees_one_moment(store: Store) -> None:
    count = select(func.count()).select_from(tables.arrival)
    with store.database.read() as connection:
        before = connection.execute(count).scalar()
        store.accept([arrival(batch(0, {"x": line(0, 1)}))])
        during = connection.execute(count).scalar()
    with store.database.read() as connection:
        after = connection.execute(count).scalar()

    assert (before, during, after) == (0, 0, 1)


def test_sqlite_flushes_before_it_acknowledges(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as connection:
        full = connection.execute(text("PRAGMA synchronous")).scalar()
        mode = connection.execute(text("PRAGMA journal_mode")).scalar()
    database.close()

    assert (full, mode) == (2, "wal")


def test_migrations_make_the_tables_that_the_code_knows_and_take_them_away_again(url: str) -> None:
    database = Database(url)

    for _ in range(2):
        migrate(database)
        with database.read() as connection:
            found = inspect(connection)
            made = {name: {c["name"] for c in found.get_columns(name)} for name in found.get_table_names()}
            keys = {name: found.get_pk_constraint(name)["constrained_columns"] for name in tables.metadata.tables}
        assert made.pop("alembic_version")
        assert made == {name: {c.name for c in table.columns} for name, table in tables.metadata.tables.items()}
        assert all(key[0] == "run" for name, key in keys.items() if name != "run" and name not in OF_NO_RUN)
        migrate(database, to=BARE)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    database.close()


def test_what_is_known_of_ranks_follows_from_a_database_of_before_and_going_back_keeps_the_rest(url: str) -> None:
    database = Database(url)
    migrate(database, to="0001")
    with database.write() as connection:
        for statement in _BEFORE:
            connection.execute(text(statement), {"empty": b""})

    migrate(database)
    with database.read() as connection:
        feeds = connection.execute(text("SELECT attempt, rank, last_seen, gap FROM feed ORDER BY attempt, rank")).all()
        ranks = connection.execute(text("SELECT id, ranks FROM run ORDER BY id")).all()
    migrate(database, to="0001")
    with database.read() as connection:
        columns = {table: [c["name"] for c in inspect(connection).get_columns(table)] for table in ("feed", "run")}
        kept = connection.execute(text("SELECT rank, last_step, how FROM feed WHERE attempt = 2 ORDER BY rank")).all()
        seen = connection.execute(text("SELECT last_seen, gap FROM run WHERE id = 'r'")).one()
    migrate(database)
    database.close()

    assert [tuple(row) for row in feeds] == [(1, 0, 50.0, 2.0), (2, 0, 49.0, 2.0), (2, 1, 50.0, 2.0)]
    assert [tuple(row) for row in ranks] == [("bare", 1), ("r", 2)]
    assert "last_seen" not in columns["feed"] and "gap" not in columns["feed"] and "ranks" not in columns["run"]
    assert [tuple(row) for row in kept] == [(0, 7, ""), (1, 5, "finished")]
    assert tuple(seen) == (50.0, 2.0)


_RUN = "INSERT INTO run VALUES ('{}', 'p', 'n', 1.0, :empty, :empty, :empty, 3, 2, 2, 'running', '', 50.0, 2.0, 7, 0)"
_FEED = "INSERT INTO feed VALUES ('r', {}, {}, :empty, :empty, {}, 0, '{}', '')"
_ARRIVAL = "INSERT INTO arrival VALUES ('r', {}, 2, 0, {}, {}, :empty)"
_BEFORE = (  # two ranks, of which the log still holds one, and a run of which no sender is known
    _RUN.format("r"),
    _RUN.format("bare"),
    _FEED.format(1, 0, 3, "crashed"),
    _FEED.format(2, 0, 7, ""),
    _FEED.format(2, 1, 5, "finished"),
    _ARRIVAL.format(2, 0, 41.0),
    _ARRIVAL.format(3, 1, 49.0),
)


def test_verdicts_of_before_are_made_anew_and_going_back_keeps_them(url: str) -> None:
    database = Database(url)
    migrate(database, to="0003")
    with database.write() as connection:
        connection.execute(text(_RUN.format("r")[:-1] + ", 1)"), {"empty": b""})
        connection.execute(text("UPDATE run SET status = 'finished'"))
        connection.execute(text("INSERT INTO verdict VALUES ('r', :data, :data)"), {"data": b"d"})

    migrate(database)
    with database.read() as connection:
        judged = connection.execute(text("SELECT data, memory, version, upto FROM verdict")).one()
        unjudged = read_unjudged(connection)
    migrate(database, to="0003")
    with database.read() as connection:
        kept = connection.execute(text("SELECT * FROM verdict")).one()
        tables_there = inspect(connection).get_table_names()
    migrate(database)
    database.close()

    assert tuple(judged) == (b"d", b"d", 0, 0)
    assert unjudged == ["r"]
    assert tuple(kept) == ("r", b"d", b"d")
    assert "duty" not in tables_there


def test_runs_of_before_are_listed_and_whole_and_going_back_keeps_them(url: str) -> None:
    database = Database(url)
    migrate(database, to="0004")
    with database.write() as connection:
        connection.execute(text(_RUN.format("r")[:-1] + ", 1, 0)"), {"empty": b""})
        connection.execute(text(_STREAM), {"newest": bytes(8), "empty": b""})

    migrate(database)
    with database.write() as connection:
        set_aside = connection.execute(text("SELECT archived FROM run")).scalar_one()
        thinned = connection.execute(text("SELECT thinned, thinned_to FROM stream")).one()
        for statement in ("INSERT INTO deletion VALUES ('gone', 1.0, 1)", "INSERT INTO retention VALUES ('p', 30, 0)"):
            connection.execute(text(statement))
    migrate(database, to="0004")
    with database.read() as connection:
        kept = connection.execute(text("SELECT run.id, stream.points FROM run, stream")).one()
        left = inspect(connection).get_table_names()
    migrate(database)
    database.close()

    assert (set_aside, tuple(thinned)) == (0.0, (0, 0))
    assert tuple(kept) == ("r", 5000)
    assert not {"deletion", "retention"} & set(left)


_STREAM = "INSERT INTO stream VALUES ('r', 1, 'x', 2, 0, 0, 5000, 0, 4999, 3, :newest, :empty)"


def test_a_database_of_before_lets_people_in_and_going_back_keeps_the_runs(url: str) -> None:
    database = Database(url)
    migrate(database, to="0005")
    with database.write() as connection:
        connection.execute(text("INSERT INTO duty VALUES ('serve', 1.0, 2.0)"))
    before = _tables(database)

    migrate(database)
    made = _tables(database) - before
    people = People(database)
    people.add_token("a", b"\x00d", name="", scopes="read", project=None)
    people.add_account("ada", "h", admin=True)
    people.set_role("ada", "p", "member")
    people.note("ada", "something")
    migrate(database, to="0005")
    with database.read() as connection:
        kept = connection.execute(text("SELECT * FROM duty")).one()
    after = _tables(database)
    migrate(database)
    again = People(database)

    assert made == {table.name for table in people_tables.TABLES}
    assert after == before
    assert tuple(kept) == ("serve", 1.0, 2.0)
    assert (again.tokens(), again.accounts(), again.changes()) == ([], [], [])
    database.close()


def _tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(inspect(connection).get_table_names())


@pytest.mark.postgres
def test_processes_that_start_at_once_bring_the_schema_up_to_date_one_after_the_other(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    start = "import sys; from ergoscope_server.store.store import Store; Store(sys.argv[1]).close()"

    started = [
        subprocess.Popen([sys.executable, "-c", start, postgres_url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == 3 * [("", 0)]


def test_no_table_of_the_code_is_missing_from_the_migrations(store: Store) -> None:
    engine = create_engine(store.database.url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    engine.dispose()

    assert differences == []


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:secret@host/x"])
def test_another_database_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(StoreError, match="allowed: sqlite:///PATH or postgresql://HOST/NAME") as caught:
        Database(url)

    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_said_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ergoscope_server.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreError, match=r"needs psycopg.*pip install 'ergoscope\[postgres\]'"):
        Database("postgresql://127.0.0.1/x")


def test_a_database_that_is_gone_is_unavailable_and_not_a_crash() -> None:
    with pytest.raises(UnavailableError, match="the database cannot be opened now: connection failed"):
        Store("postgresql://postgres@127.0.0.1:9/none")


def test_a_locked_file_is_unavailable_for_writing_while_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ergoscope_server.store.database.BUSY_TIMEOUT_S", 0.05)
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(UnavailableError, match="the database cannot write now: database is locked"):
        store.accept([arrival(batch(0, {}))])

    assert store.summaries() == []
    other.close()
    assert store.accept([arrival(batch(0, {}))])[0].number == 1
    store.close()


@pytest.mark.postgres
def test_a_database_that_only_reads_for_now_cannot_write_now(postgres_url: str) -> None:
    Store(postgres_url).close()
    store = Store(f"{postgres_url}?options=-c%20default_transaction_read_only%3Don")

    with pytest.raises(UnavailableError, match=r"cannot write now: .*read-only transaction"):
        store.report("serve")

    store.close()
