"""The smoothness radius of functions for which it is known."""

import math

import pytest
import torch

from ergoscope.curvature.smoothness import LONGEST, Search, misfit, smoothness_radius

CURVATURE, CUBE, AT = 2.0, 0.7, 1.3  # f = ½hx² + (c/6)x³ at x0
SLOPE = CURVATURE * AT + CUBE / 2 * AT**2


def _gradient(x: float) -> float:
    return CURVATURE * x + CUBE / 2 * x * x


def _misfit(length: float) -> float:
    after, before = (torch.tensor([_gradient(x)], dtype=torch.float64) for x in (AT + length, AT))
    product = torch.tensor([(CURVATURE + CUBE * AT) * length], dtype=torch.float64)
    return float(misfit(after, before, product))


def _follow(looks: int, *, unit: float) -> tuple[Search, float]:
    """Look so often at what grows as the square of the length; gives the bound of the last look."""
    search, bound = Search(), math.inf
    for _ in range(looks):
        lengths = [share * unit for share in search.lengths]
        misfits = [CUBE / 2 * length**2 for length in lengths]
        bound = smoothness_radius(SLOPE, lengths, misfits)
        search.read(SLOPE, search.lengths, misfits)
    return search, bound


def test_of_a_cube_it_is_where_the_misfit_meets_the_slope() -> None:
    radius = math.sqrt(2 * SLOPE / CUBE)

    assert radius == pytest.approx(3.0197, abs=1e-4)
    assert smoothness_radius(SLOPE, [radius], [_misfit(radius)]) == pytest.approx(radius, rel=1e-12)
    assert _misfit(0.3) == pytest.approx(CUBE / 2 * 0.3**2, rel=1e-12)


def test_doubled_lengths_alone_are_within_a_factor_of_two_above_it() -> None:
    truth = math.sqrt(2 * SLOPE / CUBE)
    for start in (0.1, 0.13, 0.17):
        lengths = [start * 2**k for k in range(8)]

        found = smoothness_radius(SLOPE, lengths, [_misfit(length) for length in lengths])

        assert truth <= found <= 2 * truth


def test_the_first_look_is_within_a_factor_of_two_and_the_second_exact() -> None:
    radius = math.sqrt(2 * SLOPE / CUBE)
    for unit in (0.8, 1.3, 5.0, 40.0):  # lengths tried are a factor 4 apart
        assert radius <= _follow(1, unit=unit)[1] <= 2 * radius
        assert _follow(2, unit=unit)[1] == pytest.approx(radius, rel=1e-12)


def test_a_search_that_starts_too_far_out_comes_back() -> None:
    radius = math.sqrt(2 * SLOPE / CUBE)

    search, bound = _follow(4, unit=1e4 * radius)

    assert bound == pytest.approx(radius, rel=1e-12)
    assert search.lengths == pytest.approx((1e-4,), rel=1e-12)


def test_a_search_goes_out_until_something_is_seen_and_no_further_than_it_may() -> None:
    search = Search()
    search.read(1.0, search.lengths, [0.0] * len(search.lengths))
    assert search.lengths == (LONGEST,)

    search.read(1.0, (0.01,), [0.0])
    assert search.lengths == (0.16,)


def test_where_all_that_is_tried_is_no_number_the_next_length_is_shorter() -> None:
    search = Search()
    search.read(1.0, search.lengths, [math.inf] * len(search.lengths))
    assert search.lengths == (1 / 64 / 16,)

    for _ in range(10):
        search.read(1.0, search.lengths, [math.inf])
    assert search.lengths == (2.0**-20,)


def test_of_a_quadratic_it_has_no_end() -> None:
    assert smoothness_radius(1.0, [1.0, 2.0, 4.0], [0.0, 0.0, 0.0]) == math.inf


def test_a_misfit_without_end_leaves_the_length_itself() -> None:
    assert smoothness_radius(1.0, [0.5, 8.0], [0.0, math.inf]) == 8.0


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="1 lengths and 2 misfits; give as many of both"):
        smoothness_radius(1.0, [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"a length is 0\.0; it must be above 0"):
        smoothness_radius(1.0, [0.0], [1.0])
