"""Edges of bulks that theory knows, and spikes beyond them that can or cannot be seen."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.lanczos import ritz
from ergoscope.curvature.outliers import Bulk, Outliers, edges, find_bulk, find_outliers, semicircle
from tests.agent.curvature.matrices import covariance, five_on_a_bulk, runs_of, wigner

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def tops_of_spikes(size: int, spikes: list[float]) -> tuple[list[float], list[float]]:
    """Where spikes on a real Wigner matrix appear, and with what standard deviation (Capitaine et al. 2009)."""
    return [s + 1 / s for s in spikes], [(2 * (1 - s**-2) / size) ** 0.5 for s in spikes]


@BOTH
def test_two_of_three_spikes_on_a_wigner_matrix_are_seen_where_theory_says(dtype: torch.dtype) -> None:
    size = 1000
    places, errors = tops_of_spikes(size, [4.0, 2.0])

    runs = runs_of(wigner(size, seed=1, spikes=[4.0, 2.0, 0.8]), 40, draws=3, dtype=dtype)
    found = find_outliers(runs)

    assert (found.below, found.above, found.count, found.unresolved) == (0, 2, 2, 0)
    for run in runs:
        for value, place, error in zip(run.values[[-1, -2]], places, errors, strict=True):
            assert abs(value - place) < 4 * error
    # The width follows from the second moment, of which a draw has the relative error √(2/size).
    assert [found.bulk.low, found.bulk.high] == pytest.approx([-2.0, 2.0], abs=4 * (2 / size) ** 0.5 * 2)


@BOTH
def test_the_bulk_of_marchenko_and_pastur_ends_where_theory_says_and_its_spike_counts(dtype: torch.dtype) -> None:
    samples, size, gamma = 4000, 1000, 0.25
    matrix = covariance(size, samples, seed=2, spike=9.0)
    exact = np.linalg.eigvalsh(matrix)

    runs = runs_of(matrix, 40, draws=3, dtype=dtype)
    found = find_outliers(runs)

    assert (found.below, found.above, found.unresolved) == (0, 1, 0)
    # 9 (1 + γ/8), with the standard deviation 9 √(2 (1 − γ/64) / samples): 2 %.
    assert abs(runs[0].values[-1] - 9 * (1 + gamma / 8)) < 4 * 9 * (2 * (1 - gamma / 64) / samples) ** 0.5
    # The largest of the bulk: edge 2.25, less 1.21 and give or take 1.27 units of .0086 (Johnstone 2001).
    assert abs(exact[-2] - (2.25 - 1.21 * 0.0086)) < 4 * 1.27 * 0.0086
    # Mean 1, variance γ and third moment γ² of the bulk, each with the error of a direction out of `size`.
    assert found.bulk.high == pytest.approx(2.25, abs=4 * 3 * (2 / size / 3) ** 0.5 * gamma)
    assert found.bulk.low == pytest.approx(0.25, abs=4 * 3 * (2 / size / 3) ** 0.5 * gamma)


def test_moments_without_skewness_put_the_edge_of_marchenko_and_pastur_too_low() -> None:
    values = np.linalg.eigvalsh(covariance(500, 2000, seed=3))
    mean, variance, third = values.mean(), values.var(), ((values - values.mean()) ** 3).mean()

    symmetric, skewed = edges(mean, variance), edges(mean, variance, third)

    assert symmetric.high == pytest.approx(2.0, abs=0.03) and skewed.high == pytest.approx(2.25, abs=0.03)
    assert np.count_nonzero(values > symmetric.widened(1.1).high) > 0
    assert np.count_nonzero(values > skewed.widened(1.1).high) == 0


def test_a_shift_of_the_spectrum_hides_no_outlier() -> None:
    size, shift = 500, 5.0
    matrix = wigner(size, seed=4, spikes=[4.0]) + shift * np.eye(size)
    values = np.linalg.eigvalsh(matrix)

    about_zero = 2 * float(((values[:-1] ** 2).sum() / size) ** 0.5)
    about_the_mean = semicircle(values.sum(), (values**2).sum(), size, [values[-1]])

    assert values[-1] < 1.1 * about_zero  # the radius of a bulk around zero takes the shift for width
    assert find_outliers(runs_of(matrix, 40, draws=2)).above == 1
    # Mean of size/2 and variance of size²/4 independent entries, to four standard errors.
    assert [about_the_mean.low, about_the_mean.high] == pytest.approx([3.0, 7.0], abs=4 * 2 * 2 / size)


def test_all_five_steps_of_a_staircase_are_outliers() -> None:
    runs = runs_of(np.diag(five_on_a_bulk(600)), 60, draws=2)

    found = find_outliers(runs)

    # A bulk uniform on (−.5, 1) has the standard deviation 1.5/√12: edges at ¼ ± .866, give or take a draw's error.
    assert (found.below, found.above) == (0, 5)
    assert [found.bulk.low, found.bulk.high] == pytest.approx([-0.616, 1.116], abs=4 * 2 * 0.433 * (1 / 600) ** 0.5)


def test_where_most_eigenvalues_are_zero_the_others_are_no_outliers() -> None:
    # γ = 10: nine in ten are zeros, the others between (√10 − 1)² = 4.7 and (√10 + 1)² = 17.3.
    matrix = covariance(1000, 100, seed=6)
    spiked = matrix + 300 * np.outer(np.eye(1000)[0], np.eye(1000)[0])

    plain, with_spike = (find_outliers(runs_of(one, 30, draws=4)) for one in (matrix, spiked))

    assert (plain.above, with_spike.above) == (0, 1)


def test_negative_outliers_are_told_apart() -> None:
    found = find_outliers(runs_of(wigner(500, seed=7, spikes=[4.0, -3.0]), 40, draws=2))

    assert (found.below, found.above, found.count) == (1, 1, 2)


def test_what_has_not_converged_is_not_counted_but_told() -> None:
    found = find_outliers(runs_of(np.diag(five_on_a_bulk()), 4, draws=1), bulk=Bulk(-0.5, 1.0))

    assert found.count + found.unresolved <= 4 and found.unresolved > 0


def test_known_edges_serve_warm_runs_too() -> None:
    warm = ritz([5.0, 0.0], [0.01, 0.01])

    assert find_outliers([warm], bulk=Bulk(-1.0, 1.0)) == Outliers(0, 1, Bulk(-1.0, 1.0), 0)
    with pytest.raises(ValueError, match="1 of 1 runs began at a chosen vector"):
        find_outliers([warm])


def test_a_multiple_of_one_has_a_bulk_of_one_point() -> None:
    runs = [ritz([2.0], [0.0], random_start=True)]

    assert find_outliers(runs) == Outliers(0, 0, Bulk(2.0, 2.0), 0)


def test_products_that_were_not_finite_have_no_outliers_to_count() -> None:
    runs = [ritz([float("nan")], [1.0], random_start=True)]

    for bulk in (None, Bulk(0.0, 1.0)):
        with pytest.raises(ValueError, match="1 of 1 runs hold products that were not finite"):
            find_outliers(runs, bulk=bulk)


def test_a_margin_within_the_bulk_is_refused() -> None:
    with pytest.raises(ValueError, match=r"margin is 1.0; it must be above 1"):
        find_bulk([ritz([1.0], [1.0], random_start=True)], margin=1.0)


def test_more_outliers_than_eigenvalues_are_refused() -> None:
    with pytest.raises(ValueError, match="2 outliers of 2 eigenvalues leave none; give fewer"):
        semicircle(1.0, 1.0, 2, [1.0, 2.0])
