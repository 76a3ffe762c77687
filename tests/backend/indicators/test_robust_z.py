"""How unusual a value is: size, and false alarms under light and heavy tails."""

import numpy as np
import pytest

from ergoscope_server.indicators.robust_z import mad, robust_z
from tests.reference.ar1 import SEEDS, ar1, student

N = 20_000


def test_z_is_the_gap_in_robust_deviations() -> None:
    past = ar1(0, 200, seed=0)
    values = np.append(past, 3.0)

    assert robust_z(values)[0] == pytest.approx((3.0 - np.median(past)) / mad(past))


@pytest.mark.known_answer("loss_robust_z")
@pytest.mark.parametrize("seed", SEEDS)
def test_false_alarms_are_none_for_gaussian_noise_and_known_for_heavy_tails(seed: int) -> None:
    for phi in (0.0, 0.9):
        assert np.all(robust_z(ar1(phi, N, seed=seed), newest=N) < 8)
    heavy = robust_z(student(N, seed=seed), newest=N)

    # Reference 5.7e-3 and 1.3e-3, from as many draws as here; four Poisson errors of both counts.
    for limit, rate in ((5, 5.7e-3), (8, 1.3e-3)):
        assert abs(np.sum(heavy > limit) - rate * N) < 4 * (2 * rate * N) ** 0.5


def test_a_past_without_spread_gives_zero_or_infinity() -> None:
    assert robust_z(np.ones(201)).tolist() == [0.0]
    assert robust_z(np.append(np.ones(200), 0.5)).tolist() == [-np.inf]


def test_no_full_window_gives_nothing() -> None:
    assert robust_z(np.ones(200)).size == 0
    assert robust_z(ar1(0, 203, seed=1), newest=10).size == 3
