"""What a measurement costs, from what its parts took."""

from dataclasses import replace

import pytest

from ergoscope.costs import Costs, Part
from ergoscope.periods import Task

USUAL = Task("usual", (), 1.0)
ASKED = replace(USUAL, asked=True)


def costs_of(task: Task, *seconds: float, part: Part = "measure") -> Costs:
    costs = Costs([task])
    for one in seconds:
        costs.add(0, one, part)
    return costs


def test_it_is_the_median_of_the_last_readings_and_of_what_was_asked_for_the_mean() -> None:
    seconds = [9.0, *[1.0] * 10, *[3.0] * 5]

    assert costs_of(USUAL, *seconds).of(0) == 1.0
    assert costs_of(ASKED, *seconds).of(0) == pytest.approx((10 * 1.0 + 5 * 3.0) / 15)


def test_a_quarter_of_a_first_reading_counts_for_what_was_asked_for_until_there_is_a_second() -> None:
    assert costs_of(USUAL, 9.0).of(0) == 0.0
    assert costs_of(USUAL, 9.0, 1.0).of(0) == 1.0
    assert costs_of(ASKED, 8.0).of(0) == 2.0
    assert costs_of(ASKED, 9.0, 1.0).of(0) == 1.0


def test_a_reading_in_which_the_machine_slept_counts_for_four_usual_ones() -> None:
    assert costs_of(ASKED, 9.0, 1.0, 1.0, 3600.0).of(0) == 2.0


def test_what_prepares_a_measurement_and_what_reads_it_later_belong_to_it() -> None:
    costs = Costs([USUAL])

    for _ in range(4):
        costs.add(0, 0.125, "prepare")
        costs.add(0, 0.375, "measure")
        costs.add(0, 0.25, "read")

    assert costs.of(0) == pytest.approx(0.75)
