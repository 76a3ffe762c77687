"""Start against end: its null, and why the error is pooled."""

import numpy as np
import pytest

from ergoscope_server.indicators.geweke import CRITICAL, geweke_z
from ergoscope_server.indicators.mean import long_run_variance
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 300


@pytest.mark.known_answer("geweke_z")
@pytest.mark.parametrize("seed", SEEDS)
def test_z_of_ar1_has_spread_near_one(seed: int) -> None:
    z = np.array([geweke_z(ar1(0.9, 10_000, seed=1000 * seed + r), tau=19.0) for r in range(RUNS)])

    # 63 batches of 5 memories: the error is 10 % low at most, so 1.0-1.1; the spread of a spread is 1/sqrt(2 RUNS).
    assert abs(z.std() - 1.05) < 0.05 + 4 / (2 * RUNS) ** 0.5
    assert abs(z.mean()) < 4 * 1.1 / RUNS**0.5
    assert np.mean(abs(z) > CRITICAL) < 0.02 + 4 * (0.02 * 0.98 / RUNS) ** 0.5


def test_errors_from_each_stretch_alone_make_it_too_wide() -> None:
    """What pooling is for: a tenth of the window is 53 memories, its own batches of the root of its length 1.6."""
    alone = []
    for r in range(RUNS):
        values = ar1(0.9, 10_000, seed=r)
        first, last = values[:1000], values[5000:]
        errors = [long_run_variance(part, batch=int(len(part) ** 0.5)).variance / len(part) for part in (first, last)]
        alone.append((first.mean() - last.mean()) / sum(errors) ** 0.5)

    assert np.std(alone) > 1.25 - 4 * 1.25 / (2 * RUNS) ** 0.5
    assert np.std(alone) > 1.1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shift_of_the_first_tenth_is_seen_at_its_size_in_errors(seed: int) -> None:
    values = ar1(0.5, 10_000, seed=seed)
    values[:1000] += 0.5

    expected = 0.5 / (memory(0.5) * (1 / 1000 + 1 / 5000)) ** 0.5

    assert abs(geweke_z(values, tau=3.0) - expected) < 4 + 4 * expected * (2 / 200) ** 0.5


def test_a_series_without_spread_has_no_difference() -> None:
    assert geweke_z(np.full(100, 2.0), tau=1.0) == 0.0


def test_a_step_without_noise_is_infinitely_far() -> None:
    values = np.ones(100)
    values[:10] = 2.0

    assert geweke_z(values, tau=1.0) == np.inf


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="19 values; the comparison of a tenth with a half needs at least 20"):
        geweke_z(np.zeros(19), tau=1.0)
