"""What is looked at, and from which step on."""

import numpy as np
import pytest

from ergoscope_server.indicators.assessment import Assessment, RunData, assess
from ergoscope_server.indicators.level import Start
from ergoscope_server.indicators.points import points
from tests.reference.ar1 import ar1

STEPS = np.arange(1, 5001)
LOSS = points(STEPS, 1 + 0.05 * ar1(0.3, 5000, seed=1))
GRAD = points(STEPS, 0.5 * (1 + 0.1 * ar1(0.3, 5000, seed=2)))
DATA = RunData(LOSS, GRAD, points(STEPS, np.linspace(0.1, 0.05, 5000)))


def _assess(
    data: RunData = DATA, *, step: int = 5000, reset: int = 1, highest: float = 1.0, settled: bool = False
) -> Assessment:
    return assess(data, step=step, reset=reset, start=Start(1.0, 0.01, 6.0), highest=highest, settled=settled, seed=0)


def test_only_what_came_since_the_reset_counts() -> None:
    found = _assess(reset=2001)

    assert (found.window_step, found.have) == (2001, 3000)


def test_points_after_the_step_are_ignored() -> None:
    assert _assess(step=300).evidence is None
    assert (_assess(step=300).have, _assess(step=300).need) == (300, 400)


def test_the_gradient_is_set_against_its_start_over_the_same_steps() -> None:
    found = _assess()

    assert found.grad is not None
    assert abs(found.grad.ratio - 0.5) < 4 / 1.96 * found.grad.half
    assert not found.vanished
    assert _assess(highest=20.0).vanished


def test_the_drift_of_the_rate_is_that_of_the_stretch() -> None:
    found = _assess(reset=2501)

    assert found.drift == pytest.approx(0.05 / 0.075 - 1, abs=0.01)


def test_a_settled_run_is_tested_whole_and_a_small_p_computed_to_more_digits() -> None:
    values = 1 + 0.05 * ar1(0.0, 5000, seed=3)
    values[2500:] = 1 + 0.10 * ar1(0.0, 2500, seed=4)

    found = _assess(RunData(points(STEPS, values)), settled=True)

    assert found.evidence is not None
    assert found.evidence.windows is not None
    assert (found.first_step, found.evidence.windows.p) == (1, 1 / 1001)


def test_values_that_are_not_finite_are_left_out() -> None:
    values = LOSS.values.copy()
    values[100:200] = np.nan

    assert _assess(RunData(points(STEPS, values)), step=450).have == 350


def test_the_newest_step_is_that_of_loss_or_gradient() -> None:
    assert RunData(LOSS.upto(10), GRAD.upto(20)).newest == 20
    assert RunData().newest is None
