"""How the database stands, asked without changing it."""

from pathlib import Path

import pytest

from ergoscope_server.store.database import Database
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.migrate import BARE, migrate, newest, revision_of
from ergoscope_server.store.standing import read_standing
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line


def test_it_says_what_waits_who_works_and_what_it_is(url: str) -> None:
    store = Store(url, clock=lambda: 50.0)
    store.accept([arrival(batch(0, {"x": line(0, 10)}), received=40.0)])
    store.report("work")

    standing = read_standing(store.database)

    assert standing.current
    assert standing.revision == newest()
    assert standing.seen == {"work": 50.0}
    assert (standing.backlog.runs, standing.backlog.batches, standing.backlog.oldest) == (1, 1, 40.0)
    assert standing.kind in ("SQLite", "PostgreSQL")
    assert standing.version[0].isdigit()
    assert " MiB" in standing.details["size"]
    if store.database.sqlite:
        assert standing.details["journal_mode"] == "wal"
        assert standing.details["auto_vacuum"] in ("none", "full", "incremental")
    else:
        assert int(standing.details["max_connections"]) > 0
    store.close()


@pytest.mark.parametrize("revision", [BARE, "0001"])
def test_an_older_schema_is_told_and_stays(url: str, revision: str) -> None:
    database = Database(url)
    migrate(database)
    migrate(database, to=revision)

    standing = read_standing(database)

    assert (standing.revision, standing.current, standing.seen) == (revision, False, {})
    assert revision_of(database) == revision
    database.close()


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    database = Database("postgresql://postgres@127.0.0.1:9/x")

    with pytest.raises(UnavailableError, match="the database cannot answer now: connection failed"):
        read_standing(database)

    assert database.exists
    assert database.folder is None


def test_of_a_file_it_is_known_where_it_lies_and_whether_it_is_there(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")

    assert (database.folder, database.exists) == (tmp_path, False)
    migrate(database)
    assert database.exists
    database.close()
