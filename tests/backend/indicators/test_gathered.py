"""What a probe's readings over a stretch come to."""

import numpy as np
import pytest

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.gathered import all_averaged, all_newest, averaged, newest
from ergoscope_server.indicators.points import NOTHING, points

SERIES = points(np.arange(10, 210, 10), np.tile([1.0, 3.0], 10))


def test_readings_of_single_steps_are_averaged_over_the_stretch_with_an_interval() -> None:
    found = averaged("trust_ratio", SERIES, since=101, step=190, told="so")

    assert (found.value, found.n, found.step) == (pytest.approx(17 / 9), 9.0, 190)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 17 / 9 < found.high
    assert found.how == "mean of 9 readings, batch means, 95 %; so"


def test_few_have_a_mean_without_an_interval() -> None:
    found = averaged("trust_ratio", SERIES, since=171, step=200, told="")

    assert found == Reading("trust_ratio", 7 / 3, n=3.0, step=200, how="mean of 3; from 8 on there is an interval")


def test_of_a_running_mean_the_newest_counts_with_the_error_that_came_with_it() -> None:
    ends = points([100, 200], [0.5, np.nan]), points([100, 200], [0.1, 0.2])

    plain = newest("fdr1_ratio", SERIES, since=0, step=195, told="a mean")
    sure = newest("descent_balance", ends[0], since=0, step=300, told="a mean", errors=ends[1])
    unsure = newest("descent_balance", ends[0], since=0, step=300, told="a mean", errors=NOTHING)

    assert plain == Reading("fdr1_ratio", 1.0, step=190, how="a mean")
    assert (sure.low, sure.value, sure.high) == pytest.approx((0.304, 0.5, 0.696))
    assert (sure.step, sure.how, unsure.low) == (100, "a mean, 95 %", None)


def test_what_never_came_and_what_did_not_come_lately_say_so() -> None:
    series = {"a": NOTHING, "b": SERIES}

    old = all_averaged({"a": "", "b": ""}, series, since=1001, step=2000)
    late = all_newest({"a": "", "b": ""}, series, since=1001, step=2000)

    told = ["no value has come from this run", "no reading since step 1,001"]
    assert [r.absent for r in old] == [r.absent for r in late] == told
