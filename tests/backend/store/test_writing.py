"""Many rows at once: what the driver says in the middle of them is told as everything else that it says."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.store import Store
from ergoscope_server.store.tables import event
from ergoscope_server.store.writing import FEW, Row, Writer
from tests.backend.store.batches import arrival, batch, line

ROWS: list[Row] = [("a", number, 0, 1, 0, b"x") for number in range(FEW + 1)]
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"


def test_a_row_that_is_there_already_is_one_error_however_many_are_written(store: Store) -> None:
    for rows in (ROWS, ROWS[:1]):
        with pytest.raises(IntegrityError, match=r"(?i)unique"), store.database.write() as connection:
            Writer(event)(connection, rows)
            Writer(event)(connection, rows)


@pytest.mark.postgres
def test_many_rows_that_cannot_be_written_for_now_are_unavailable(postgres_url: str) -> None:
    Store(postgres_url).close()
    store = Store(f"{postgres_url}?options=-c%20default_transaction_read_only%3Don")

    with (
        pytest.raises(UnavailableError, match=r"cannot write now: .*COPY.* in a read-only transaction"),
        store._write() as c,
    ):
        Writer(event)(c, ROWS)

    store.close()


class Ending(list[Row]):
    """Rows during which every connection to the database ends."""

    def __init__(self, url: str) -> None:
        super().__init__(ROWS)
        self._url = url

    def __iter__(self) -> Iterator[Row]:
        yield from ROWS[:2]
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(END_ALL, [connection.info.backend_pid])
        yield from ROWS[2:]


@pytest.mark.postgres
def test_a_connection_that_ends_between_rows_is_unavailable_and_the_next_call_works(postgres_url: str) -> None:
    store = Store(postgres_url)

    with pytest.raises(UnavailableError, match=r"cannot write now: .*connection"), store._write() as connection:
        Writer(event)(connection, Ending(postgres_url))
    outcomes = store.accept([arrival(batch(seq, {"x": line(seq, 1)}, run="cut")) for seq in range(FEW + 5)])
    store.close()

    assert [outcome.number for outcome in outcomes] == list(range(1, FEW + 6))
