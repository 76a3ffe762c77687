"""Ratios of means with an interval, where there is a denominator."""

import numpy as np
import pytest

from ergoscope_server.indicators.noise_scale import ratio_of_means
from tests.reference.ar1 import SEEDS

RUNS = 200


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_covers_a_known_noise_scale(seed: int) -> None:
    """tr Σ = 25 ± .43 over ‖∇F‖² = .09 ± .011 a reading: 277.8 examples."""
    covered = 0
    for r in range(RUNS):
        random = np.random.default_rng(1000 * seed + r)
        found = ratio_of_means(25 + 0.43 * random.normal(size=100), 0.09 + 0.0111 * random.normal(size=100))
        assert found is not None
        assert found.value is not None
        assert found.high is not None
        covered += found.low <= 25 / 0.09 <= found.high

    assert covered / RUNS > 0.93 - 4 * (0.93 * 0.07 / RUNS) ** 0.5


def test_it_is_a_ratio_of_means_and_not_a_mean_of_ratios() -> None:
    found = ratio_of_means(np.ones(8), np.tile([0.5, 1.5], 4))

    assert found is not None
    assert found.value == pytest.approx(1.0)  # the mean of ratios is 1.33


def test_what_both_share_counts_once() -> None:
    shared = 1 + 0.1 * np.random.default_rng(0).normal(size=100)

    found = ratio_of_means(3 * shared, shared)

    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((3.0, 3.0, 3.0))


def test_a_denominator_that_may_be_zero_gives_a_bound_alone() -> None:
    random = np.random.default_rng(0)
    near = ratio_of_means(np.ones(50), 1e-3 + 0.01 * random.normal(size=50))
    below = ratio_of_means(np.ones(50), -1 + 0.01 * random.normal(size=50))

    assert near is not None
    assert below is not None
    assert (near.value, near.high, below.value, below.low) == (None, None, None, np.inf)
    assert near.low > 1 / (1e-3 + 6 * 0.01 * 50**-0.5)  # the mean, its deviation and its interval: six errors at most
    assert ratio_of_means(np.ones(7), np.ones(7)) is None
