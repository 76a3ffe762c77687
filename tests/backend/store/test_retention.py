"""Thinning: what is old loses its points and keeps its extremes, means and counts."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import func, select

from ergoscope_contract.answers import Retention
from ergoscope_contract.columns import pack_block
from ergoscope_contract.records import Batch, Run
from ergoscope_server.store import retention
from ergoscope_server.store.points import FloatArray
from ergoscope_server.store.ranks import TOGETHER
from ergoscope_server.store.retention import DAY_S
from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from ergoscope_server.store.tables import chunk
from tests.backend.store.batches import ATTEMPT, arrival, batch, line
from tests.backend.store.reading import points, series

NOW = 1_790_000_000.0
OLD = NOW - 40 * DAY_S
SPIKE = 12_345


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def aged(url: str) -> Iterator[Store]:
    """A store with a run of 40 days ago: 20,000 points with a spike and a NaN, in a project that keeps 30 days."""
    store = Store(url, clock=Hand())
    values = np.sin(np.arange(20_000) / 100)
    values[SPIKE], values[SPIKE + 300] = 1e6, math.nan
    about = Run("r", "p", "r", OLD)
    store.accept([arrival(batch(0, {"x": (range(20_000), values.tolist())}, about=about), received=OLD)])
    store.fold("r")
    store.upkeep.save_policy(Retention("p", 30.0))
    yield store
    store.close()


def _bytes(store: Store) -> int:
    with store.database.read() as connection:
        return int(connection.execute(select(func.sum(func.length(chunk.c.body)))).scalar_one())


def test_charts_of_what_is_thinned_are_as_they_were_and_say_so(aged: Store) -> None:
    everything, part = Query(["x"], buckets=100), Query(["x"], first=100, last=15_000, buckets=100)
    before, size = series(aged, everything), _bytes(aged)

    assert aged.upkeep.overdue() == ["r"]
    assert aged.upkeep.thin("r", within_s=60)

    after, inside = series(aged, everything), series(aged, part)
    assert before.thinned_to is None and before.cells is not None and after.cells is not None
    assert after.thinned_to == inside.thinned_to == 19 * 1024 - 1
    assert after.count == before.count == 20_000
    assert np.nanmax(after.cells.high) == np.nanmax(inside.cells.high if inside.cells else math.nan) == 1e6
    assert np.nanmin(after.cells.low) == np.nanmin(before.cells.low)
    assert int(after.cells.nonfinite.sum()) == 1
    assert _bytes(aged) < size / 40
    assert aged.upkeep.overdue() == []


def test_points_that_are_left_are_points_that_were_logged(aged: Store) -> None:
    before = dict(points(aged, "x"))

    aged.upkeep.thin("r", within_s=60)

    after = dict(points(aged, "x"))
    assert len(after) == 19 * 17 + 20_000 - 19 * 1024
    assert all(value == before[step] for step, value in after.items())
    assert series(aged, Query(["x"])).thinned_to == 19 * 1024 - 1
    assert series(aged, Query(["x"], first=19_900)).thinned_to is None
    steps, values = aged.tail("r", "x", 600)
    assert steps[-1] == 19_999 and len(values) == 600


def test_a_spike_is_found_in_a_short_range_at_the_edge_of_a_chunk(aged: Store) -> None:
    aged.upkeep.thin("r", within_s=60)

    around = series(aged, Query(["x"], first=SPIKE - 5, last=SPIKE + 5, buckets=1_000))

    assert around.cells is not None
    assert np.nanmax(around.cells.high) == 1e6


def test_what_arrives_afterwards_is_kept_whole_and_charted_with_the_rest(aged: Store) -> None:
    aged.upkeep.thin("r", within_s=60)

    aged.accept([arrival(batch(1, {"x": line(20_000, 30_000)}), received=NOW)])
    aged.fold("r")
    chart = series(aged, Query(["x"], buckets=500))

    assert chart.count == 50_000
    assert chart.cells is not None and np.nanmax(chart.cells.high) == 1e6
    assert [step for step, _ in points(aged, "x")][-30_000:] == list(range(20_000, 50_000))
    assert aged.upkeep.overdue() == ["r"]  # it goes on, so it is looked at
    assert aged.upkeep.thin("r", within_s=60)
    assert len(points(aged, "x")) == 19 * 17 + 50_000 - 19 * 1024


def _timed(seq: int, times: FloatArray) -> Batch:
    """1,000 points of x from a step on, with the times of every ten of them."""
    start = 1_000 * seq
    blocks = [
        pack_block([0], range(at, at + 10), range(at, at + 10), wall=(float(times[at]), float(times[at + 9])))
        for at in range(start, start + 1_000, 10)
    ]
    return Batch(1, "r", ATTEMPT, 0, seq, ["x"], blocks, about=Run("r", "p", "r", OLD))


@pytest.mark.parametrize("at_once", [False, True])
def test_of_a_run_that_goes_on_only_what_is_old_by_its_times_is_thinned(url: str, at_once: bool) -> None:
    clock = Hand()
    store = Store(url, clock=clock)
    times = np.linspace(NOW - 60 * DAY_S, NOW, 40_000)
    for i in range(40):
        store.accept([arrival(_timed(i, times), received=float(times[1_000 * i]))])
        if not at_once:
            store.fold("r")
    store.fold("r")
    store.upkeep.save_policy(Retention("p", 30.0))

    def thinned_to() -> int | None:
        assert store.upkeep.thin("r", within_s=60)
        return series(store, Query(["x"])).thinned_to

    first = thinned_to()
    clock.now += 20 * DAY_S
    later = thinned_to()

    # What came at once is taken for as young as its youngest; else age is known to within two chunks of times.
    if at_once:
        assert (first, later) == (None, None)
    else:
        assert first is not None and 8_000 < first < 20_000
        assert later is not None and 20_000 < later < 33_400
    assert series(store, Query(["wall"])).thinned_to is None
    store.close()


def test_a_project_may_thin_only_what_is_over(aged: Store) -> None:
    aged.upkeep.save_policy(Retention("p", 30.0, ended=True))
    aged.accept([arrival(batch(1, {"x": line(20_000, 1)}), received=NOW)])

    assert aged.upkeep.overdue() == []
    assert aged.upkeep.thin("r", within_s=60)

    assert series(aged, Query(["x"])).thinned_to is None


def test_projects_without_a_wish_keep_everything_and_wishes_can_be_taken_back(aged: Store) -> None:
    aged.upkeep.save_policy(Retention("q", 1.0, ended=True))
    assert aged.upkeep.policies() == [Retention("p", 30.0), Retention("q", 1.0, ended=True)]

    aged.upkeep.drop_policy("p")

    assert aged.upkeep.policies() == [Retention("q", 1.0, ended=True)]
    assert aged.upkeep.overdue() == []
    assert aged.upkeep.thin("r", within_s=60)
    assert len(points(aged, "x")) == 20_000


def test_a_long_run_is_thinned_piece_by_piece(aged: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 4)
    monkeypatch.setattr("ergoscope_server.store.upkeep.REST_S", 0.0)

    done = aged.upkeep.thin("r", within_s=0)
    so_far = series(aged, Query(["x"])).thinned_to

    assert (done, so_far) == (False, 4 * 1024 - 1)
    assert aged.upkeep.thin("r", within_s=60)
    assert series(aged, Query(["x"])).thinned_to == 19 * 1024 - 1


def test_thinning_that_a_fold_overtakes_writes_nothing(aged: Store) -> None:
    with aged.database.read() as connection:
        made = retention.prepare_thinning(connection, "r", now=NOW)
    assert made is not None
    aged.accept([arrival(batch(1, {"x": line(20_000, 5)}), received=OLD)])
    aged.fold("r")

    with aged.database.write() as connection:
        written = retention.write_thinning(connection, "r", made)

    assert not written
    assert len(points(aged, "x")) == 20_005


def test_lanes_of_a_thinned_series_are_not_made_one(aged: Store) -> None:
    aged.upkeep.thin("r", within_s=60)

    for i in range(10):  # each too late for all lanes before it
        aged.accept([arrival(batch(1 + i, {"x": ([100 - i], [float(i)])}), received=OLD)])
        aged.fold("r")
    chart = series(aged, Query(["x"], buckets=100))

    assert chart.cells is not None and np.nanmax(chart.cells.high) == 1e6
    assert dict(points(aged, "x"))[91] == 9.0


def test_an_extraction_gives_cells_of_what_is_thinned(aged: Store) -> None:
    before = dict(points(aged, "x"))
    aged.upkeep.thin("r", within_s=60)

    with aged.upkeep.extraction("r", ["x"]) as found:
        parts = list(found.parts)

    cells = [part.cells for part in parts if part.cells is not None]
    assert found.thinned
    assert sum(int(one.count.sum()) for one in cells) + sum(len(part.points) for part in parts) == 20_000
    assert max(np.nanmax(one.high) for one in cells) == 1e6
    assert all(
        math.isnan(value) or before[step] == value
        for one in cells
        for step, value in zip(one.last.tolist(), one.final.tolist(), strict=True)
    )


def test_what_several_ranks_speak_for_together_is_kept_whole(aged: Store) -> None:
    for rank in (0, 1):
        aged.accept([arrival(batch(1, {"loss": line(0, 3_000)}, rank=rank), received=OLD)])
    aged.fold("r")
    before = series(aged, Query(["loss"], rank=TOGETHER))

    assert aged.upkeep.thin("r", within_s=60)

    after = series(aged, Query(["loss"], rank=TOGETHER))
    assert after.thinned_to is None
    assert np.array_equal(after.points.values, before.points.values) and len(after.points) == 3_000


def test_ranks_as_one_say_that_they_are_thinned(aged: Store) -> None:
    aged.accept([arrival(batch(0, {"x": line(0, 2_000)}, rank=1), received=OLD)])
    aged.fold("r")
    aged.upkeep.thin("r", within_s=60)

    assert series(aged, Query(["x"], rank=TOGETHER)).thinned_to == 19 * 1024 - 1
    assert series(aged, Query(["x"], rank=1)).thinned_to == 1023
