"""What is moved is what was there, whole runs at a time, and never in the place of what only the target has."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from sqlalchemy import text

from ergoscope_server.store.database import Database
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.rows import OF_PROCESSES
from ergoscope_server.store.schema import metadata
from ergoscope_server.store.store import Store
from ergoscope_server.store.transfer import Moved, Transfer, TransferError
from tests.backend.postgres import new_database
from tests.backend.store.batches import arrival, batch, line
from tests.backend.store.filling import digests, fill, made

NOW = 1_790_000_000.0
WAYS = [("sqlite", "postgres"), ("postgres", "sqlite"), ("sqlite", "sqlite"), ("postgres", "postgres")]
NEEDS_POSTGRES = [pytest.param(way, marks=pytest.mark.postgres) if "postgres" in way else way for way in WAYS]


@pytest.fixture(params=NEEDS_POSTGRES, ids=lambda way: " to ".join(way))
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Source and target, empty."""
    source, target = request.param
    here, there = f"sqlite:///{tmp_path / 'source.db'}", f"sqlite:///{tmp_path / 'target.db'}"
    if "postgres" not in request.param:
        yield here, there
        return
    own = str(request.getfixturevalue("postgres_url"))
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    if source == target:
        with new_database() as other:
            yield own, other
        return
    yield (own, there) if source == "postgres" else (here, own)


@pytest.fixture
def local(tmp_path: Path) -> tuple[str, str]:
    return f"sqlite:///{tmp_path / 'source.db'}", f"sqlite:///{tmp_path / 'target.db'}"


def moving(urls: tuple[str, str], *, now: float = NOW) -> Transfer:
    return Transfer(*urls, clock=lambda: now)


def move_all(urls: tuple[str, str]) -> list[Moved]:
    transfer = moving(urls)
    moved = [*(transfer.move(run) for run in transfer.runs()), transfer.move_service()]
    transfer.close()
    return moved


def test_every_table_arrives_as_it_was(urls: tuple[str, str]) -> None:
    source = made(urls[0])
    fill(source, "a", "b")

    first, second = move_all(urls), move_all(urls)

    target = Database(urls[1])
    assert [moved.how for moved in first] == 3 * ["copied"]
    assert [moved.how for moved in second] == 3 * ["same"]
    sent, found = digests(source, "a", "b"), digests(target, "a", "b")
    assert found == sent
    assert {name for name, _ in sent} == set(metadata.tables) - OF_PROCESSES
    source.close()
    target.close()


def test_a_store_goes_on_in_the_target(urls: tuple[str, str]) -> None:
    source = Store(urls[0], clock=lambda: NOW)
    for seq in range(40):
        source.accept([arrival(batch(seq, {"x": line(100 * seq, 100), "y": line(100 * seq, 100)}))])
    source.fold("r")
    source.accept([arrival(batch(40, {"x": line(4_000, 100)}))])

    moved = move_all(urls)

    target = Store(urls[1], clock=lambda: NOW)
    assert moved[0] == Moved("r", "copied", cursor=41, live=True, rows=moved[0].rows)
    for metric, points in (("x", 4_100), ("y", 4_000)):
        assert [part.tolist() for part in target.tail("r", metric, 10_000)] == 2 * [list(range(points))]
    target.accept([arrival(batch(40, {"x": line(4_000, 100)})), arrival(batch(41, {"x": line(4_100, 50)}))])
    target.fold("r")
    steps, values = target.tail("r", "x", 10_000)
    assert steps.tolist() == values.tolist() == list(range(4_150))
    source.close()
    target.close()


def test_a_run_that_grows_meanwhile_is_copied_to_a_point_and_then_further(urls: tuple[str, str]) -> None:
    source = Store(urls[0], clock=lambda: NOW)
    source.accept([arrival(batch(0, {"x": line(0, 10)}))])
    enough, grown = Event(), Event()

    def grow() -> None:
        seq = 1
        while not enough.is_set() or seq < 50:
            source.accept([arrival(batch(seq, {"x": line(10 * seq, 10)}))])
            if seq % 10 == 0:
                source.fold("r")
            seq += 1
            if seq == 20:
                grown.set()

    growing = Thread(target=grow)
    growing.start()
    assert grown.wait(20)
    first, second = move_all(urls)[0], move_all(urls)[0]
    enough.set()
    growing.join(20)
    target = Store(urls[1], clock=lambda: NOW)
    assert target.tail("r", "x", 10_000)[0].tolist() == list(range(10 * second.cursor))
    target.close()
    last = move_all(urls)[0]

    assert 20 <= first.cursor <= second.cursor <= last.cursor == source.cursor("r")
    assert first.live
    target = Store(urls[1], clock=lambda: NOW)
    assert target.tail("r", "x", 10_000)[0].tolist() == list(range(10 * last.cursor))
    target.close()
    source.close()


def test_a_target_may_hold_other_runs_and_keeps_its_own_people_then(local: tuple[str, str]) -> None:
    source, target = made(local[0]), made(local[1])
    fill(source, "a")
    fill(target, "b", rows=2)
    kept = digests(target, "b")

    moved = move_all(local)

    assert [one.how for one in moved] == ["copied", "kept"]
    assert moved[-1].reason == "the target holds 1 runs that the source has not, and keeps its own"
    assert digests(target, "a", "b") == kept | {key: value for key, value in digests(source, "a").items() if key[1]}
    source.close()
    target.close()


def test_people_of_a_target_stay_where_the_source_has_none(local: tuple[str, str]) -> None:
    source, target = made(local[0]), made(local[1])
    fill(target)
    kept = digests(target)

    assert [one.how for one in move_all(local)] == ["same"]
    assert digests(target) == kept
    source.close()
    target.close()


def _grown_apart(urls: tuple[str, str]) -> tuple[Store, Store]:
    source = Store(urls[0], clock=lambda: NOW)
    source.accept([arrival(batch(0, {"x": line(0, 10)}))])
    move_all(urls)
    return source, Store(urls[1], clock=lambda: NOW)


def test_a_run_of_which_the_target_has_more_is_left_alone(urls: tuple[str, str]) -> None:
    source, target = _grown_apart(urls)
    source.accept([arrival(batch(1, {"x": line(10, 10)}))])
    target.accept([arrival(batch(2, {"x": line(20, 10)}))])

    (moved, _) = move_all(urls)

    assert (moved.how, moved.rows) == ("kept", 0)
    assert moved.reason == "the target has batches of attempt 1790000000000, rank 0, that the source has not"
    assert target.tail("r", "x", 100)[0].tolist() == [*range(10), *range(20, 30)]
    source.close()
    target.close()


def _delete(store: Store) -> None:
    """Leave of run r what a deletion leaves."""
    with store.database.write() as connection:
        for table in ("run", "feed", "arrival"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("INSERT INTO deletion VALUES ('r', 1.0, 1)"))


def test_a_run_that_was_deleted_in_the_source_goes_from_the_target_too(local: tuple[str, str]) -> None:
    source, target = _grown_apart(local)
    _delete(source)

    moved = move_all(local)

    assert moved[0] == Moved("r", "copied", rows=1)
    assert [name for name, _ in digests(target.database, "r")] == ["deletion"]
    source.close()
    target.close()


def test_a_run_that_was_deleted_in_the_target_does_not_come_back(local: tuple[str, str]) -> None:
    source, target = _grown_apart(local)
    _delete(target)

    moved = move_all(local)

    assert moved[0] == Moved("r", "kept", reason="it was deleted in the target")
    assert [name for name, _ in digests(target.database, "r")] == ["deletion"]
    source.close()
    target.close()


def test_what_does_not_arrive_as_it_was_is_told_with_table_counts_and_checksums(local: tuple[str, str]) -> None:
    source, target = made(local[0]), made(local[1])
    fill(source, "a")
    with target.write() as connection:
        connection.execute(
            text("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event WHERE position = 1; END")
        )
    transfer = moving(local)

    with pytest.raises(
        TransferError,
        match=r"run 'a' is not the same in table 'event': 3 rows, checksum [0-9a-f]{32} in the source, 2 rows, "
        r"checksum [0-9a-f]{32} in the target; see that nothing else writes to the target, and run the same command",
    ):
        transfer.move("a")

    transfer.close()
    source.close()
    target.close()


def test_a_target_that_takes_nothing_keeps_what_it_had(local: tuple[str, str]) -> None:
    source, target = made(local[0]), made(local[1])
    fill(source, "a")
    with target.write() as connection:
        refusal = "CREATE TRIGGER t BEFORE INSERT ON verdict BEGIN SELECT RAISE(ABORT, 'no room'); END"
        connection.execute(text(refusal))
    transfer = moving(local)

    with pytest.raises(
        UnavailableError, match=r"run 'a' was not copied: no room; what was copied before stays, so run"
    ):
        transfer.move("a")

    assert digests(target, "a") == {}
    transfer.close()
    source.close()
    target.close()
