"""Axes grow in steps and keep a spike from flattening the rest."""

import numpy as np
import pytest

from ergoscope_ui.figures.axes import beyond, grow, reach, tick


@pytest.mark.parametrize(("last", "end"), [(0, 10), (10, 10), (11, 11), (100, 100), (101, 110), (18_240, 20_000)])
def test_the_end_of_a_growing_axis(last: int, end: int) -> None:
    assert grow(last) == end


def test_the_axis_has_room_and_moves_seldom() -> None:
    ends = [grow(last) for last in range(1, 100_001)]

    assert all(last <= end <= max(10, 1.13 * last) for last, end in enumerate(ends, 1))
    assert len(set(ends[10_000:])) < 100  # 90,000 steps


def test_ticks_are_one_two_or_five() -> None:
    assert [tick(span) for span in (1.0, 1.9, 2.0, 4.9, 5.0, 9.9, 0.07, 0.0, np.nan)] == pytest.approx(
        [1, 1, 2, 2, 5, 5, 0.05, 1, 1]
    )


def test_around_nothing_but_zeros_the_axis_is_not_that_of_rounding() -> None:
    zeros = np.zeros(5)

    assert reach(zeros, zeros, zeros) == (0.0, 1.0)


def test_a_curve_with_its_band_fits() -> None:
    mean = np.linspace(2.3, 0.4, 200)

    low, high = reach(mean - 0.1, mean + 0.2, mean)

    assert low == 0.0
    assert 2.5 <= high < 3.1


def test_zero_is_left_out_where_it_is_not_wanted_or_far() -> None:
    mean = np.linspace(9.0, 10.0, 50)

    assert reach(mean, mean, mean)[0] > 8
    assert reach(mean / 10, mean / 10, np.linspace(0.3, 1.0, 50), zero=False)[0] > 0


def test_a_spike_is_left_outside_and_found() -> None:
    mean = np.full(500, 1.0) + 0.01 * np.sin(np.arange(500))
    high = mean.copy()
    high[250] = 1e6

    top = reach(mean, high, mean)[1]

    assert top < 2
    assert beyond(high, top) == 250
    assert beyond(mean, top) is None


def test_an_axis_of_nothing_is_from_zero_to_one() -> None:
    nothing = np.full(3, np.nan)

    assert reach(nothing, nothing, nothing) == (0.0, 1.0)
    assert beyond(nothing, 1.0) is None


def test_one_value_alone_stands_on_an_axis_of_its_own_size() -> None:
    one = np.array([0.18923])

    low, high = reach(one, one, one)

    assert low < 0.18923 < high and high - low > 0.02
