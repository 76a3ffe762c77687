"""Displacements of walks in closed form."""

import numpy as np
import pytest

from ergoscope_server.indicators.displacement import FEWEST, displacement, squared_distances
from ergoscope_server.indicators.points import FloatArray
from tests.reference.ar1 import SEEDS
from tests.reference.walks import confined, free, straight

RUNS = 20


def _exponents(walks: list[FloatArray]) -> FloatArray:
    steps = 64 * np.arange(len(walks[0]))
    return np.array([displacement(steps, squared_distances(walk)).exponent for walk in walks])


def test_squared_distances_are_those_of_all_pairs() -> None:
    walk = free(30, 5, seed=1)

    assert squared_distances(walk) == pytest.approx(((walk[:, None] - walk[None]) ** 2).sum(axis=2), abs=1e-9)


@pytest.mark.known_answer("msd_exponent")
@pytest.mark.parametrize("seed", SEEDS)
def test_displacement_of_ar1_at_each_lag_is_the_closed_form(seed: int) -> None:
    found = []
    for run in range(RUNS):
        walk = displacement(np.arange(400), squared_distances(confined(400, 16, phi=0.95, seed=100 * seed + run)))
        found.append(walk.squares / 16)
    squares, lags = np.array(found), walk.lags

    # A bin is of a few lags about its mean, over which the curve bends by less than half a percent.
    error = squares.std(axis=0, ddof=1) / RUNS**0.5
    assert lags[0] == pytest.approx(1.0)
    assert (np.abs(squares.mean(axis=0) - 2 * (1 - 0.95**lags)) < 4 * error + 0.005 * 2 * (1 - 0.95**lags)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_exponent_is_one_of_a_free_walk_two_straight_on_and_zero_in_a_basin(seed: int) -> None:
    found = _exponents([free(120, 256, seed=100 * seed + run) for run in range(RUNS)])
    basin = _exponents([np.random.default_rng(run).normal(size=(120, 256)) for run in range(RUNS)])

    assert abs(found.mean() - 1) < 4 * found.std(ddof=1) / RUNS**0.5
    assert abs(basin.mean()) < 4 * basin.std(ddof=1) / RUNS**0.5
    assert _exponents([straight(120, 256, seed=seed)])[0] == pytest.approx(2, abs=0.01)
    assert _exponents([np.ones((120, 256))])[0] == 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_error_of_the_exponent_is_its_spread(seed: int) -> None:
    walks = [free(120, 64, seed=100 * seed + run) for run in range(RUNS)]
    found = [displacement(np.arange(120), squared_distances(walk)) for walk in walks]

    spread = np.std([walk.exponent for walk in found], ddof=1)
    error = np.mean([walk.error for walk in found])

    # A standard deviation of 20 runs is known to one part in six; a jackknife errs to the high side.
    assert spread * (1 - 4 / 38**0.5) < error < 2 * spread * (1 + 4 / 38**0.5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_basin_has_its_radius_and_the_time_to_cross_it(seed: int) -> None:
    walk = displacement(10 * np.arange(400), squared_distances(confined(400, 256, phi=0.9, seed=seed)))

    assert walk.basin is not None
    radius, time = walk.basin
    assert radius == pytest.approx(
        16, rel=4 * (0.5 / 256 * 19 / 400) ** 0.5 + 0.005
    )  # of 256 coordinates of variance 1
    assert time == pytest.approx(-10 / np.log(0.9), rel=0.1)


def test_a_free_walk_has_no_basin() -> None:
    assert displacement(np.arange(200), squared_distances(free(200, 256, seed=1))).basin is None


def test_looks_need_not_be_equally_far_apart() -> None:
    kept = np.sort(np.random.default_rng(3).choice(1000, 120, replace=False))

    found = displacement(kept, squared_distances(free(1000, 256, seed=1)[kept]))

    assert abs(found.exponent - 1) < 4 * found.error


def test_too_few_looks_are_refused() -> None:
    with pytest.raises(ValueError, match=rf"^23 looks at the weights; how they wander is told from {FEWEST} on$"):
        displacement(np.arange(23), np.zeros((23, 23)))
