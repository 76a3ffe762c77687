"""The trend of the squared norm: known slopes, and noise that has none."""

import numpy as np
import pytest

from ergoscope_server.indicators.norm_drift import norm_drift
from ergoscope_server.indicators.points import points
from tests.reference.ar1 import SEEDS, ar1

RUNS = 150


@pytest.mark.known_answer("norm_drift")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_covers_a_known_slope_of_the_square(seed: int) -> None:
    steps = 8 * np.arange(500)
    covered = 0
    for r in range(RUNS):
        squares = 100 + 2e-3 * steps + ar1(0.5, 500, seed=1000 * seed + r)
        found = norm_drift(points(steps, np.sqrt(squares)))
        assert found is not None
        covered += abs(found[0] - 2e-3) <= found[1]

    assert covered / RUNS > 0.93 - 4 * (0.93 * 0.07 / RUNS) ** 0.5


@pytest.mark.parametrize(
    ("phi", "n", "bound"), [(0.0, 100, 0.07), (0.5, 200, 0.07), (0.9, 2000, 0.08), (0.99, 8000, 0.15)]
)
def test_a_steady_norm_seldom_drifts(phi: float, n: int, bound: float) -> None:
    runs = [norm_drift(points(np.arange(n), np.sqrt(100 + ar1(phi, n, seed=r)))) for r in range(RUNS)]

    alarms = np.mean([found is not None and abs(found[0]) > found[1] for found in runs])
    assert alarms < bound + 4 * (bound * (1 - bound) / RUNS) ** 0.5  # nominal 5 %; few batches of long memory cost more


def test_sixteen_norms_are_needed() -> None:
    assert norm_drift(points(np.arange(15), np.ones(15))) is None
    assert norm_drift(points(np.arange(16), np.ones(16))) == (0.0, 0.0)
