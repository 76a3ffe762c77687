"""The slope of the distance against walks and against SGD on a quadratic, both in closed form."""

import numpy as np
import pytest

from ergoscope_server.indicators.displacement import squared_distances
from ergoscope_server.indicators.distance_slope import distance_slope
from ergoscope_server.indicators.points import FloatArray
from tests.reference.ar1 import SEEDS
from tests.reference.walks import free, straight

RATE, NOISE, CURVATURE = 0.05, 0.5, np.linspace(0.05, 1, 20)
RUNS = 40


def _sgd(steps: int, *, start: float, seed: int) -> FloatArray:
    """Weights θ ← θ - η (h θ + σ ε) of one run, shape (steps + 1, 20)."""
    draw = np.random.default_rng(seed)
    track = np.full((steps + 1, 20), start)
    for n in range(steps):
        track[n + 1] = track[n] - RATE * (CURVATURE * track[n] + NOISE * draw.normal(size=20))
    return track


def _expected(n: FloatArray, *, start: float) -> FloatArray:
    """E‖θ_n - θ_0‖²: the part of the start that is gone, and the noise that is there."""
    keep = (1 - RATE * CURVATURE)[:, None] ** n
    noise = (RATE * NOISE) ** 2 * (1 - keep**2) / (1 - (1 - RATE * CURVATURE)[:, None] ** 2)
    moved: FloatArray = (start**2 * (1 - keep) ** 2 + noise).sum(axis=0)
    return moved


@pytest.mark.known_answer("distance_slope")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [15, 150, 1500])
def test_the_slope_of_sgd_on_a_quadratic_is_that_of_the_closed_form(steps: int, seed: int) -> None:
    at = np.unique(np.linspace(0, steps, 31).astype(int))
    found = np.array(
        [distance_slope(at, squared_distances(_sgd(steps, start=5.0, seed=100 * seed + r)[at])) for r in range(RUNS)]
    )

    late = at[1.5 * at >= steps]
    slope = np.polyfit(np.log(late), np.log(_expected(late.astype(float), start=5.0)), 1)[0]
    # The logarithm of a distance is below that of its mean, by half its relative variance, alike at neighbouring times.
    assert abs(found.mean() - slope) < 4 * found.std(ddof=1) / RUNS**0.5 + 0.002


@pytest.mark.parametrize("seed", SEEDS)
def test_straight_on_it_is_two_and_on_a_free_walk_one(seed: int) -> None:
    steps = 64 * np.arange(60)
    walks = np.array(
        [distance_slope(steps, squared_distances(free(60, 256, seed=100 * seed + r))) for r in range(RUNS)]
    )

    assert distance_slope(steps, squared_distances(straight(60, 16, seed=seed))) == pytest.approx(2)
    assert abs(walks.mean() - 1) < 4 * walks.std(ddof=1) / RUNS**0.5


def test_with_few_looks_or_none_that_moved_there_is_no_slope() -> None:
    assert distance_slope(np.arange(6), squared_distances(free(6, 4, seed=1))) is None
    assert distance_slope(np.arange(60), np.zeros((60, 60))) is None
