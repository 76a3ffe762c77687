"""Returns of walks that forget at once, that are confined, and that are free."""

import numpy as np
import pytest

from ergoscope_server.indicators.displacement import squared_distances
from ergoscope_server.indicators.recurrence import recurrence_rate
from tests.reference.ar1 import SEEDS
from tests.reference.walks import confined, free

RUNS = 40


def _rate(walk: np.ndarray, *, memory: float = 1.0) -> float:
    return recurrence_rate(np.arange(len(walk)), squared_distances(walk), memory=memory)


@pytest.mark.known_answer("recurrence_rate")
@pytest.mark.parametrize("seed", SEEDS)
def test_what_forgets_at_once_comes_back_a_tenth_of_the_time(seed: int) -> None:
    rates = np.array([_rate(np.random.default_rng(100 * seed + r).normal(size=(200, 8))) for r in range(RUNS)])

    assert abs(rates.mean() - 0.1) < 4 * rates.std(ddof=1) / RUNS**0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_confined_walk_comes_back_and_a_free_one_ever_less(seed: int) -> None:
    short, long = (
        np.mean([_rate(free(n, 2, seed=100 * seed + r), memory=10) for r in range(RUNS)]) for n in (100, 400)
    )
    held = [
        np.mean([_rate(confined(n, 2, phi=0.7, seed=100 * seed + r), memory=10) for r in range(10)]) for n in (100, 400)
    ]

    assert long < short / 2
    assert held[1] == pytest.approx(held[0], abs=0.03)


def test_too_few_looks_and_too_long_a_memory_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^23 looks at the weights; returns are counted from 24 on$"):
        recurrence_rate(np.arange(23), np.zeros((23, 23)), memory=1.0)
    with pytest.raises(ValueError, match=r"^no two looks are further apart than 99 steps; returns need some that are$"):
        recurrence_rate(np.arange(30), np.zeros((30, 30)), memory=99.0)
