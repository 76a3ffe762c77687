"""Errors of means of readings that remember, against a process whose error is known."""

import math

import numpy as np
import pytest

from ergoscope.curvature.batch_means import covariance_of_means, error_of_ratio


def _remembering(count: int, length: int, memory: float) -> np.ndarray:
    """AR(1) series with variance 1; the variance of their means is (1 + memory) / (1 − memory) / length at length."""
    noise = np.random.default_rng(0).normal(size=(count, length)) * (1 - memory**2) ** 0.5
    series = np.empty_like(noise)
    series[:, 0] = noise[:, 0] / (1 - memory**2) ** 0.5
    for step in range(1, length):
        series[:, step] = memory * series[:, step - 1] + noise[:, step]
    return series


def test_the_error_of_readings_that_remember_is_not_that_of_independent_ones() -> None:
    series = _remembering(200, 1600, memory=0.8)
    truth = 9.0 / 1600

    found = np.array([covariance_of_means(one[None])[0, 0] for one in series])

    # 40 batches of 40; a batch mean lacks 2ρ/((1 − ρ²) b) = .11 of the variance of a long mean, at first order.
    assert abs(found.mean() / truth - (1 - 2 * 0.8 / (1 - 0.64) / 40)) < 4 * (2 / 39 / 200) ** 0.5
    assert found.mean() > 5 * series.var() / 1600


def test_readings_taken_together_have_a_covariance() -> None:
    noise = np.random.default_rng(1).normal(size=(2, 10_000))

    found = covariance_of_means(np.stack([noise[0], noise[0] + noise[1]])) * 10_000

    assert np.allclose(found, [[1, 1], [1, 2]], rtol=0, atol=4 * 2 * (2 / 99) ** 0.5)


def test_the_error_of_a_ratio_is_smaller_where_both_go_together() -> None:
    rng = np.random.default_rng(2)
    repeats, n = 200, 400
    bottom = 5 + rng.normal(size=(repeats, n))
    top = 2 * bottom + 0.1 * rng.normal(size=(repeats, n))

    ratios = (top.mean(axis=1) / bottom.mean(axis=1)).var(ddof=1)
    reported = np.mean([error_of_ratio(np.stack(pair)) ** 2 for pair in zip(top, bottom, strict=True)])

    assert abs(reported / (0.01 / n / 25) - 1) < 4 * (2 / 19 / repeats) ** 0.5 + 2 / n
    assert abs(ratios / reported - 1) < 4 * (2 / repeats) ** 0.5 * 1.1


def test_too_few_readings_have_no_error() -> None:
    assert np.isnan(covariance_of_means([[1.0, 2.0, 3.0]])).all()
    assert math.isnan(error_of_ratio(np.zeros((2, 0))))
    assert math.isnan(error_of_ratio([[1.0] * 4, [0.0] * 4]))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"readings have shape \(3,\); it must be \(series, n\)"):
        covariance_of_means([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"readings have shape \(1, 2\); it must be \(2, n\)"):
        error_of_ratio([[1.0, 2.0]])
