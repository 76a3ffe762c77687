"""Windows at growing separation: the level of the test on correlated noise, and what it sees."""

import numpy as np
import pytest

from ergoscope_server.indicators.separation import separation_test
from ergoscope_server.indicators.windows import energy_distance
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 150


@pytest.mark.known_answer("inv_loss")
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
def test_correlated_noise_drifts_as_rarely_as_stated(phi: float) -> None:
    n = max(2000, int(140 * memory(phi)))
    found = [separation_test(ar1(phi, n, seed=r), tau=memory(phi)) for r in range(RUNS)]

    p = np.array([one.p for one in found])
    assert np.mean(p <= 0.05) < 0.06 + 4 * (0.06 * 0.94 / RUNS) ** 0.5  # measured: 4 to 7 % of 300
    assert np.mean([one.steady is False for one in found]) < 0.01 + 4 * (0.01 * 0.99 / RUNS) ** 0.5
    flat = np.array([one.by_gap - one.chance for one in found])
    assert (np.abs(flat.mean(axis=0)) < 4 * flat.std(axis=0, ddof=1) / RUNS**0.5).all()


@pytest.mark.known_answer("inv_norms")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_drift_and_a_walk_are_seen_and_grow_with_the_gap(seed: int) -> None:
    noise = ar1(0.5, 6000, seed=seed)

    drift = separation_test(noise + np.linspace(0, 1.5, 6000), tau=3.0)
    walk = separation_test(np.cumsum(noise), tau=3.0)

    assert drift.steady is False
    assert walk.steady is False
    assert drift.by_gap[-1] > drift.by_gap[0] > drift.chance / 2


def test_the_distances_are_energy_distances_of_the_windows() -> None:
    values = ar1(0, 480, seed=3)
    found = separation_test(values, tau=1.0)
    windows = values.reshape(6, 80)

    next_ones = [energy_distance(windows[i], windows[i + 1]) for i in range(5)]
    assert found.by_gap[0] == pytest.approx(np.mean(next_ones), rel=1e-9)
    assert found.by_gap[4] == pytest.approx(energy_distance(windows[0], windows[5]), rel=1e-9)


def test_between_the_bounds_it_does_not_tell() -> None:
    found = [separation_test(ar1(0, 480, seed=s) + np.linspace(0, 0.4, 480), tau=1.0) for s in range(40)]

    assert {one.steady for one in found if 0.01 < one.p <= 0.05} == {None}


def test_too_few_draws_are_refused() -> None:
    text = r"^119 independent draws; 120 are needed for four blocks in each of six windows$"
    with pytest.raises(ValueError, match=text):
        separation_test(ar1(0, 1190, seed=0), tau=10.0)
