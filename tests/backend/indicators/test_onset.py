"""MSER-5 on a decay of known length, and on nothing at all."""

import numpy as np
import pytest

from ergoscope_server.indicators.onset import mser5
from ergoscope_server.indicators.points import FloatArray
from tests.reference.ar1 import SEEDS, ar1, settling

RUNS = 100


def _decay(seed: int) -> FloatArray:
    return settling(5000, level=0.0, height=5.0, time=200.0) + 0.3 / 0.75**0.5 * ar1(0.5, 5000, seed=seed)


@pytest.mark.known_answer("stabilization_onset")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_onset_of_a_decay_is_where_its_rest_drowns(seed: int) -> None:
    found = [mser5(_decay(1000 * seed + r)) for r in range(RUNS)]

    # Reference 590, quartiles 549-635, so a spread of 64; the error of a median is 1.25 spreads over the root of 100.
    assert abs(np.median([f.index for f in found]) - 590) < 4 * 1.25 * 64 / RUNS**0.5
    assert all(f.settled for f in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stationary_series_is_settled_from_the_start(seed: int) -> None:
    found = [mser5(ar1(0.5, 5000, seed=1000 * seed + r)) for r in range(RUNS)]

    assert np.median([f.index for f in found]) == 0
    # 90 % within 15 steps in the reference: of 100, at least 90 - 4 * 3 are.
    assert sum(f.index <= 15 for f in found) >= 78


def test_a_steady_fall_has_not_settled() -> None:
    assert not mser5(-1e-2 * np.arange(2000) + 0.1 * ar1(0.0, 2000, seed=1)).settled


def test_a_huge_offset_does_not_drown_the_spread() -> None:
    assert abs(mser5(1e9 + _decay(5)).index - mser5(_decay(5)).index) <= 5


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="49 values; MSER-5 needs at least 50"):
        mser5(np.zeros(49))
