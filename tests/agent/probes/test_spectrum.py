"""What is published of a Hessian whose spectrum is known."""

import numpy as np
import pytest
import torch

from ergoscope.probes.spectrum import DRAWS, FEWER, STEPS
from tests.agent.curvature.matrices import covariance, wigner
from tests.agent.probes.spectra import Numbers, error_of_a_draw, latest, quadrature, spectra, still

SIZE = 600
READINGS = 16


def spiked() -> tuple[Numbers, Numbers]:
    """A Wigner matrix with spikes 4, 2 and .8, and its eigenvalues."""
    matrix = wigner(SIZE, seed=1, spikes=[4.0, 2.0, 0.8])
    return matrix, np.linalg.eigvalsh(matrix)


@pytest.mark.known_answer("hess_trace", "hess_fro", "spectral_density")
@pytest.mark.parametrize("fixed", [False, True])
def test_sums_and_moments_are_those_of_the_matrix_to_the_error_of_the_draws(fixed: bool) -> None:
    matrix, values = spiked()

    outlet = still(matrix, fixed=fixed).until(1)

    error, squared = (SIZE * error_of_a_draw(values**power) / DRAWS**0.5 for power in (1, 2))
    size = float((values**2).sum() ** 0.5)
    assert abs(latest(outlet, "hess_trace") - values.sum()) <= 4 * error
    assert abs(latest(outlet, "hess_fro") - size) <= 4 * squared / (2 * size)
    (record,) = spectra(outlet)
    nodes, weights, _ = quadrature(record)
    assert record.key == "spectral_density"
    assert len(nodes) == DRAWS * (STEPS if fixed else FEWER)
    assert weights.sum() == pytest.approx(1.0)
    for power in (1, 2, 3, 4):
        draws = error_of_a_draw(values**power) / DRAWS**0.5
        assert abs(weights @ nodes**power - (values**power).mean()) <= 4 * draws
    assert latest(outlet, "hess_trace") == pytest.approx(SIZE * (weights @ nodes), abs=1e-3)


@pytest.mark.known_answer("hess_trace_error", "hess_fro_error")
def test_the_errors_of_the_sums_are_those_that_theory_gives() -> None:
    matrix = wigner(200, seed=2)
    values = np.linalg.eigvalsh(matrix)

    outlet = still(matrix).until(READINGS)

    trace = 200 * error_of_a_draw(values) / DRAWS**0.5
    size = 200 * error_of_a_draw(values**2) / DRAWS**0.5 / (2 * (values**2).sum() ** 0.5)
    for key, expected in (("hess_trace_error", trace), ("hess_fro_error", size)):
        squares = np.mean(np.square(list(outlet.series(key).values())))
        # The mean of 16 estimates of a variance with 4 degrees of freedom each.
        assert squares == pytest.approx(expected**2, rel=4 * (2 / (READINGS * (DRAWS - 1))) ** 0.5)


@pytest.mark.known_answer("outlier_count")
@pytest.mark.parametrize("fixed", [False, True])
def test_of_three_spikes_the_two_that_stand_out_are_counted_where_theory_has_them(fixed: bool) -> None:
    matrix, _ = spiked()

    outlet = still(matrix, fixed=fixed).until(1)

    assert latest(outlet, "outlier_count") == 2
    nodes, _, residuals = quadrature(spectra(outlet)[0])
    for spike in (4.0, 2.0):
        place, error = spike + 1 / spike, (2 * (1 - spike**-2) / SIZE) ** 0.5  # Capitaine et al. (2009)
        assert residuals[np.abs(nodes - place) < 4 * error].min() < 0.1


@pytest.mark.known_answer("outliers_unresolved")
def test_what_a_draw_has_too_few_products_for_is_told() -> None:
    bulk = 0.5 * np.cos(np.pi * (np.arange(2000) + 0.5) / 2000)
    ten, twenty = (np.concatenate([np.linspace(2, 20, tops), bulk]) for tops in (10, 20))

    resolved, many = (still(values, fixed=True).until(1) for values in (ten, twenty))

    assert (latest(resolved, "outlier_count"), latest(resolved, "outliers_unresolved")) == (10, 0)
    count, open_ = latest(many, "outlier_count"), latest(many, "outliers_unresolved")
    assert 0 < count < 20
    assert 0 < open_ < STEPS
    # What has converged, to a tenth of the distance of two, is an eigenvalue; and one draw counts no more than all.
    nodes, _, residuals = quadrature(spectra(many)[0])
    beyond, apart = nodes > 1.0, 18 / 19
    sure = beyond & (residuals < 0.1 * apart)
    distances = np.abs(nodes[sure, None] - twenty[:20])
    assert (distances.min(axis=1) <= residuals[sure] + 1e-4).all()
    assert count <= len(set(distances.argmin(axis=1)))
    assert (beyond & ~sure).any()


@pytest.mark.known_answer("neg_curv_mass", "neg_curv_mass_low", "neg_curv_mass_high")
@pytest.mark.parametrize("below", [300, 120])
def test_the_share_of_negative_eigenvalues_is_found_and_lies_within_its_bounds(below: int) -> None:
    values = np.linalg.eigvalsh(wigner(SIZE, seed=3))
    values -= (values[below] + values[below - 1]) / 2

    outlet = still(values, fixed=True).until(1)

    low, found, high = (latest(outlet, f"neg_curv_mass{end}") for end in ("_low", "", "_high"))
    error = 4 * error_of_a_draw((values < 0).astype(np.float64)) / DRAWS**0.5
    assert low - error <= below / SIZE <= high + error
    assert abs(found - below / SIZE) <= error + (high - low) / 4  # half of a node's weight


@pytest.mark.known_answer("lla_re", "lla_kh")
def test_the_criteria_of_a_symmetric_spectrum_are_one_and_of_a_positive_one_nothing_and_the_ratio_of_its_ends() -> None:
    half = np.abs(np.linalg.eigvalsh(wigner(SIZE // 2, seed=4)))
    positive = np.linalg.eigvalsh(covariance(500, 2000, seed=0, spike=9.0))  # from ¼ to 2¼, and a spike at 9.28

    symmetric, convex = still(np.concatenate([half, -half])).until(READINGS), still(positive, fixed=True).until(1)

    for key in ("lla_re", "lla_kh"):  # −A is as likely as A, and turns both into their inverses
        logs = np.log(list(symmetric.series(key).values()))
        assert abs(logs.mean()) < 5 * logs.std(ddof=1) / READINGS**0.5  # of 15 degrees of freedom once in 6,000
        assert abs(logs.mean()) < 0.1
    assert latest(convex, "lla_kh") == 0.0
    assert latest(convex, "neg_curv_mass") == 0.0
    late = quadrature(spectra(convex)[0])[2].max()
    ratio = positive[0] / positive[-1]
    assert ratio * (1 - 1e-5) <= latest(convex, "lla_re") <= ratio + late / positive[-1]
    assert ratio == pytest.approx(0.0276, rel=0.15)  # (1 − √γ)²/9.28 at γ = ¼, but for the ends of a finite matrix


@pytest.mark.known_answer("neg_curv_mass_error", "lla_re_error", "lla_kh_error")
def test_readings_of_one_matrix_spread_as_their_errors_say() -> None:
    matrix = wigner(200, seed=5)

    outlet = still(matrix).until(2 * READINGS)

    for key in ("neg_curv_mass", "lla_re", "lla_kh"):
        spread = np.var(list(outlet.series(key).values()), ddof=1)
        told = np.mean(np.square(list(outlet.series(f"{key}_error").values())))
        # The logarithm of a ratio of variances with 31 and 128 degrees of freedom.
        assert abs(np.log(spread / told)) < 4 * (2 / 31 + 2 / 128) ** 0.5


def test_double_precision_is_kept_on_the_way() -> None:
    values = np.linspace(1.0, 2.0, 8)

    outlet = still(values, fixed=True, dtype=torch.float64).until(1)

    nodes, _, _ = quadrature(spectra(outlet)[0])
    assert nodes.reshape(8, DRAWS) == pytest.approx(np.repeat(values[:, None], DRAWS, axis=1), abs=1e-12)
