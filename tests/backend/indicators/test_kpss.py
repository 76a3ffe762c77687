"""The test of a level: its level on correlated noise, and what it sees."""

import numpy as np
import pytest

from ergoscope_server.indicators.kpss import CRITICAL, kpss
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 200


def test_the_statistic_is_its_sum_over_lags() -> None:
    values = ar1(0.5, 200, seed=4)
    centred = values - values.mean()
    variance = centred @ centred / 200
    for lag in range(1, 21):
        variance += 2 * (1 - lag / 21) * (centred[lag:] @ centred[:-lag]) / 200
    sums = np.cumsum(centred)

    assert kpss(values, tau=2.0) == pytest.approx(sums @ sums / 200**2 / variance)


@pytest.mark.known_answer("kpss")
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
def test_correlated_noise_alarms_at_the_stated_rate(phi: float) -> None:
    n = max(2000, int(120 * memory(phi)))
    found = np.array([kpss(ar1(phi, n, seed=r), tau=memory(phi)) for r in range(RUNS)])

    # 6.5 % is published for a window of ten autocorrelation times, as the variance is taken for too small.
    assert np.mean(found > CRITICAL) < 0.065 + 4 * (0.065 * 0.935 / RUNS) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_walk_and_a_jump_are_seen(seed: int) -> None:
    noise = ar1(0.5, 4000, seed=seed)
    jump = noise + np.where(np.arange(4000) < 2000, 0.0, 1.0)

    assert kpss(np.cumsum(noise), tau=3.0) > CRITICAL
    assert kpss(jump, tau=3.0) > CRITICAL


def test_a_constant_keeps_its_level() -> None:
    assert kpss(np.full(100, 0.3), tau=1.0) == 0.0


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^39 values; the test of a level needs at least 40$"):
        kpss(np.zeros(39), tau=1.0)
