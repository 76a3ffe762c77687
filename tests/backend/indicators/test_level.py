"""Ratio of smoothed norms."""

import numpy as np
import pytest

from ergoscope_server.indicators.level import (
    Start,
    highest_level,
    relative_level,
    starting_level,
    vanished,
    window_level,
)
from ergoscope_server.indicators.mean import MeanInterval
from tests.reference.ar1 import SEEDS, ar1

RUNS = 150


def _norms(n: int, *, level: float, seed: int) -> np.ndarray:
    return level * (1 + 0.2 * ar1(0.5, n, seed=seed))


@pytest.mark.known_answer("grad_norm_level")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_covers_a_known_ratio(seed: int) -> None:
    covered = 0
    for r in range(RUNS):
        now = window_level(_norms(4000, level=0.31, seed=10_000 * seed + r))
        start = starting_level(1 + 0.2 * ar1(0.0, 20, seed=20_000 * seed + r))
        assert now is not None
        assert start is not None
        level = relative_level(now[0], start, tau=now[1])
        assert level is not None
        covered += abs(level.ratio - 0.31) <= level.half

    # Nominal 95 %; five batches of four values know their spread to 6 degrees of freedom, which costs a few percent.
    assert covered / RUNS > 0.92 - 4 * (0.92 * 0.08 / RUNS) ** 0.5


def test_it_is_a_ratio_of_means_and_not_a_mean_of_ratios() -> None:
    start = starting_level(np.tile([0.5, 1.5], 10))

    assert start is not None
    level = relative_level(MeanInterval(0.5, 0.0, 0.0, 0.95, 1000, 10), start, tau=1.0)

    assert level is not None
    assert level.ratio == 0.5  # the mean of 0.5 / start is 0.667


def test_too_few_norms_give_nothing() -> None:
    assert starting_level(np.ones(19)) is None
    assert window_level(np.ones(1)) is None
    assert window_level(np.ones(99)) is None


def test_a_drifting_norm_has_a_wide_interval_rather_than_none() -> None:
    drifting = window_level(np.linspace(0.2, 0.4, 1000) + 0.01 * ar1(0.0, 1000, seed=1))
    steady = window_level(0.3 + 0.01 * ar1(0.0, 1000, seed=1))

    assert drifting is not None
    assert steady is not None
    # Ten batches along a line from .2 to .4: σ² = 1.11 n/10 · .2²/12, so an error of .019 and 2.2 of them to each side.
    assert drifting[0].half == pytest.approx(0.042, rel=0.15)
    assert drifting[0].half > 20 * steady[0].half


def test_a_start_of_zero_has_no_ratio() -> None:
    assert relative_level(MeanInterval(0.5, 0.1, 0.05, 0.95, 1000, 10), Start(0.0, 0.0, 6.0), tau=1.0) is None


def test_a_norm_without_noise_has_an_exact_ratio() -> None:
    level = relative_level(MeanInterval(0.5, 0.0, 0.0, 0.95, 1000, 10), Start(2.0, 0.0, 6.0), tau=1.0)

    assert level is not None
    assert (level.ratio, level.half) == (0.25, 0.0)


def test_the_highest_level_is_a_mean_over_twenty_and_not_one_spike() -> None:
    norms = np.ones(100)
    norms[50] = 21.0

    assert highest_level(norms) == 2.0
    assert highest_level(norms[:19]) == 0.0


def test_vanished_needs_the_interval_too() -> None:
    assert vanished(MeanInterval(0.04, 0.03, 0.01, 0.95, 1000, 10), 1.0)
    assert not vanished(MeanInterval(0.04, 0.07, 0.03, 0.95, 1000, 10), 1.0)
    assert not vanished(MeanInterval(0.06, 0.01, 0.01, 0.95, 1000, 10), 1.0)
