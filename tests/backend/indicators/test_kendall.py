"""The trend test by ranks: its level on correlated noise, and what it sees."""

import itertools

import numpy as np
import pytest

from ergoscope_server.indicators.kendall import mann_kendall_z
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 200
BOUND = 0.05 + 4 * (0.05 * 0.95 / RUNS) ** 0.5


def test_z_is_the_count_of_rising_pairs() -> None:
    values = ar1(0, 30, seed=4)
    pairs = sum(np.sign(b - a) for a, b in itertools.combinations(values.reshape(10, 3).mean(axis=1), 2))

    assert mann_kendall_z(values, tau=1.2) == pytest.approx((pairs - np.sign(pairs)) / (10 * 9 * 25 / 18) ** 0.5)


@pytest.mark.known_answer("mk_z")
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
def test_correlated_noise_alarms_at_the_stated_rate(phi: float) -> None:
    n = max(2000, int(120 * memory(phi)))
    z = np.array([mann_kendall_z(ar1(phi, n, seed=r), tau=memory(phi)) for r in range(RUNS)])

    assert np.mean(np.abs(z) > 1.96) < BOUND


def test_without_blocks_it_alarms_most_of_the_time() -> None:
    z = np.array([mann_kendall_z(ar1(0.9, 400, seed=r), tau=0.4) for r in range(50)])

    assert np.mean(np.abs(z) > 1.96) > 0.59 - 4 * (0.59 * 0.41 / 50) ** 0.5  # 59 % is published for 1,000 steps


@pytest.mark.parametrize("seed", SEEDS)
def test_a_trend_is_seen_with_its_sign(seed: int) -> None:
    noise = ar1(0.5, 2000, seed=seed)

    assert mann_kendall_z(noise + np.linspace(0, 2, 2000), tau=3.0) > 2.6
    assert mann_kendall_z(noise - np.linspace(0, 2, 2000), tau=3.0) < -2.6


def test_a_constant_has_no_trend() -> None:
    assert mann_kendall_z(np.ones(400), tau=1.0) == 0.0


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^7 blocks of 250 values; the count of rising pairs needs at least 8$"):
        mann_kendall_z(ar1(0, 1999, seed=0), tau=100.0)
