"""How long a run may say nothing."""

import numpy as np
import pytest

from ergoscope_server.history.silence import Heard, hear, pace, patience
from ergoscope_server.indicators.points import NOTHING, points


def test_the_first_look_counts_as_news() -> None:
    assert hear(None, step=5, sign=100.0, now=7.0) == Heard(5, 7.0, 100.0, 7.0, 7.0)


def test_only_what_changed_is_news_whatever_the_clock_of_the_job() -> None:
    heard = hear(None, step=5, sign=9e9, now=7.0)

    assert hear(heard, step=5, sign=9e9, now=20.0) == heard
    assert hear(heard, step=5, sign=9e9 + 1, now=20.0) == Heard(5, 7.0, 9e9 + 1, 20.0, 7.0)
    assert hear(heard, step=6, sign=9e9, now=20.0) == Heard(6, 20.0, 9e9, 7.0, 7.0)


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
