"""Readings of the whole course: changes that nobody told of, and how the start was left."""

import numpy as np

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import Assessment, RunData, assess
from ergoscope_server.indicators.course import COURSE, course_readings
from ergoscope_server.indicators.points import NOTHING, FloatArray, points
from tests.reference.ar1 import ar1

STEPS = np.arange(1, 8001)
DISTANCES = points(STEPS[::20], 0.7 * np.log(STEPS[::20]) + 0.01 * ar1(0.0, 400, seed=1))
JUMPS = 1 + 0.05 * ar1(0.3, 8000, seed=1) + 0.2 * (STEPS > 5000)


def _read(loss: FloatArray, *, changes: tuple[int, ...] = (), distances: bool = True) -> dict[str, Reading]:
    data = RunData(points(STEPS, loss), measured=lambda key: DISTANCES if distances else NOTHING)
    found = assess(data, step=8000, reset=0, start=None, highest=0.0, settled=False, seed=0)
    listed = course_readings(found, data, changes=changes)
    assert [reading.id for reading in listed] == list(COURSE)
    return {reading.id: reading for reading in listed}


def test_a_change_that_nobody_told_of_is_named_by_its_step() -> None:
    told, untold = _read(JUMPS, changes=(5001,))["change_point"], _read(JUMPS)["change_point"]

    assert told.absent == "none beyond chance over 8,000 steps, beside 1 known ones"
    assert untold.value is not None
    assert abs(untold.value - 5001) < 200
    assert untold.how.startswith("newest of 1 changes of level or slope over 8,000 steps, beside 0 known ones")


def test_how_the_start_was_left_is_told_of_the_steps_before_the_first_change() -> None:
    whole, before = _read(JUMPS)["log_time_slope"], _read(JUMPS, changes=(5001,))["log_time_slope"]

    assert whole.low is not None
    assert whole.high is not None
    assert whole.low < 0.7 < whole.high
    assert "the logarithm fits better" in whole.how
    assert (whole.step, before.step) == (7981, 4981)


def test_what_is_missing_is_said() -> None:
    none, early = _read(JUMPS, distances=False), _read(JUMPS, changes=(50,))
    short = course_readings(Assessment(10, 10, 400), RunData(), changes=())

    assert none["log_time_slope"].absent == (
        "the distance from the start is not known: no value has come from this run"
    )
    assert early["log_time_slope"].absent.startswith("needs 16 distances from step 10 on")
    assert short[0].absent == "needs the memory of the loss, which is not known yet"
