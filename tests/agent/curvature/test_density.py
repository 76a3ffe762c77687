"""Quadrature against moments, counts and integrals that are known."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.density import average, mass_below, moment, pooled, smooth
from ergoscope.curvature.lanczos import Ritz, ritz
from ergoscope.curvature.vectors import normals
from tests.agent.curvature.matrices import covariance, runs_of, wigner

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
DRAWS = 8


def error_of_a_draw(values: np.ndarray) -> float:
    """Standard deviation of vᵀf(A)v over directions v, f(A) having these eigenvalues."""
    size = len(values)
    return float((2 * ((values**2).sum() - values.sum() ** 2 / size) / (size * (size + 2))) ** 0.5)


def warm() -> Ritz:
    return ritz([1.0, 2.0], [1.0, 0.1])


@BOTH
@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_moments_are_those_of_the_spectrum_to_the_error_of_the_draws(dtype: torch.dtype, order: int) -> None:
    matrix = wigner(600, seed=1, spikes=[4.0, 2.0, 0.8])
    powers = np.linalg.eigvalsh(matrix) ** order

    found = moment(runs_of(matrix, 10, draws=DRAWS, dtype=dtype), order)

    expected = error_of_a_draw(powers) / DRAWS**0.5
    assert abs(found.value - powers.mean()) <= 4 * expected + 1e-6
    # The estimate of a variance from 8 draws has 7 degrees of freedom: outside of these once in ten thousand.
    assert expected * 0.2 - 1e-6 < found.error < expected * 2.1 + 1e-6


def test_in_one_draw_a_moment_is_exact() -> None:
    matrix = wigner(300, seed=2)
    values, vectors = np.linalg.eigh(matrix)
    start = normals(300, seed=0, dtype=torch.float64).numpy()
    shares = (vectors.T @ start) ** 2 / (start @ start)

    runs = runs_of(matrix, 4, draws=1, dtype=torch.float64)

    for order in range(8):  # up to 2K − 1
        assert moment(runs, order).value == pytest.approx(shares @ values**order, abs=1e-11)
    assert abs(moment(runs, 8).value - shares @ values**8) > 0.1
    assert np.isnan(moment(runs, 1).error)


@pytest.mark.parametrize("steps", [39, 40])
def test_mass_is_between_its_limits_and_closer_than_the_weights_of_the_nodes_below(steps: int) -> None:
    matrix = wigner(800, seed=3, spikes=[4.0, 2.0])
    values, vectors = np.linalg.eigh(matrix)
    runs = runs_of(matrix, steps, draws=DRAWS, dtype=torch.float64)

    of_nodes, of_mass = [], []
    for seed, run in enumerate(runs):
        start = normals(800, seed=seed, dtype=torch.float64).numpy()
        truth = float(((vectors.T @ start) ** 2)[values < 0].sum() / (start @ start))
        found = mass_below([run])
        assert found.low - 1e-12 <= truth <= found.high + 1e-12
        of_mass.append(abs(found.value - truth))
        of_nodes.append(abs(run.weights[run.values < 0].sum() - truth))

    assert np.mean(of_mass) < np.mean(of_nodes)


def test_half_of_a_semicircle_is_below_zero() -> None:
    found = mass_below(runs_of(wigner(1000, seed=4), 40, draws=DRAWS))

    draw = error_of_a_draw(np.repeat([0.0, 1.0], 500))
    nodes = (found.high - found.low) / 4  # half of a node's weight, which interpolation is better than
    assert abs(found.value - 0.5) < 4 * draw / DRAWS**0.5 + nodes


@BOTH
def test_zeros_of_a_matrix_without_full_rank_are_not_below_zero(dtype: torch.dtype) -> None:
    runs = runs_of(covariance(400, 40, seed=5), 30, draws=2, dtype=dtype)

    found = mass_below(runs, floor=1e-5)

    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high > 0.8  # nine in ten are zeros, and quadrature cannot tell on which side they are


def test_all_and_nothing_are_beyond_the_ends() -> None:
    runs = runs_of(wigner(100, seed=0), 10, draws=2)

    assert mass_below(runs, -9.0).value == 0.0
    assert mass_below(runs, 9.0).value == 1.0


def test_the_density_integrates_to_one_and_has_the_moments() -> None:
    runs = runs_of(wigner(200, seed=6, spikes=[4.0]), 20, draws=3)

    density = smooth(runs)

    step = density.grid[1] - density.grid[0]
    # Six widths hold all but 2e-9; sums over Gaussians with three points a width are integrals to far more digits.
    assert density.values.sum() * step == pytest.approx(1.0, abs=1e-8)
    assert (density.values * density.grid).sum() * step == pytest.approx(moment(runs, 1).value, abs=1e-7)
    second = moment(runs, 2).value + density.width**2
    assert (density.values * density.grid**2).sum() * step == pytest.approx(second, abs=1e-7)
    assert density.errors.shape == density.grid.shape and (density.errors >= 0).all()


def test_the_picture_of_a_multiple_is_that_of_the_matrix() -> None:
    matrix = wigner(100, seed=7)
    one, thousandth = (runs_of(matrix * by, 15, draws=2, dtype=torch.float64) for by in (1.0, 0.001))

    large, small = smooth(one), smooth(thousandth)

    assert small.grid * 1000 == pytest.approx(large.grid, abs=1e-9)
    assert small.values / 1000 == pytest.approx(large.values, abs=1e-6)


def test_a_single_value_has_a_density_too() -> None:
    density = smooth([ritz([3.0], [0.0], random_start=True)])

    assert density.grid[np.argmax(density.values)] == pytest.approx(3.0)
    assert np.isnan(density.errors).all()


def test_what_is_sent_is_in_order_and_has_the_weight_one() -> None:
    runs = runs_of(wigner(100, seed=8), 10, draws=3)

    nodes, weights, residuals = pooled(runs)

    assert (np.diff(nodes) >= 0).all() and len(nodes) == len(weights) == len(residuals) == 30
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ nodes == pytest.approx(moment(runs, 1).value)


def test_one_number_has_no_error() -> None:
    assert average([2.0]).value == 2.0
    assert np.isnan(average([2.0]).error)


def test_products_that_were_not_finite_have_no_mass_and_no_picture() -> None:
    runs = [ritz([float("nan")], [1.0], random_start=True), ritz([1.0], [1.0], random_start=True)]

    assert np.isnan(moment(runs, 1).value) and np.isnan(mass_below(runs).value)
    with pytest.raises(ValueError, match="1 of 2 runs hold products that were not finite; they have no spectrum"):
        smooth(runs)


def test_a_warm_start_is_refused_since_its_weights_tell_about_itself() -> None:
    runs = [warm(), ritz([1.0], [1.0], random_start=True)]

    for refuse in (lambda: moment(runs, 1), lambda: mass_below(runs), lambda: smooth(runs), lambda: pooled(runs)):
        with pytest.raises(ValueError, match="1 of 2 runs began at a chosen vector, which biases the weights; draw it"):
            refuse()


def test_no_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="runs is empty; quadrature needs at least one"):
        moment([], 1)


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width is 0.0; it must be above 0"):
        smooth([ritz([1.0], [1.0], random_start=True)], width=0.0)
