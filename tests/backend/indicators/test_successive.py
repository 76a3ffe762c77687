"""Agreement of successive gradients of SGD on a quadratic, whose value is known."""

import numpy as np
import pytest

from ergoscope_server.indicators.points import FloatArray, Points, points
from ergoscope_server.indicators.successive import agreement, implied_curvature
from tests.reference.ar1 import SEEDS

CURVATURES, NOISE, RATE = np.array([4.0, 1.0, 0.25]), np.array([1.0, 0.5, 2.0]), 0.2


def _gradients(n: int, *, seed: int) -> FloatArray:
    """Of SGD at its stationary law on ½Σhθ² with gradient noise of covariance NOISE, shape (n, 3)."""
    random = np.random.default_rng(seed)
    kicks = random.normal(size=(n, 3)) * NOISE**0.5
    at = random.normal(size=3) * (RATE * NOISE / (CURVATURES * (2 - RATE * CURVATURES))) ** 0.5
    found = np.empty((n, 3))
    for t in range(n):
        found[t] = CURVATURES * at + kicks[t]
        at = at - RATE * found[t]
    return found


def _series(gradients: FloatArray) -> tuple[Points, Points]:
    """What the agent would log of every other pair: the change of the gradient, and its norm."""
    now, before = gradients[1::2], gradients[0::2]
    squares = (now**2).sum(axis=1), (before**2).sum(axis=1)
    changes = np.linalg.norm(now - before, axis=1) / np.sqrt(0.5 * (squares[0] + squares[1]))
    steps = np.arange(1, len(gradients), 2)
    return points(steps, changes), points(steps, squares[0] ** 0.5)


@pytest.mark.known_answer("pflug_stat", "implied_curvature")
@pytest.mark.parametrize("seed", SEEDS)
def test_sgd_on_a_quadratic_gives_the_mean_curvature_that_its_noise_feels(seed: int) -> None:
    found = agreement(*_series(_gradients(40_000, seed=seed)))

    assert found is not None
    assert found.value is not None
    assert found.high is not None
    error = (found.high - found.low) / 2 / 1.96
    assert abs(found.value + 0.181) < 4 * error
    assert error < 0.01  # 20,000 pairs of spread near 1
    weights = 2 * NOISE / (2 - RATE * CURVATURES)
    theory = float(weights @ CURVATURES / weights.sum())
    assert implied_curvature(-0.181, rate=RATE) == pytest.approx(theory, abs=1e-3)
    assert abs(implied_curvature(found.value, rate=RATE) - theory) < 4 * 2 * error / RATE


def test_gradients_without_memory_agree_with_nothing_and_steady_ones_with_all() -> None:
    random = np.random.default_rng(0).normal(size=(2000, 50))
    noise, steady = agreement(*_series(random)), agreement(*_series(np.ones((40, 50))))

    assert noise is not None
    assert noise.high is not None
    assert steady is not None
    assert noise.low < 0 < noise.high
    assert steady.value == 1.0


def test_only_steps_with_both_count() -> None:
    changes, norms = _series(_gradients(40, seed=1))

    assert agreement(changes, norms.newest(7)) is None
    few = agreement(changes, norms.newest(8))
    assert few is not None
    assert few.n == 8
