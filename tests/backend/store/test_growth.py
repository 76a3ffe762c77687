"""Fragments and chunks: how a stream grows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_server.store.growth import Layouts, taken_in
from ergoscope_server.store.packing import CHUNK, Packed
from ergoscope_server.store.points import Points


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=60))
def test_a_stream_has_few_fragments_and_every_point_once(sizes: list[int]) -> None:
    tail: list[Packed] = []
    chunks: list[Points] = []
    total = 0
    for size in sizes:
        steps = np.arange(total, total + size)
        taken = taken_in([packed.n for packed in tail], size)
        growth = Layouts().grow(tail[len(tail) - taken :], Points(steps, steps.astype("f4")), arrived=1)
        tail = tail[: len(tail) - taken] + ([growth.fragment] if growth.fragment is not None else [])
        chunks += [points for _, points in growth.chunks]
        total += size

        assert len(tail) <= 11  # each fragment is larger than the next
        assert sum(packed.n for packed in tail) == total % CHUNK

    steps = np.concatenate([points.steps for points in chunks] + [packed.points().steps for packed in tail])
    values = np.concatenate([points.values for points in chunks] + [packed.points().values for packed in tail])
    assert all(len(points) == CHUNK for points in chunks)
    assert np.array_equal(steps, np.arange(total))
    assert np.array_equal(values, np.arange(total, dtype="f4"))


def test_a_point_is_written_about_once_for_each_doubling() -> None:
    tail: list[int] = []
    written = 0
    for _ in range(CHUNK - 1):
        taken = taken_in(tail, 1)
        merged = 1 + sum(tail[len(tail) - taken :])
        tail = [*tail[: len(tail) - taken], merged]
        written += merged

    assert written <= CHUNK * 10  # log2 of CHUNK
