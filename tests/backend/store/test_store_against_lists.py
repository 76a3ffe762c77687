"""Whatever arrives, in whatever order, and folded whenever: the store answers as plain lists would."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ergoscope_server.store.series import Query, SeriesData
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch
from tests.backend.store.reference import Lists, check_buckets, check_points

VALUES = st.one_of(st.floats(), st.floats(width=32), st.sampled_from([math.nan, math.inf, 1e308, -1e308, -0.0]))
POINTS = st.lists(st.tuples(st.integers(-5, 60), VALUES), min_size=1, max_size=40)


@dataclass(frozen=True)
class Walk:
    """Many points: from a step on, with a stride, of which some are repeated or out of order."""

    attempt: int
    start: int
    n: int
    stride: int
    disorder: float
    seed: int

    def points(self) -> list[tuple[int, float]]:
        random = np.random.default_rng(self.seed)
        steps = self.start + self.stride * np.arange(self.n)
        moved = random.random(self.n) < self.disorder
        steps[moved] = random.permutation(steps[moved])
        values = random.standard_normal(self.n)
        values[random.random(self.n) < 0.001] = math.nan
        return list(zip(steps.tolist(), values.tolist(), strict=True))


WALKS = st.builds(
    Walk,
    attempt=st.integers(1, 3),
    start=st.integers(-1000, 30_000),
    n=st.integers(1, 9_000),
    stride=st.integers(0, 3),
    disorder=st.sampled_from([0.0, 0.0, 0.01, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)


@settings(max_examples=60)
@given(
    actions=st.lists(st.one_of(st.tuples(st.integers(1, 3), POINTS), st.just("fold")), min_size=1, max_size=20),
    where=st.tuples(st.integers(-10, 70), st.integers(-10, 70)),
    buckets=st.integers(1, 30),
)
def test_few_points_of_every_kind_come_back_as_from_lists(
    actions: Sequence[tuple[int, list[tuple[int, float]]] | str], where: tuple[int, int], buckets: int
) -> None:
    _compare(actions, *where, buckets)


@settings(max_examples=25)
@given(
    walks=st.lists(st.one_of(WALKS, st.just("fold")), min_size=1, max_size=8),
    where=st.tuples(st.integers(-2_000, 40_000), st.integers(-2_000, 60_000)),
    buckets=st.integers(1, 400),
)
def test_many_points_come_back_as_from_lists(walks: Sequence[Walk | str], where: tuple[int, int], buckets: int) -> None:
    actions = [walk if isinstance(walk, str) else (walk.attempt, walk.points()) for walk in walks]

    _compare(actions, *where, buckets)


def _compare(actions: Sequence[tuple[int, list[tuple[int, float]]] | str], first: int, last: int, buckets: int) -> None:
    reference = Lists()
    with TemporaryDirectory() as directory:
        store = Store(f"sqlite:///{Path(directory) / 'store.db'}")
        for seq, action in enumerate(actions):
            if isinstance(action, str):
                store.fold("r")
            else:
                attempt, points = action
                reference.add(attempt, points)
                columns = {"x": ([s for s, _ in points], [v for _, v in points])}
                store.accept([arrival(batch(seq, columns, attempt=attempt))])
        if reference.points:
            _check(store, reference, -(2**62), 2**62, buckets)
            _check(store, reference, first, last, buckets)
            store.fold("r")
            _check(store, reference, first, last, buckets)
            _check_ends(store, reference, buckets)
        store.close()


def _check(store: Store, reference: Lists, first: int, last: int, buckets: int) -> None:
    check_points(_series(store, Query(["x"], first, last)), reference, first, last)
    charted = _series(store, Query(["x"], first, last, buckets))
    if len(reference.settled(first, last)[0]) > buckets:
        check_buckets(charted, reference, first, last, buckets)
    elif charted.cells is None:
        check_points(charted, reference, first, last)


def _check_ends(store: Store, reference: Lists, n: int) -> None:
    steps, _ = reference.settled(-(2**62), 2**62)
    assert store.head("r", "x", n)[0].tolist() == steps[:n]
    assert store.tail("r", "x", n)[0].tolist() == steps[-n:]
    middle = steps[len(steps) // 2]
    assert store.tail("r", "x", n, after=middle)[0].tolist() == [s for s in steps if s > middle][-n:]


def _series(store: Store, query: Query) -> SeriesData:
    answer = store.series("r", query)
    assert len(answer.series) == 1
    return answer.series[0]
