"""Energy distance in closed form, and the level and power of its permutation test."""

import math

import numpy as np
import pytest

from ergoscope_server.indicators.windows import energy_distance, window_test
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 120
CLOSED = 2 * (2 / math.sqrt(math.pi) * math.exp(-0.25) + math.erf(0.5)) - 4 / math.sqrt(math.pi)  # N(0,1), N(1,1)


@pytest.mark.known_answer("window_distance")
@pytest.mark.parametrize("seed", SEEDS)
def test_distance_of_two_normals_is_the_closed_form(seed: int) -> None:
    draw = np.random.default_rng(seed)
    found = [energy_distance(draw.normal(size=4000), draw.normal(size=4000) + 1) for _ in range(20)]

    bias = 2 * (2 / math.sqrt(math.pi)) / 4000  # E|X-X'| with X=X' counted, once for each sample
    assert pytest.approx(0.5418, abs=1e-4) == CLOSED
    assert abs(np.mean(found) - CLOSED - bias) < 4 * np.std(found, ddof=1) / 20**0.5


def test_distance_by_ranks_is_the_definition() -> None:
    x, y = ar1(0, 30, seed=1), ar1(0, 20, seed=2) + 0.5
    between = np.abs(x[:, None] - y).mean()
    within = np.abs(x[:, None] - x).mean() + np.abs(y[:, None] - y).mean()

    assert energy_distance(x, y) == pytest.approx(2 * between - within, abs=1e-12)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
def test_correlated_noise_alarms_at_the_stated_rate(phi: float) -> None:
    n = max(2000, int(120 * memory(phi)))
    p = np.array([window_test(ar1(phi, n, seed=r), tau=memory(phi), seed=r).p for r in range(RUNS)])

    assert np.mean(p <= 0.05) < 0.06 + 4 * (0.06 * 0.94 / RUNS) ** 0.5  # measured 4-7 %


@pytest.mark.parametrize("seed", SEEDS)
def test_another_level_and_another_width_are_both_seen(seed: int) -> None:
    noise = ar1(0.5, 6000, seed=seed)
    shifted, widened = noise.copy(), noise.copy()
    shifted[3000:] += 0.5
    widened[3000:] *= 2

    assert window_test(shifted, tau=3.0, seed=0).p < 0.01
    assert window_test(widened, tau=3.0, seed=0).p < 0.01


def test_the_distance_of_the_test_is_the_distance_of_its_halves() -> None:
    values = ar1(0, 1000, seed=3)

    assert window_test(values, tau=1.0, seed=0).distance == pytest.approx(
        energy_distance(values[:500], values[500:]), rel=1e-4
    )


def test_a_seed_repeats_the_p_value_and_the_global_generator_stays() -> None:
    values = ar1(0, 1000, seed=4)
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # the legacy state is a tuple

    assert window_test(values, tau=1.0, seed=5) == window_test(values, tau=1.0, seed=5)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # the legacy state is a tuple


def test_a_constant_series_has_no_distance() -> None:
    found = window_test(np.full(500, 0.4), tau=1.0, seed=0)

    assert (found.distance, found.p) == (0.0, 1.0)


def test_too_few_independent_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="39 independent draws; 40 are needed for four blocks on each side"):
        window_test(np.zeros(390), tau=10.0, seed=0)
