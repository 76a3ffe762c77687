"""Lanes: which stream takes a point that comes out of order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_server.store.lanes import in_order, place


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8).map(sorted), max_size=12))
def test_lanes_never_fall_and_the_newer_of_two_equal_steps_stands_later(pieces: list[list[int]]) -> None:
    lanes: list[list[tuple[int, int]]] = []  # (step, when it came)
    when = 0
    for steps in pieces:
        for lane, start, end in place(np.array(steps), [points[-1][0] for points in lanes]):
            if lane == len(lanes):
                lanes.append([])
            lanes[lane].extend((steps[i], when + i) for i in range(start, end))
        when += len(steps)

    assert all(in_order(np.array([step for step, _ in points])) for points in lanes)
    last = [points[-1][0] for points in lanes]
    assert last == sorted(set(last), reverse=True)
    stacked = [point for points in lanes for point in points]
    assert sorted(t for _, t in stacked) == list(range(when))
    for step in range(31):
        times = [t for s, t in stacked if s == step]
        assert times == sorted(times)


def test_points_in_order_go_to_the_first_lane_as_they_are() -> None:
    assert place(np.array([5, 5, 6]), [5, 2]) == [(0, 0, 3)]


def test_a_point_before_all_lanes_opens_a_new_one() -> None:
    assert place(np.array([1]), [5, 2]) == [(2, 0, 1)]
