"""The test of a random walk: its level, and its power against series that return."""

import numpy as np
import pytest

from ergoscope_server.indicators.dickey_fuller import CRITICAL, adf
from tests.reference.ar1 import SEEDS, ar1

RUNS = 200


@pytest.mark.known_answer("adf")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [400, 1000, 10_000])
def test_a_random_walk_is_mistaken_for_a_returning_series_five_times_in_a_hundred(n: int, seed: int) -> None:
    walks = [np.cumsum(ar1(0.0, n, seed=1000 * seed + r)) for r in range(RUNS)]

    alarms = np.mean([adf(walk) < CRITICAL for walk in walks])
    assert abs(alarms - 0.05) < 4 * (0.05 * 0.95 / RUNS) ** 0.5


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
def test_series_that_return_are_no_walk(phi: float) -> None:
    assert np.mean([adf(ar1(phi, 10_000, seed=r)) < CRITICAL for r in range(40)]) > 0.95


def test_a_constant_is_told_nothing_of() -> None:
    assert adf(np.ones(1000)) == 0.0


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="49 values; the test of a random walk needs at least 50"):
        adf(np.zeros(49))
