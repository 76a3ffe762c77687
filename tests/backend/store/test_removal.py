"""A delete that really deletes, and what comes late of a deleted run."""

import time
from collections.abc import Iterator
from dataclasses import replace as changed
from itertools import count
from threading import Event as Flag
from threading import Thread

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from ergoscope_contract.answers import Alert, Verdict
from ergoscope_contract.records import Attempt, Event, Histogram, Run
from ergoscope_contract.slices import SliceRequest
from ergoscope_server.store import fold, removal
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.people_tables import share
from ergoscope_server.store.store import Store
from ergoscope_server.store.tables import deletion, metadata
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.watching import Judged
from tests.backend.store.batches import ATTEMPT, arrival, batch, line

OWNED = {table.name: table for table in metadata.sorted_tables if "run" in table.c and table is not deletion}


def _rows(store: Store, run: str) -> dict[str, int]:
    """How many rows each table has of a run."""
    with store.database.read() as connection:
        of_run = {name: table.c.run for name, table in OWNED.items()} | {"run": runs.c.id}
        return {
            name: connection.execute(select(func.count()).where(column == run)).scalar_one()
            for name, column in of_run.items()
        }


def _fill(store: Store, run: str) -> None:
    """Give a run something in every table."""
    about = Run(run, "p", run, 1.0)
    begun = Attempt(ATTEMPT, 1.0)
    more = replace(
        batch(0, {"x": line(0, 3_000), "y": line(0, 3)}, run=run, about=about, begun=begun),
        histograms=[Histogram("h", step, 0, [1], [1]) for step in range(20)],
        events=[Event("note", 1.0, step) for step in range(20)],
    )
    store.accept([arrival(more)])
    store.fold(run)
    store.ask_slice(run, SliceRequest("s1"))
    firing = Alert("a", "nonfinite", run, "crit", "firing", "t", 0, 0, 1.0)
    assert store.save_verdict(Judged(Verdict(run, 1)), [Event("rank", 1.0)], [firing])
    store.accept([arrival(batch(1, {"x": line(3_000, 5)}, run=run))])
    with store.database.write() as connection:
        link = share.insert().values(id=run, digest=b"d", run=run, who="w", created=1.0, expires=2.0)
        connection.execute(link)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(removal, "PIECE", 2)
    monkeypatch.setattr("ergoscope_server.store.upkeep.REST_S", 0.0)
    return


@pytest.mark.usefixtures("pieces")
def test_no_row_of_a_deleted_run_is_left_in_any_table_and_every_row_of_others(store: Store) -> None:
    _fill(store, "r")
    _fill(store, "r-2")
    kept = _rows(store, "r-2")
    assert 0 not in _rows(store, "r").values(), "the test must look at every table"

    store.upkeep.remove("r")
    done = store.upkeep.clear("r", within_s=60)

    assert done
    assert set(_rows(store, "r").values()) == {0}
    assert _rows(store, "r-2") == kept
    assert store.upkeep.uncleared() == []


def test_from_the_first_moment_nobody_sees_it_though_its_rows_go_piece_by_piece(store: Store) -> None:
    _fill(store, "r")

    store.upkeep.remove("r")

    assert (store.summary("r"), store.summaries(), store.live_runs(), store.unfolded()) == (None, [], [], [])
    assert (store.verdict("r"), store.alerts(), store.untidy(), store.ranks("r")) == (None, [], [], [])
    with pytest.raises(UnknownRunError):
        store.cursor("r")
    assert store.upkeep.uncleared() == ["r"]
    assert _rows(store, "r")["chunk"] > 0


@pytest.mark.usefixtures("pieces")
def test_between_two_pieces_others_write(store: Store) -> None:
    _fill(store, "r")
    store.upkeep.remove("r")

    done = store.upkeep.clear("r", within_s=0)
    taken = store.accept([arrival(batch(0, {"x": line(0, 1)}, run="other"))])

    assert not done
    assert taken[0].number == 1
    assert store.upkeep.clear("r", within_s=60)
    assert set(_rows(store, "r").values()) == {0}


def test_a_late_batch_of_it_is_told_so_and_those_beside_it_are_taken(store: Store) -> None:
    _fill(store, "r")
    store.upkeep.remove("r")
    late, other = arrival(batch(2, {"x": line(0, 1)})), arrival(batch(0, {"x": line(0, 1)}, run="other"))

    outcomes = store.accept([late, other, changed(late, attempt=ATTEMPT + 1, seq=0)])
    store.upkeep.clear("r", within_s=60)

    assert [(outcome.number, outcome.deleted) for outcome in outcomes] == [(None, True), (1, False), (None, True)]
    assert set(_rows(store, "r").values()) == {0}
    assert [run.id for run in store.summaries()] == ["other"]


@pytest.mark.parametrize("folded_before", [False, True])
def test_a_fold_that_began_before_writes_nothing(store: Store, folded_before: bool) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 3_000)}))])
    if folded_before:
        store.fold("r")
        store.accept([arrival(batch(1, {"x": line(3_000, 3_000)}))])
    with store.database.read() as connection:
        prepared = fold.prepare(connection, "r")
    assert prepared is not None
    store.upkeep.remove("r")

    with store.database.write() as connection:
        written = fold.write(connection, "r", prepared)
    store.upkeep.clear("r", within_s=60)

    assert not written
    assert set(_rows(store, "r").values()) == {0}


def test_a_verdict_that_comes_late_writes_nothing(store: Store) -> None:
    _fill(store, "r")
    store.accept([arrival(batch(0, {"x": line(0, 1)}, run="new"))])
    store.upkeep.remove("r")
    store.upkeep.remove("new")

    again = store.save_verdict(Judged(Verdict("r", 2), version=1), [Event("rank", 1.0)])
    first = store.save_verdict(Judged(Verdict("new", 2)), [Event("rank", 1.0)])
    store.upkeep.clear("r", within_s=60)
    store.upkeep.clear("new", within_s=60)

    assert (again, first) == (False, False)
    assert set(_rows(store, "r").values()) == set(_rows(store, "new").values()) == {0}


def test_while_batches_are_taken_folded_and_judged_nothing_of_it_is_left_behind(store: Store) -> None:
    going, stopped = Flag(), Flag()

    def send() -> None:
        for seq in count():
            if store.accept([arrival(batch(seq, {"x": line(100 * seq, 100)}))])[0].deleted:
                break
            if seq == 20:
                going.set()
        stopped.set()

    def fold_and_judge() -> None:
        while not stopped.is_set():
            store.fold("r")
            judged = store.verdict("r")
            store.save_verdict(Judged(Verdict("r", 1), version=judged.version if judged else 0), [Event("rank", 1.0)])

    threads = [Thread(target=send), *(Thread(target=fold_and_judge) for _ in range(2))]
    for thread in threads:
        thread.start()
    assert going.wait(30)

    store.upkeep.remove("r")
    cleared = store.upkeep.clear("r", within_s=60)
    for thread in threads:
        thread.join(30)

    assert cleared and not any(thread.is_alive() for thread in threads)
    assert set(_rows(store, "r").values()) == {0}


def test_it_is_deleted_once_and_asked_for_any_number_of_times(store: Store) -> None:
    with pytest.raises(UnknownRunError, match="there is no run 'r'; the runs list has those there are"):
        store.upkeep.remove("r")
    _fill(store, "r")

    assert not store.upkeep.removed("r")
    store.upkeep.remove("r")
    store.upkeep.remove("r")

    assert store.upkeep.removed("r")
    assert store.upkeep.clear("r", within_s=60)
    store.upkeep.remove("r")
    assert store.upkeep.uncleared() == []


def test_a_large_run_goes_in_pieces_that_are_soon_done(store: Store) -> None:
    store.accept([arrival(batch(0, {f"x{i}": line(0, 20_000) for i in range(20)}))])
    store.fold("r")
    store.upkeep.remove("r")

    longest, more = 0.0, True
    while more:
        began = time.perf_counter()
        with store.database.write() as connection:
            more = removal.take_piece(connection, "r")
        longest = max(longest, time.perf_counter() - began)

    assert longest < 1.0  # a batch waits no longer than that
    assert set(_rows(store, "r").values()) == {0}
