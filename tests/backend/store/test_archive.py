"""Runs that are set aside."""

import pytest

from ergoscope_contract.records import Ending
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.store import Store
from tests.backend.store.batches import ATTEMPT, arrival, batch, line
from tests.backend.store.reading import points


def _ids(store: Store, *, archived: bool) -> list[str]:
    return [run.id for run in store.summaries(archived=archived)]


def test_what_is_set_aside_is_not_listed_reads_as_before_and_comes_back(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 3)})), arrival(batch(0, {"x": line(0, 3)}, run="other"))])

    store.upkeep.archive("r", aside=True)

    assert (_ids(store, archived=False), _ids(store, archived=True)) == (["other"], ["r"])
    assert [run.archived for run in store.summaries(archived=True)] == [True]
    assert points(store, "x") == [(0, 0.0), (1, 1.0), (2, 2.0)]
    store.upkeep.archive("r", aside=False)
    assert (sorted(_ids(store, archived=False)), _ids(store, archived=True)) == (["other", "r"], [])


def test_a_late_batch_leaves_it_aside_and_a_new_attempt_brings_it_back(store: Store) -> None:
    store.accept([arrival(batch(0, {}, ended=Ending("finished", 1.0)))])
    store.upkeep.archive("r", aside=True)

    store.accept([arrival(batch(1, {"x": line(0, 1)}))])
    late = _ids(store, archived=True)
    store.accept([arrival(batch(0, {"x": line(1, 1)}, attempt=ATTEMPT + 1))])

    assert late == ["r"]
    assert (_ids(store, archived=False), _ids(store, archived=True)) == (["r"], [])


def test_what_is_not_there_cannot_be_set_aside(store: Store) -> None:
    with pytest.raises(UnknownRunError, match="there is no run 'r'; the runs list has those there are"):
        store.upkeep.archive("r", aside=True)
