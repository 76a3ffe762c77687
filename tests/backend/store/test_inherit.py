"""A run that was forked: what it shows of the run it comes from, on both databases."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.records import Fork, Run
from ergoscope_server.store.lineage import MOST_ANCESTORS, Ancestor
from ergoscope_server.store.ranks import TOGETHER
from ergoscope_server.store.series import Query, SeriesAnswer, SeriesData
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line

Columns = dict[str, tuple[Sequence[int], Sequence[float]]]
ALL = Query(["x"])


def _begin(store: Store, run: str, columns: Columns, fork: tuple[str, int] | None = None, *, rank: int = 0) -> None:
    about = Run(run, f"of {run}", run, 1_790_000_000.0, fork=None if fork is None else Fork(*fork))
    assert store.accept([arrival(batch(0, columns, run=run, about=about, rank=rank))])[0].number is not None


def _any(_run: str, _project: str) -> bool:
    return True


def _points(data: SeriesData) -> dict[int, float]:
    return dict(zip(data.points.steps.tolist(), data.points.values.tolist(), strict=True))


def _one(answer: SeriesAnswer, metric: str = "x") -> SeriesData:
    found = [data for data in answer.series if data.metric == metric]
    assert len(found) == 1
    return found[0]


def test_a_fork_shows_its_parents_history_up_to_its_step_and_then_its_own(store: Store) -> None:
    _begin(store, "p", {"x": line(0, 10)})
    _begin(store, "f", {"x": (range(5, 8), [50.0, 60.0, 70.0])}, ("p", 4))

    answer = store.series("f", ALL, admit=_any)
    own = store.series("f", ALL)

    assert answer.inherited == [Ancestor("p", 4)]
    assert _points(_one(answer)) == {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0, 5: 50.0, 6: 60.0, 7: 70.0}
    assert (own.inherited, _points(_one(own))) == (None, {5: 50.0, 6: 60.0, 7: 70.0})
    assert _points(_one(store.series("p", ALL, admit=_any))) == {n: float(n) for n in range(10)}


def test_where_a_fork_logs_steps_from_before_its_own_count(store: Store) -> None:
    _begin(store, "p", {"x": line(0, 10)})
    _begin(store, "f", {"x": (range(3, 6), [30.0, 40.0, 50.0])}, ("p", 8))

    answer = store.series("f", ALL, admit=_any)

    assert _points(_one(answer)) == {0: 0.0, 1: 1.0, 2: 2.0, 3: 30.0, 4: 40.0, 5: 50.0}


def test_a_fork_of_a_fork_goes_back_to_the_first_and_no_further_than_each_step(store: Store) -> None:
    _begin(store, "a", {"x": line(0, 100), "y": line(0, 100)})
    _begin(store, "b", {"x": (range(21, 60), [2.0] * 39)}, ("a", 20))
    _begin(store, "c", {"x": (range(11, 14), [3.0] * 3)}, ("b", 10))
    _begin(store, "d", {"x": (range(41, 44), [4.0] * 3)}, ("b", 40))

    early, late = (store.series(run, Query(["x", "y"]), admit=_any) for run in ("c", "d"))

    assert early.inherited == [Ancestor("b", 10), Ancestor("a", 10)]
    assert _points(_one(early)) == {**{n: float(n) for n in range(11)}, 11: 3.0, 12: 3.0, 13: 3.0}
    assert late.inherited == [Ancestor("b", 40), Ancestor("a", 20)]
    values = [*range(21), *[2.0] * 20, *[4.0] * 3]
    assert _points(_one(late)) == dict(enumerate(map(float, values)))
    assert _points(_one(late, "y")) == {n: float(n) for n in range(21)}


def test_several_patterns_and_names_that_nobody_has(store: Store) -> None:
    _begin(store, "p", {"g/a": line(0, 5), "g/b": line(0, 5)})
    _begin(store, "f", {"g/a": line(3, 2)}, ("p", 2))

    answer = store.series("f", Query(["g/*", "nothing"]), admit=_any)

    assert [(data.metric, data.count) for data in answer.series] == [("g/a", 5), ("nothing", 0), ("g/b", 3)]


def test_the_range_asked_for_cuts_both_parts(store: Store) -> None:
    _begin(store, "p", {"x": line(0, 10)})
    _begin(store, "f", {"x": line(5, 5)}, ("p", 4))

    def asked(first: int, last: int) -> list[int]:
        query = replace(ALL, first=first, last=last)
        return list(_points(_one(store.series("f", query, admit=_any))))

    assert [asked(2, 3), asked(3, 6), asked(7, 8), asked(20, 30)] == [[2, 3], [3, 4, 5, 6], [7, 8], []]


def test_buckets_of_both_parts_lose_no_extreme_and_no_point(store: Store) -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal(9_000)
    values[[100, 4_900, 8_000]] = 1e6, -1e6, np.nan
    _begin(store, "p", {"x": (range(6_000), values[:6_000].tolist())})
    _begin(store, "f", {"x": (range(5_001, 9_000), values[5_001:].tolist())}, ("p", 5_000))
    store.fold("p")

    answers = {}
    for folded in (False, True):
        if folded:
            store.fold("f")
        answers[folded] = _one(store.series("f", replace(ALL, buckets=100), admit=_any))

    for data in answers.values():
        cells = data.cells
        assert cells is not None and len(cells.first) <= 100
        assert (cells.low.min(), cells.high.max(), cells.nonfinite.sum()) == (-1e6, 1e6, 1)
        assert (cells.first[0], cells.last[-1], cells.count.sum(), data.count) == (0, 8_999, 9_000, 9_000)
        assert np.all(cells.first[1:] > cells.last[:-1])
        finite = np.where(cells.count > cells.nonfinite, cells.mean, 0.0) * (cells.count - cells.nonfinite)
        assert finite.sum() == pytest.approx(values[np.isfinite(values)].sum(), rel=1e-9)


def test_ranks_of_both_parts_are_brought_together_or_kept_apart(store: Store) -> None:
    for rank in (0, 1):
        _begin(store, "p", {"loss": (range(4), [rank + 1.0] * 4)}, rank=rank)
        _begin(store, "f", {"loss": (range(2, 4), [10 * rank + 10.0] * 2)}, ("p", 1), rank=rank)

    one = store.series("f", Query(["loss"], rank=1), admit=_any)
    each = store.series("f", Query(["loss"], rank=None), admit=_any)
    together = store.series("f", Query(["loss"], rank=TOGETHER), admit=_any)

    assert _points(_one(one, "loss")) == {0: 2.0, 1: 2.0, 2: 20.0, 3: 20.0}
    assert {data.rank: _points(data)[0] for data in each.series} == {0: 1.0, 1: 2.0}
    assert _points(_one(together, "loss")) == {0: 1.5, 1: 1.5, 2: 15.0, 3: 15.0}


def test_a_deleted_parent_leaves_the_fork_with_its_own_part_and_the_word_where_it_came_from(store: Store) -> None:
    _begin(store, "p", {"x": line(0, 10)})
    _begin(store, "f", {"x": line(5, 3)}, ("p", 4))

    store.upkeep.remove("p")
    answer, summary = store.series("f", ALL, admit=_any), store.summary("f")

    assert (answer.inherited, list(_points(_one(answer)))) == ([], [5, 6, 7])
    assert summary is not None and summary.fork == Fork("p", 4)


def test_what_may_not_be_read_is_not_shown_and_nothing_behind_it(store: Store) -> None:
    _begin(store, "a", {"x": line(0, 3)})
    _begin(store, "b", {"x": line(3, 3)}, ("a", 2))
    _begin(store, "c", {"x": line(6, 3)}, ("b", 5))

    answer = store.series("c", ALL, admit=lambda _run, project: project != "of b")

    assert (answer.inherited, list(_points(_one(answer)))) == ([], [6, 7, 8])


def test_a_ring_of_forks_and_a_long_line_of_them_come_to_an_end(store: Store) -> None:
    _begin(store, "a", {"x": line(10, 2)}, ("b", 9))
    _begin(store, "b", {"x": line(5, 2)}, ("a", 4))
    for number in range(MOST_ANCESTORS + 5):
        _begin(store, f"run{number}", {"x": line(number, 1)}, (f"run{number - 1}", number - 1) if number else None)

    ring = store.series("a", ALL, admit=_any)
    long = store.series(f"run{MOST_ANCESTORS + 4}", ALL, admit=_any)

    assert ring.inherited == [Ancestor("b", 9)]
    assert long.inherited is not None and len(long.inherited) == MOST_ANCESTORS


def test_what_only_a_parent_has_is_listed_as_inherited_and_without_figures(store: Store) -> None:
    _begin(store, "a", {"x": line(0, 9), "old": line(0, 9), "late": line(8, 1)})
    _begin(store, "b", {"x": line(6, 3), "y": line(6, 3)}, ("a", 5))
    _begin(store, "c", {"x": line(8, 3)}, ("b", 7))

    listed = [(one.key, one.points, one.last_step, one.inherited) for one in store.listed("c", admit=_any)]

    assert listed == [("x", 3, 10, ""), ("y", 0, None, "b"), ("old", 0, None, "a")]
    assert [one.key for one in store.listed("c")] == ["x"]


def test_what_arrives_later_is_the_forks_own_and_counts_from_its_cursor(store: Store) -> None:
    _begin(store, "p", {"x": line(0, 10)})
    _begin(store, "f", {"x": line(5, 3)}, ("p", 4))
    cursor = store.series("f", ALL, admit=_any).cursor
    store.accept([arrival(batch(1, {"x": line(8, 2)}, run="f")), arrival(batch(1, {"x": line(8, 2)}, run="f"))])

    answer = store.series("f", replace(ALL, since=cursor), admit=_any)

    assert (cursor, answer.cursor, list(_points(_one(answer)))) == (1, 2, [8, 9])


def test_where_a_run_was_forked_is_said_once(store: Store) -> None:
    _begin(store, "p", {"x": line(0, 10)})
    _begin(store, "f", {"x": line(5, 3)}, ("p", 4))
    about = Run("f", "of f", "f", 1_790_000_001.0, fork=Fork("p", 8))
    store.accept([arrival(batch(0, {"x": line(8, 3)}, run="f", attempt=1_790_000_001_000, about=about))])

    summary = store.summary("f")

    assert summary is not None and summary.fork == Fork("p", 4)
