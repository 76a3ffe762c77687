"""Folding: what the log holds goes into chunks, once, whoever does it and whatever happens meanwhile."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Table, func, select

from ergoscope_server.store import chunks, tables, tidy
from ergoscope_server.store.database import Database
from ergoscope_server.store.fold import prepare, write
from ergoscope_server.store.lanes import MOST_LANES
from ergoscope_server.store.migrate import migrate
from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from ergoscope_server.store.streams import load
from ergoscope_server.store.tidy import Backlog
from tests.backend.store.batches import arrival, batch, line
from tests.backend.store.reading import points, series


def _rows(store: Store, table: Table) -> int:
    with store.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _lanes(store: Store, metric: str) -> int:
    with store.database.read() as connection:
        return len(load(connection, "r", [metric]))


def test_a_fold_takes_everything_in_once(store: Store) -> None:
    store.accept([arrival(batch(seq, {"x": line(seq * 500, 500), "y": line(0, 1)})) for seq in range(5)])

    folded = [store.fold("r"), store.fold("r"), store.fold("none")]

    assert folded == [2_505, None, None]
    assert _rows(store, tables.chunk) == _rows(store, tables.pyramid) == 2
    assert points(store, "x") == [(float(i), float(i)) for i in range(2_500)]
    assert store.unfolded() == []


def test_a_long_log_is_folded_in_parts_to_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope_server.store.fold.MOST_ROWS", 3)
    store.accept([arrival(batch(seq, {"x": line(seq * 10, 10)})) for seq in range(8)])
    assert store.backlog().size > 8 * 80

    assert store.fold("r") == 80

    assert (store.unfolded(), store.backlog()) == ([], Backlog())
    assert points(store, "x") == [(float(i), float(i)) for i in range(80)]


def test_what_waits_to_be_folded_is_counted_over_all_runs_and_without_what_is_folded(store: Store) -> None:
    one = arrival(batch(0, {"x": line(0, 100)}))
    store.accept([one])
    store.fold("r")
    others = [
        arrival(batch(seq, {"x": line(0, 50)}, run=run), received=1_790_000_000.0 + late)
        for seq, run, late in ((1, "r", 9.0), (2, "r", 10.0), (0, "q", 5.0))
    ]

    store.accept(others)

    size = sum(len(other.entry) for other in others)
    assert store.backlog() == Backlog(runs=2, batches=3, size=size, oldest=1_790_000_005.0)


def test_many_small_folds_give_what_one_large_gives(store: Store) -> None:
    for seq in range(40):
        store.accept([arrival(batch(seq, {"x": line(seq * 61, 61)}))])
        store.fold("r")

    assert points(store, "x") == [(float(i), float(i)) for i in range(2_440)]
    assert _rows(store, tables.chunk) == 2
    assert _rows(store, tables.fragment) <= 10


def test_of_two_that_fold_at_once_one_does_it(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 2_000)}))])
    with store.database.read() as connection:
        slow = prepare(connection, "r")
    assert slow is not None

    assert store.fold("r") == 2_000
    with store.database.write() as connection:
        assert write(connection, "r", slow) is False

    assert len(points(store, "x")) == 2_000


def test_a_fold_that_breaks_off_leaves_everything_in_the_log(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 2_000)}))])

    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "insert_pyramid", fail)
        with pytest.raises(RuntimeError, match="killed"):
            store.fold("r")

    assert len(points(store, "x")) == 2_000
    assert _rows(store, tables.chunk) == 0
    assert store.fold("r") == 2_000
    assert len(points(store, "x")) == 2_000


def test_batches_that_come_during_a_fold_stay_for_the_next(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 10)}))])
    with store.database.read() as connection:
        folded = prepare(connection, "r")
    assert folded is not None
    store.accept([arrival(batch(1, {"x": line(10, 10)}))])
    with store.database.write() as connection:
        assert write(connection, "r", folded)

    assert len(points(store, "x")) == 20
    assert store.fold("r") == 10
    assert len(points(store, "x")) == 20


def test_series_of_one_table_that_is_joined_keep_their_own_types_and_order(store: Store) -> None:
    wide = {"a": line(0, 700), "b": line(5, 700)}
    store.accept([arrival(batch(0, wide)), arrival(batch(1, {"a": line(300, 1_000)})), arrival(batch(2, wide))])
    store.fold("r")

    assert points(store, "a") == [(float(i), float(i)) for i in range(1_300)]
    assert points(store, "b") == [(float(i), float(i)) for i in range(5, 705)]


def test_lanes_are_made_one_again_when_there_are_too_many(store: Store) -> None:
    random = np.random.default_rng(0)
    newest: dict[int, float] = {}
    for seq in range(3 * MOST_LANES):
        steps = random.integers(0, 3_000, 700).tolist()
        values = random.random(700).tolist()
        newest.update(zip(steps, values, strict=True))
        store.accept([arrival(batch(seq, {"x": (steps, values), "calm": line(seq, 1)}))])
        store.fold("r")

        assert _lanes(store, "x") <= MOST_LANES

    assert points(store, "x") == sorted(newest.items())
    assert _lanes(store, "calm") == 1
    charted = series(store, Query(["x"], buckets=10))
    assert charted.cells is not None
    assert charted.cells.high.max() >= max(newest.values())


@pytest.mark.known_answer("wall")
def test_wall_is_made_of_the_blocks_times(store: Store) -> None:
    first = batch(0, {"x": line(0, 3)})
    block = first.blocks[0]
    timed = type(block)(block.keys, block.steps, block.values, block.dtype, (100.0, 102.0))
    store.accept([arrival(type(first)(1, "r", 1, 0, 0, ["x"], [timed]))])

    before = points(store, "wall")
    store.fold("r")

    assert before == points(store, "wall") == [(0.0, 100.0), (2.0, 102.0)]


def test_the_size_of_what_waits_is_found_without_going_through_what_is_folded(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'a.db'}")) as database:
        migrate(database)
        with database.read() as connection:
            asked = tidy._WAITING.compile(connection, compile_kwargs={"literal_binds": True})
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]

    assert [line for line in plan if line.startswith("SCAN")] == ["SCAN run"]
