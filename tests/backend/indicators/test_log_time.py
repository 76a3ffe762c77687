"""Ultra-slow diffusion against powers of time."""

import numpy as np
import pytest

from ergoscope_server.indicators.log_time import growth
from ergoscope_server.indicators.points import FloatArray, Points, points
from tests.reference.ar1 import SEEDS

STEPS = np.unique(np.geomspace(1, 1e5, 400).astype(np.int64))


def _noisy(distances: FloatArray, *, seed: int) -> Points:
    return points(STEPS, distances + 0.05 * np.random.default_rng(seed).normal(size=len(STEPS)))


@pytest.mark.known_answer("log_time_slope")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_logarithm_is_told_from_a_power_and_its_slope_is_known(seed: int) -> None:
    slow = growth(_noisy(0.7 * np.log(STEPS), seed=seed))
    walk = growth(_noisy(0.2 * np.sqrt(STEPS), seed=seed))

    assert slow is not None
    assert walk is not None
    assert abs(slow.slope - 0.7) < 4 * slow.error < 0.03
    assert slow.lead < -100
    assert abs(walk.power - 0.5) < 1e-3
    assert walk.lead > 100


def test_separable_data_grow_as_the_logarithm_of_time_over_their_margin() -> None:
    """Gradient flow on exp(-γw): w = log(1 + γ² t)/γ."""
    margin = 0.5

    found = growth(points(STEPS, np.log1p(margin**2 * STEPS) / margin))

    assert found is not None
    assert found.slope == pytest.approx(1 / margin, rel=0.05)  # the first steps are not asymptotic
    assert found.lead < 0


def test_too_short_a_time_tells_nothing() -> None:
    few = points(np.arange(10, 25), np.ones(15))
    near = points(np.arange(100, 900), np.ones(800))
    sparse = points(np.array([10, *range(100, 130)]), np.ones(31))

    assert growth(few) is None
    assert growth(near) is None
    assert growth(sparse) is None
