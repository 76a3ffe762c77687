"""Clear falls, without an interval."""

import numpy as np
import pytest

from ergoscope_server.indicators.fall import steep, throughout
from tests.reference.ar1 import ar1

WALKS = 4000


def test_a_curve_without_noise_falls_throughout() -> None:
    assert throughout(np.exp(-np.arange(2000) / 1500))
    assert throughout(1 / (1 + np.arange(9000) / 100))


def test_a_curve_that_creeps_towards_its_limit_no_longer_falls() -> None:
    # In the newest half 1e-4 of the mean is left to go.
    assert not throughout(1 + np.exp(-np.arange(2000) / 110))


def test_what_matters_is_counted_in_steps_and_not_in_points() -> None:
    values = 1 - 1.2e-6 * np.arange(2400)  # 0.12 % per 1,000 points

    assert throughout(5 * values - 4)  # 0.6 %
    assert not throughout(5 * values - 4, step=2)


def test_one_part_that_does_not_fall_is_enough_to_say_nothing() -> None:
    values = 1 - 1e-4 * np.arange(2400)
    values[1200:1400] += 0.03

    assert not throughout(values)


def test_a_random_walk_falls_throughout_once_in_five_hundred_windows() -> None:
    walks = np.random.default_rng(3).standard_normal((WALKS, 240)).cumsum(axis=1) + 1000

    rate = np.mean([throughout(walk) for walk in walks])

    # Differences of neighbouring means share steps, with a correlation of 1/4: without it the rate would be 2^-11.
    assert rate < 2e-3 + 4 * (2e-3 / WALKS) ** 0.5


@pytest.mark.parametrize("phi", [0.0, 0.9, 0.99])
def test_noise_about_a_level_never_falls(phi: float) -> None:
    runs = [1 + 0.1 * ar1(phi, 1200, seed=seed) for seed in range(300)]

    assert sum(map(throughout, runs)) == 0
    assert phi > 0.9 or sum(map(steep, runs)) == 0  # of a memory of a sixth of the window the rough one may be wrong
