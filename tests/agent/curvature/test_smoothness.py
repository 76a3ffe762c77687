"""The smoothness radius of functions for which it is known."""

import math

import pytest
import torch

from ergoscope.curvature.smoothness import misfit, search_radius, smoothness_radius

CURVATURE, CUBE, AT = 2.0, 0.7, 1.3  # f = ½hx² + (c/6)x³ at x0
SLOPE = CURVATURE * AT + CUBE / 2 * AT**2


def _gradient(x: float) -> float:
    return CURVATURE * x + CUBE / 2 * x * x


def _misfit(length: float) -> float:
    after, before = (torch.tensor([_gradient(x)], dtype=torch.float64) for x in (AT + length, AT))
    product = torch.tensor([(CURVATURE + CUBE * AT) * length], dtype=torch.float64)
    return float(misfit(after, before, product))


def test_of_a_cube_it_is_where_the_misfit_meets_the_slope() -> None:
    lengths, misfits = search_radius(_misfit, SLOPE, start=0.1, tries=30)

    found = smoothness_radius(SLOPE, lengths, misfits)

    assert math.sqrt(2 * SLOPE / CUBE) == pytest.approx(3.0197, abs=1e-4)
    assert found == pytest.approx(math.sqrt(2 * SLOPE / CUBE), rel=1e-6)


def test_doubled_lengths_alone_are_within_a_factor_of_two_above_it() -> None:
    truth = math.sqrt(2 * SLOPE / CUBE)
    for start in (0.1, 0.13, 0.17):
        lengths = [start * 2**k for k in range(8)]

        found = smoothness_radius(SLOPE, lengths, [_misfit(length) for length in lengths])

        assert truth <= found <= 2 * truth


def test_a_search_that_starts_too_far_comes_back() -> None:
    lengths, misfits = search_radius(_misfit, SLOPE, start=1000.0, tries=40)

    assert lengths[:3] == [1000.0, 500.0, 250.0]
    assert smoothness_radius(SLOPE, lengths, misfits) == pytest.approx(3.0197, abs=1e-4)


def test_a_misfit_that_is_no_number_counts_as_too_large() -> None:
    lengths, _ = search_radius(lambda h: math.nan if h > 1 else 0.0, 1.0, start=0.75, tries=3)

    assert lengths == pytest.approx([0.75, 1.5, math.sqrt(0.75 * 1.5)])


def test_of_a_quadratic_it_has_no_end() -> None:
    lengths, misfits = search_radius(lambda h: 0.0, 1.0, start=1.0, tries=5)

    assert lengths == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert smoothness_radius(1.0, lengths, misfits) == math.inf


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="1 lengths and 2 misfits; give as many of both"):
        smoothness_radius(1.0, [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"a length is 0\.0; it must be above 0"):
        smoothness_radius(1.0, [0.0], [1.0])
