"""Changes of level and slope at known places, and none where there is none."""

import numpy as np
import pytest

from ergoscope_server.indicators.change_points import change_points
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 150


@pytest.mark.known_answer("change_point")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_a_jump_is_found_within_a_block_of_its_place(phi: float, seed: int) -> None:
    values = ar1(phi, 10_000, seed=seed)
    values[6000:] += 20 * (memory(phi) / 4000) ** 0.5  # 20 errors of the mean of the shorter part; a line bridges ten

    found = change_points(values, tau=memory(phi))

    block = max(25, int(np.ceil(10 * memory(phi))))
    # A jump of s errors of a block's mean is placed to within some 1/s² blocks; three are far beyond for s > 1.
    assert len(found) == 1
    assert abs(found[0] - 6000) <= 3 * block


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [2000, 10_000])
def test_steady_noise_seldom_changes(phi: float, n: int) -> None:
    alarms = np.mean([bool(change_points(ar1(phi, n, seed=r), tau=memory(phi))) for r in range(RUNS)])

    assert alarms < 0.06 + 4 * (0.06 * 0.94 / RUNS) ** 0.5  # measured: 0 to 6 %


def test_without_its_memory_noise_would_change_everywhere() -> None:
    values = ar1(0.99, 10_000, seed=1)

    assert len(change_points(values, tau=1.0)) > 5
    assert change_points(values, tau=memory(0.99)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bend_is_found_and_what_is_known_is_not_told_again(seed: int) -> None:
    values = ar1(0.5, 10_000, seed=seed) + 1e-3 * np.maximum(0, np.arange(10_000) - 4000)

    bent = change_points(values, tau=3.0)

    assert len(bent) >= 1
    assert min(abs(at - 4000) for at in bent) < 600  # two lines that meet part slowly
    assert change_points(values, tau=3.0, known=[4000]) == []


def test_a_line_has_no_change_and_short_or_constant_series_have_none() -> None:
    assert change_points(1e-3 * np.arange(10_000) + 0.1 * ar1(0.0, 10_000, seed=1), tau=1.0) == []
    assert change_points(ar1(0.0, 90, seed=1), tau=1.0) == []
    assert change_points(np.ones(1000), tau=1.0) == []
