"""Rows are read one by one, written in pieces, and summed up without regard to their order."""

import pytest

from ergoscope_server.store.rows import OF_PROCESSES, Digest, Rows, rows_of_runs, rows_of_service
from ergoscope_server.store.store import Store
from ergoscope_server.store.tables import event, metadata
from tests.backend.store.filling import fill


def test_every_table_is_of_runs_or_of_the_service_or_of_its_processes() -> None:
    known = [rows.name for rows in (*rows_of_runs(), *rows_of_service())]

    assert sorted([*known, *OF_PROCESSES]) == sorted(metadata.tables)
    assert known[0] == "run"


def test_what_is_read_is_one_runs(store: Store) -> None:
    fill(store.database, "a", "b")

    with store.database.read() as connection:
        found = list(Rows(event).read(connection, "a"))

    assert sorted(found) == [("a", i, i, i, i, bytes([i, 0, 255]) * (i + 1)) for i in range(3)]


def test_the_same_rows_have_the_same_digest_in_any_order(store: Store) -> None:
    rows = [("a", i, 0, 1, 0, b"x") for i in range(20)]
    table = Rows(event)
    with store.database.write() as connection:
        forwards = table.replace(connection, "a", rows, wrote=lambda _: None)
    with store.database.write() as connection:
        backwards = table.replace(connection, "a", rows[::-1], wrote=lambda _: None)
        other = table.replace(connection, "a", [*rows[:-1], ("a", 19, 0, 1, 0, b"y")], wrote=lambda _: None)
        read = table.digest(connection, "a")

    assert forwards == backwards == Digest(20, forwards.checksum)
    assert other == read != forwards
    assert str(Digest(2, 255)) == "2 rows, checksum 000000000000000000000000000000ff"


def test_rows_are_written_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope_server.store.rows.PIECE_ROWS", 4)
    monkeypatch.setattr("ergoscope_server.store.rows.PIECE_BYTES", 1_000)
    heard: list[int] = []
    rows = [("a", i, 0, 1, 0, b"x" * (2_000 if i < 2 else 10)) for i in range(11)]

    with store.database.write() as connection:
        Rows(event).replace(connection, "a", rows, wrote=heard.append)
        found = Rows(event).digest(connection, "a")

    assert found.rows == 11
    assert len(heard) == 5  # two large ones alone, twice four, one
    assert min(heard[:2]) > 2_000 > max(heard[2:])
