"""A plateau against itself: what parts it, what explains that, and how often chance does."""

import math

import numpy as np
import pytest

from ergoscope_server.indicators.assessment import Assessment, RunData, assess
from ergoscope_server.indicators.parting import Retest, retest
from ergoscope_server.indicators.points import FloatArray, points
from tests.reference.ar1 import SEEDS, ar1, memory

N = 6000


def _judged(loss: FloatArray, *, lr: FloatArray | None = None) -> Assessment:
    steps = np.arange(len(loss))
    data = RunData(points(steps, loss), lr=points(steps, lr) if lr is not None else points([], []))
    return assess(data, step=len(loss) - 1, reset=0, start=None, highest=0.0, settled=True, seed=1)


def _tested(loss: FloatArray, *, before: Retest | None = None, lr: FloatArray | None = None) -> Retest | None:
    return retest(_judged(loss, lr=lr), before, points(np.arange(1, len(loss) + 1), loss))


def _noise(seed: int, *, phi: float = 0.3, n: int = N) -> FloatArray:
    return 0.4 + 0.02 * ar1(phi, n, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jump_that_hides_its_own_test_is_seen_with_the_memory_of_before(seed: int) -> None:
    calm = _tested(_noise(seed, n=4500))
    jumped = _noise(seed) + np.where(np.arange(N) >= 5000, 0.05, 0.0)

    found = _tested(jumped, before=calm)

    assert calm is not None
    assert calm.tau == pytest.approx(memory(0.3), rel=0.25)
    assert found is not None
    assert found.parted < 0.001
    assert found.tau == calm.tau
    assert found.means is not None
    assert found.means[1] - found.means[0] == pytest.approx(0.05 / 3, abs=4 * 0.02 * math.sqrt(2 * 1.86 / 3000))


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_memory_of_before_nothing_is_said(seed: int) -> None:
    jumped = _noise(seed) + np.where(np.arange(N) >= 5000, 0.05, 0.0)

    assert _tested(jumped) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_what_lies_before_the_newer_three_quarters_is_past(seed: int) -> None:
    jumped = _noise(seed) + np.where(np.arange(N) >= 1400, 0.05, 0.0)

    found = _tested(jumped, before=Retest(1.0, False, memory(0.3)))

    assert found is not None
    assert found.parted > 0.001


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rate_on_the_move_explains_it_and_so_does_a_fall(seed: int) -> None:
    wider = 0.4 + 0.02 * ar1(0.3, N, seed=seed) * np.where(np.arange(N) >= N // 2, 2.0, 1.0)
    falling = _noise(seed) - 4e-6 * np.arange(N)

    parted, moved = _tested(wider), _tested(wider, lr=np.linspace(0.1, 0.08, N))
    fell = _tested(falling, before=Retest(1.0, False, memory(0.3)))

    assert parted is not None
    assert moved is not None
    assert fell is not None
    assert (parted.parted < 0.001, parted.means) == (True, None)
    assert (moved.parted, fell.parted) == (1.0, 1.0)
    assert fell.falls


def test_a_difference_that_does_not_matter_is_none() -> None:
    """A rise by .4 % of the level, in a loss that hardly has any noise."""
    loss = 0.4 + 1e-4 * ar1(0.3, N, seed=1) + np.where(np.arange(N) >= N // 2, 0.0016, 0.0)

    found = _tested(loss, before=Retest(1.0, False, memory(0.3)))

    assert found is not None
    assert found.parted == 1.0


def test_a_stretch_too_short_for_the_tests_has_no_answer() -> None:
    assert retest(Assessment(100, 100, 400), None, points(np.arange(100), np.ones(100))) is None


def test_a_steady_loss_is_parted_by_chance_less_than_once_in_a_hundred_looks() -> None:
    """p is below .001 in one of a thousand steady series; of 100 looks more than three would be beyond chance."""
    looks = [_tested(_noise(seed, phi=0.8)) for seed in range(100)]

    assert sum(look is not None and look.parted < 0.001 for look in looks) <= 3
