"""Slope and noise of repeated readings."""

import math

import numpy as np
import pytest

from ergoscope.numerics.debias import Level, Split, split_by_parts, split_by_signs


def test_identical_parts_are_all_slope() -> None:
    # Four parts of norm 2, each divided by 4: the sum has norm 2, the squares of the parts add to 4 / 4.
    assert split_by_parts(whole=4.0, parts=1.0, count=4) == Split(slope=4.0, noise=0.0)


def test_orthogonal_parts_are_all_noise() -> None:
    # Two orthogonal parts of norm 2, each divided by 2.
    assert split_by_parts(whole=2.0, parts=2.0, count=2) == Split(slope=0.0, noise=2.0)


def test_signs_that_part_a_batch_in_two_halves_give_the_halves_as_parts() -> None:
    first, second = (3.0, 1.0), (1.0, -2.0)
    whole = sum((a + b) ** 2 for a, b in zip(first, second, strict=True))
    contrast = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    parts = sum(x * x for x in first + second)

    assert split_by_signs(whole, contrast) == split_by_parts(whole, parts, count=2)


def test_the_mean_over_processes_is_the_estimate_of_all_parts() -> None:
    known = [split_by_parts(whole=3.0, parts=p, count=4) for p in (1.0, 2.5)]

    together = split_by_parts(whole=3.0, parts=1.75, count=4)

    assert sum(s.slope for s in known) / 2 == pytest.approx(together.slope)
    assert sum(s.noise for s in known) / 2 == pytest.approx(together.noise)


def test_one_part_is_refused() -> None:
    with pytest.raises(ValueError, match="count is 1; it takes at least 2 parts to tell the slope from the noise"):
        split_by_parts(whole=1.0, parts=1.0, count=1)


def test_a_level_of_equal_weights_is_the_mean_with_its_standard_error() -> None:
    level = Level(1 - 1e-9)

    for value in (1.0, math.nan, 2.0, math.inf, 6.0):
        level.add(value)

    assert level.mean == pytest.approx(3.0)
    assert level.variance == pytest.approx(7.0 / 3)  # of 1, 2, 6: sample variance 7


def test_a_level_of_one_reading_knows_no_error() -> None:
    level = Level()
    empty = level.mean, level.variance

    level.add(5.0)

    assert math.isnan(empty[0])
    assert empty[1] == math.inf
    assert level.mean == 5.0
    assert level.variance == math.inf


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gradients_of_successive_steps_are_no_independent_parts_in_a_settled_run(seed: int) -> None:
    """SGD on h w²/2 with noise σ: E[∇F²] = ηhσ²/(2 - ηh) at every step, and products of neighbours are minus that."""
    rate, curvature, runs = 0.1, 1.0, 400_000
    draws = np.random.default_rng(seed).standard_normal((3, runs))
    slope_squared = rate * curvature / (2 - rate * curvature)
    weights = draws[0] * math.sqrt(slope_squared) / curvature  # as they lie once the run has settled
    first = curvature * weights + draws[1]
    second = curvature * (weights - rate * first) + draws[2]

    products = first * second

    error = products.std() / math.sqrt(runs)
    assert abs(products.mean() + slope_squared) < 4 * error
    assert 4 * error < slope_squared
