"""Jumps of the learning rate, and what is none."""

import numpy as np
import pytest

from ergoscope_server.indicators.points import Points, points
from ergoscope_server.indicators.schedule import Change, drift, jumps


def _rates(values: np.ndarray) -> Points:
    return points(np.arange(1, len(values) + 1), values)


STEPS = _rates(np.repeat([0.1, 0.01, 0.001], 300))


def test_every_drop_of_a_step_schedule_is_a_jump() -> None:
    assert jumps(STEPS, after=0) == [Change(301, 0.1, 0.01), Change(601, 0.01, 0.001)]


def test_known_jumps_are_not_told_again() -> None:
    assert jumps(STEPS, after=301) == [Change(601, 0.01, 0.001)]


@pytest.mark.parametrize("end", [0.0, 1e-6])
def test_a_cosine_has_no_jump_even_at_its_steep_end(end: float) -> None:
    u = np.linspace(0, 1, 2000)

    assert jumps(_rates(end + 0.05 * (1 + np.cos(np.pi * u))), after=0) == []


def test_a_linear_warm_up_and_a_linear_fall_to_zero_have_no_jump() -> None:
    assert jumps(_rates(np.concatenate((np.arange(101), np.arange(100, -1, -1))) * 1e-3), after=0) == []


def test_a_restart_of_a_cosine_is_a_jump() -> None:
    wave = 0.05 * (1.001 + np.cos(np.pi * np.linspace(0, 1, 500)))

    found = jumps(_rates(np.concatenate((wave, wave))), after=0)

    assert [change.step for change in found] == [501]


def test_a_staircase_of_small_falls_is_a_drift() -> None:
    staircase = np.repeat(0.1 * 0.85 ** np.arange(20), 100)

    assert [change.step for change in jumps(_rates(staircase), after=0)] == [101]  # the first is not usual yet


def test_a_change_below_ten_percent_is_none() -> None:
    assert jumps(_rates(np.repeat([0.1, 0.092], 100)), after=0) == []


def test_a_fall_to_zero_is_a_jump() -> None:
    assert jumps(_rates(np.repeat([0.1, 0.0], 100)), after=0) == [Change(101, 0.1, 0.0)]


def test_drift_is_the_relative_change_from_end_to_end() -> None:
    assert drift(_rates(np.linspace(0.1, 0.08, 10))) == pytest.approx(-0.2)
    assert drift(_rates(np.array([0.1]))) == 0.0
    assert drift(_rates(np.array([0.0, 0.1]))) == 0.0
