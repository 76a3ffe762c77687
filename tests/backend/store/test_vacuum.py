"""Space that is given back."""

import sqlite3
from pathlib import Path

import pytest

from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line


def test_the_space_of_a_deleted_run_is_given_back(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    store.accept([arrival(batch(0, {f"x{i}": line(0, 20_000) for i in range(5)}))])
    store.fold("r")
    store.upkeep.remove("r")
    store.upkeep.clear("r", within_s=60)

    given = store.upkeep.vacuum()

    assert given is not None
    assert given.before > 800_000
    assert given.after < 300_000
    assert (tmp_path / "a.db").stat().st_size == given.after
    assert store.accept([arrival(batch(0, {}, run="next"))])[0].number == 1
    store.close()


def test_while_another_writes_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope_server.store.database.BUSY_TIMEOUT_S", 0.05)
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(UnavailableError, match="cannot be rewritten now: database is locked; see that"):
        store.upkeep.vacuum()

    other.close()
    store.close()


@pytest.mark.postgres
def test_postgresql_needs_none(postgres_url: str) -> None:
    store = Store(postgres_url)

    assert store.upkeep.vacuum() is None

    store.close()
