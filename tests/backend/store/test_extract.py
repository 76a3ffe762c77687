"""A run given out whole: what was logged is what is read, to the bit."""

import math
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_server.store import extract as extracting
from ergoscope_server.store.errors import UnknownRunError, UnknownSeriesError
from ergoscope_server.store.extract import Extract, merged
from ergoscope_server.store.points import Points, join
from ergoscope_server.store.store import Store
from tests.backend.store.batches import ATTEMPT, arrival, batch, line

ODD = [0.1, math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3]
Key = tuple[str, int, int]


def read(store: Store, *metrics: str, rank: int | None = None) -> dict[Key, Points]:
    """Everything of a run, by metric, attempt and rank."""
    parts: dict[Key, list[Points]] = {}
    with store.upkeep.extraction("r", metrics, rank=rank) as found:
        assert not found.thinned
        for part in found.parts:
            assert part.cells is None
            parts.setdefault((part.metric, part.attempt, part.rank), []).append(part.points)
    return {key: join(pieces) for key, pieces in parts.items()}


def bits(points: Points) -> list[tuple[int, bytes]]:
    return list(zip(points.steps.tolist(), (np.float64(v).tobytes() for v in points.values), strict=True))


@pytest.mark.parametrize("folded", [False, True])
def test_every_attempt_and_rank_comes_back_to_the_bit(store: Store, folded: bool) -> None:
    steps = range(len(ODD))
    store.accept([arrival(batch(0, {"x": (steps, ODD), "y": line(0, 5_000)}))])
    store.accept([arrival(batch(0, {"x": (steps, ODD[::-1])}, rank=1))])
    store.accept([arrival(batch(0, {"x": ([2, 3], [7.0, 8.0])}, attempt=ATTEMPT + 1))])
    if folded:
        store.fold("r")
        store.accept([arrival(batch(1, {"y": line(5_000, 7)}))])

    found = read(store)

    n = 5_007 if folded else 5_000
    assert list(found) == [
        ("x", ATTEMPT, 0),
        ("x", ATTEMPT + 1, 0),
        ("x", ATTEMPT, 1),
        ("y", ATTEMPT, 0),
    ]
    assert bits(found["x", ATTEMPT, 0]) == [(i, np.float64(v).tobytes()) for i, v in enumerate(ODD)]
    assert bits(found["x", ATTEMPT, 1]) == [(i, np.float64(v).tobytes()) for i, v in enumerate(ODD[::-1])]
    assert bits(found["x", ATTEMPT + 1, 0]) == [(2, np.float64(7).tobytes()), (3, np.float64(8).tobytes())]
    assert np.array_equal(found["y", ATTEMPT, 0].values, np.arange(n))


def test_of_one_step_the_last_point_counts_wherever_it_lies(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 5_000)}))])
    store.fold("r")
    store.accept([arrival(batch(1, {"x": ([4_000, 10, 10, 7_000], [-1.0, -2.0, -3.0, -4.0])}))])
    store.fold("r")
    store.accept([arrival(batch(2, {"x": ([20, 10], [-5.0, -6.0])}))])

    points = read(store, "x")["x", ATTEMPT, 0]

    wanted = dict(enumerate(np.arange(5_000.0))) | {4_000: -1.0, 10: -6.0, 20: -5.0, 7_000: -4.0}
    assert dict(zip(points.steps.tolist(), points.values.tolist(), strict=True)) == wanted
    assert points.steps.tolist() == sorted(wanted)


def test_series_and_rank_can_be_chosen_and_what_is_not_there_is_named(store: Store) -> None:
    store.accept([arrival(batch(0, {"a/x": line(0, 2), "a/y": line(0, 2), "b": line(0, 2)}))])
    store.accept([arrival(batch(0, {"b": line(0, 2)}, rank=3))])

    assert [key[0] for key in read(store, "b", "a/*")] == ["b", "b", "a/x", "a/y"]
    assert [key[1:] for key in read(store, "b", rank=3)] == [(ATTEMPT, 3)]
    assert read(store, "none*") == {}
    with pytest.raises(UnknownSeriesError, match="run 'r' has no series 'c'; its list of metrics has those there are"):
        read(store, "b", "c")
    with pytest.raises(UnknownRunError), store.upkeep.extraction("other", []):
        pass


def test_all_of_it_is_of_one_moment(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 200_000), "y": line(0, 3)}))])
    store.fold("r")

    with store.upkeep.extraction("r", []) as found:
        first = next(found.parts)
        store.accept([arrival(batch(1, {"x": line(200_000, 9), "y": line(3, 9)}))])
        rest = list(found.parts)

    assert sum(len(part.points) for part in [first, *rest]) == 200_003


def test_ten_times_the_points_take_no_more_memory(tmp_path: Path) -> None:
    peaks = []
    for n in (200_000, 2_000_000):
        store = Store(f"sqlite:///{tmp_path / str(n)}.db")
        for i, start in enumerate(range(0, n, 50_000)):
            store.accept([arrival(batch(i, {"x": line(start, 50_000)}))])
            store.fold("r")
        tracemalloc.start()
        with store.upkeep.extraction("r", []) as found:
            count = sum(len(part.points) for part in found.parts)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        store.close()
        assert count == n

    assert peaks[1] < 1.5 * peaks[0]


Source = st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=6), max_size=5)


@given(st.lists(Source, max_size=4))
def test_sources_are_merged_as_a_dictionary_would(steps: list[list[list[int]]]) -> None:
    sources: list[list[Points]] = []
    wanted: dict[int, float] = {}
    number = 0.0
    for pieces in steps:
        flat = iter(sorted(step for piece in pieces for step in piece))
        source = []
        for piece in pieces:
            rising = [next(flat) for _ in piece]
            values = []
            for step in rising:
                number += 1.0
                wanted[step] = number
                values.append(number)
            source.append(Points(np.array(rising, np.int64), np.array(values)))
        sources.append(source)

    given_out = list(merged([_lazily(source) for source in sources]))

    found = [(step, value) for part in given_out for step, value in zip(part.steps, part.values, strict=True)]
    assert found == sorted(wanted.items())
    assert all(len(part) for part in given_out)


def _lazily(pieces: Sequence[Points]) -> Iterator[Points]:
    yield from pieces


def test_a_part_says_what_it_is_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracting, "PIECE", 1)
    store.accept([arrival(batch(0, {"x": line(0, 3_000)}))])
    store.fold("r")

    with store.upkeep.extraction("r", []) as found:
        parts: list[Extract] = list(found.parts)

    assert {(part.metric, part.attempt, part.rank) for part in parts} == {("x", ATTEMPT, 0)}
    assert len(parts) > 2
    assert [int(part.points.steps[0]) for part in parts] == sorted(int(part.points.steps[0]) for part in parts)
