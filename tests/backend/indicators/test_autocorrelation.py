"""Integrated autocorrelation time against AR(1), where it is (1+φ)/(1-φ)."""

import numpy as np
import pytest

from ergoscope_server.indicators.autocorrelation import autocorrelation, iat_geyer, iat_sokal
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 40


def test_acf_by_fourier_is_the_sum_of_products() -> None:
    values = ar1(0.5, 200, seed=0)
    centred = values - values.mean()
    direct = [float(centred[k:] @ centred[: 200 - k]) for k in range(200)]

    assert autocorrelation(values) == pytest.approx(np.array(direct) / direct[0], abs=1e-12)


@pytest.mark.parametrize("values", [np.full(500, 0.3), np.zeros(500)])
def test_a_constant_series_remembers_nothing(values: np.ndarray) -> None:
    assert iat_geyer(values).tau == 1.0


@pytest.mark.known_answer("iat")
@pytest.mark.parametrize("seed", SEEDS)
def test_tau_of_ar1_is_nineteen(seed: int) -> None:
    found = [iat_geyer(ar1(0.9, 10_000, seed=100 * seed + r)) for r in range(RUNS)]

    mean = np.mean([f.tau for f in found])
    error = np.mean([f.error for f in found]) / RUNS**0.5  # Sokal's formula, which is above the spread seen

    assert abs(mean - memory(0.9)) < 4 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_tau_of_squared_ar1_follows_the_squared_coefficient(seed: int) -> None:
    found = [iat_geyer(ar1(0.9, 10_000, seed=100 * seed + r) ** 2) for r in range(RUNS)]

    error = np.mean([f.error for f in found]) / RUNS**0.5

    assert abs(np.mean([f.tau for f in found]) - memory(0.81)) < 4 * error


@pytest.mark.known_answer("ess")
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_steps_of_ar1_are_worth_n_over_nineteen(seed: int) -> None:
    found = [iat_geyer(ar1(0.9, 10_000, seed=100 * seed + r)) for r in range(RUNS)]

    inverse = [1 / f.ess for f in found]  # τ/n is unbiased, n/τ is not
    error = np.mean([f.error for f in found]) / 10_000 / RUNS**0.5

    assert abs(np.mean(inverse) - memory(0.9) / 10_000) < 4 * error


def test_geyer_varies_less_than_sokal() -> None:
    series = [ar1(0.9, 10_000, seed=r) for r in range(2 * RUNS)]

    # The ratio of variances is 2.6; with 80 runs its logarithm has standard error sqrt(4 / 79) = 0.23.
    assert np.var([iat_geyer(s).tau for s in series]) < np.var([iat_sokal(s).tau for s in series])


def test_sokal_agrees_on_the_mean() -> None:
    found = [iat_sokal(ar1(0.9, 10_000, seed=r)) for r in range(RUNS)]

    assert abs(np.mean([f.tau for f in found]) - 19) < 4 * np.mean([f.error for f in found]) / RUNS**0.5


def test_alternating_noise_is_not_worth_more_than_its_points() -> None:
    assert iat_geyer(ar1(-0.9, 5000, seed=0)).tau == 1.0


def test_a_window_below_fifty_memories_says_so() -> None:
    assert not iat_geyer(ar1(0.99, 2000, seed=0)).reliable
    assert iat_geyer(ar1(0.9, 10_000, seed=0)).reliable
