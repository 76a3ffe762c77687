"""How long a run may say nothing."""

import numpy as np
import pytest

from ergoscope_server.history.silence import pace, patience
from ergoscope_server.indicators.points import NOTHING, points


@pytest.mark.parametrize(("step_time", "limit"), [(0.1, 30.0), (20.0, 100.0)])
def test_patience_is_half_a_minute_or_five_steps(step_time: float, limit: float) -> None:
    steps = np.arange(100)

    assert patience(points(steps, step_time * steps)) == pytest.approx(limit)


def test_a_pause_made_before_is_allowed_again() -> None:
    wall = np.where(np.arange(100) < 50, 0.0, 60.0) + 0.1 * np.arange(100)

    assert patience(points(np.arange(100), wall)) == pytest.approx(1.5 * 60.1)


def test_sparse_times_are_no_pauses() -> None:
    assert patience(points([0, 1000, 2000], [0.0, 100.0, 200.0])) == 30.0
    assert patience(NOTHING) == 30.0


def test_the_pace_is_the_median_of_the_step_times_and_unknown_without_them() -> None:
    wall = np.where(np.arange(100) < 50, 0.0, 60.0) + 0.5 * np.arange(100)

    assert pace(points(np.arange(100), wall)) == pytest.approx(0.5)
    assert pace(NOTHING) is None
    assert pace(points([0, 1], [5.0, 5.0])) is None
