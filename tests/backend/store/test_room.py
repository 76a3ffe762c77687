"""How many runs a project may have, on both databases."""

from collections.abc import Iterator
from contextlib import closing
from threading import Barrier, Thread

import pytest

from ergoscope_contract.records import Run
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line


@pytest.fixture
def narrow(url: str) -> Iterator[Store]:
    """A store whose projects have room for two runs."""
    with closing(Store(url, most_runs=2)) as store:
        yield store


def _first(run: str, project: str, seq: int = 0) -> Arrival:
    about = Run(run, project, run, 1_790_000_000.0)
    return arrival(batch(seq, {"x": line(0, 3)}, run=run, about=about))


def test_a_run_too_many_is_not_let_in_with_the_reason_and_others_are(narrow: Store) -> None:
    outcomes = narrow.accept([_first("a", "p"), _first("b", "p"), _first("c", "p"), _first("d", "q")])

    assert [outcome.number for outcome in outcomes] == [1, 1, None, 1]
    assert [outcome.deleted for outcome in outcomes] == [False] * 4
    assert outcomes[2].barred == (
        "project 'p' has 2 runs, and may have 2; run 'c' is not let in. Delete runs of it, name another project, or "
        "have ERGOSCOPE_PROJECT_RUNS raised at the service; what is kept until then is taken afterwards"
    )
    assert sorted(run.id for run in narrow.summaries()) == ["a", "b", "d"]


def test_runs_that_are_there_go_on_when_their_project_is_full(narrow: Store) -> None:
    narrow.accept([_first("a", "p"), _first("b", "p")])

    outcomes = narrow.accept([arrival(batch(1, {"x": line(3, 3)}, run="a")), _first("b", "p", seq=1)])

    assert [outcome.number for outcome in outcomes] == [2, 2]


def test_room_that_was_made_is_taken_by_the_batch_that_was_kept(narrow: Store) -> None:
    narrow.accept([_first("a", "p"), _first("b", "p")])
    narrow.upkeep.archive("b", aside=True)
    kept = _first("c", "p")

    barred = narrow.accept([kept])
    narrow.upkeep.remove("a")
    taken = narrow.accept([kept])

    assert "2 runs" in barred[0].barred
    assert taken[0].number == 1


def test_a_deleted_run_is_told_so_and_not_that_its_project_is_full(narrow: Store) -> None:
    narrow.accept([_first("a", "p"), _first("b", "p"), _first("c", "q")])
    narrow.upkeep.remove("c")

    outcome = narrow.accept([_first("c", "p")])[0]

    assert (outcome.deleted, outcome.barred) == (True, "")


def test_several_that_add_runs_at_once_bring_at_most_what_came_at_once_too_many(url: str) -> None:
    stores, barrier = [Store(url, most_runs=4) for _ in range(3)], Barrier(3)

    def add(number: int) -> None:
        barrier.wait()
        for turn in range(4):
            stores[number].accept([_first(f"run-{number}-{turn}", "p")])

    threads = [Thread(target=add, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 <= len(stores[0].summaries()) <= 4 + len(stores) - 1
    assert stores[0].accept([_first("late", "p")])[0].barred
    for store in stores:
        store.close()
