"""What the store gives of several runs at once."""

from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch


def test_series_of_several_runs_are_given_by_run_and_none_for_those_that_are_not_there(store: Store) -> None:
    for number, run in enumerate(("a", "b")):
        store.accept([arrival(batch(0, {"x": ([3], [float(number)])}, run=run))])

    found = store.series_of_runs(["b", "c", "a"], Query(["x"]))

    assert list(found) == ["b", "c", "a"]
    assert found["c"] is None
    assert [one.series[0].points.values.tolist() for one in found.values() if one is not None] == [[1.0], [0.0]]
