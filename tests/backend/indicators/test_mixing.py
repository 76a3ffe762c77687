"""The decay of fluctuations against AR(1), whose autocorrelation is φ^k."""

import numpy as np
import pytest

from ergoscope_server.indicators.mixing import decay_rate
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 40


@pytest.mark.known_answer("acf_decay_rate")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("phi", [0.5, 0.9, 0.99])
def test_the_rate_of_ar1_is_its_coefficient(phi: float, seed: int) -> None:
    n = max(10_000, int(120 * memory(phi)))
    found = np.array([decay_rate(ar1(phi, n, seed=100 * seed + r)).rate for r in range(RUNS)])

    # The spread of the best estimate is sqrt((1 - φ²) / n), and a line through the logarithms has a little more; the
    # mean of the runs is held to the spread that is seen.
    assert abs(found.mean() - phi) < 4 * found.std(ddof=1) / RUNS**0.5
    assert found.std(ddof=1) > 0.5 * ((1 - phi**2) / n) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_of_the_batches_lowers_all_lags_alike_and_the_rate_stays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noisy = [ar1(0.9, 10_000, seed=100 * seed + r) + rng.normal(size=10_000) for r in range(RUNS)]

    found = np.array([decay_rate(series).rate for series in noisy])

    assert abs(found.mean() - 0.9) < 4 * found.std(ddof=1) / RUNS**0.5


@pytest.mark.parametrize("phi", [0.5, 0.9, 0.99])
def test_the_interval_holds_the_coefficient_as_often_as_a_jackknife_may(phi: float) -> None:
    n, runs = max(2000, int(120 * memory(phi))), 120
    found = [decay_rate(ar1(phi, n, seed=r)) for r in range(runs)]

    held = np.mean([abs(one.rate - phi) < 1.96 * one.error for one in found])

    assert held > 0.88 - 4 * (0.88 * 0.12 / runs) ** 0.5  # measured: 88, 94, 88 %


@pytest.mark.parametrize("values", [ar1(0, 4000, seed=1), np.ones(4000)])
def test_what_forgets_itself_at_once_has_the_rate_zero(values: np.ndarray) -> None:
    assert decay_rate(values).rate == 0.0
    assert decay_rate(values).lags == 0


def test_one_lag_is_its_correlation() -> None:
    found = decay_rate(ar1(0.2, 40_000, seed=1))

    assert found.lags == 1
    assert abs(found.rate - 0.2) < 4 * (1 / 40_000) ** 0.5  # Bartlett's bound on the spread of ρ_1


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^399 values; the decay of fluctuations needs at least 400$"):
        decay_rate(np.zeros(399))
