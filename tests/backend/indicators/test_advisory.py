"""What decides nothing is told with how it was obtained, or why it is not there."""

import numpy as np
import pytest

from ergoscope_server.indicators.advisory import ADVISORY, advise, advisory_readings
from tests.reference.ar1 import ar1


def test_the_rate_is_told_by_the_step() -> None:
    found = advise(ar1(0.9, 10_000, seed=1), tau=19.0)

    by_point = {r.id: r for r in advisory_readings(found, step=9, stride=1, absent="")}["acf_decay_rate"]
    by_step = {r.id: r for r in advisory_readings(found, step=9, stride=10, absent="")}["acf_decay_rate"]

    assert by_point.value is not None
    assert by_step.value == pytest.approx(by_point.value**0.1)
    assert by_step.low is not None
    assert by_step.high is not None
    assert by_step.low < by_step.value < by_step.high <= 1.0


def test_each_says_how_it_was_obtained() -> None:
    found = advisory_readings(advise(ar1(0.0, 1000, seed=1), tau=1.0), step=9, stride=1, absent="")

    assert [(reading.id, reading.step, reading.n) for reading in found] == [(name, 9, 1000.0) for name in ADVISORY]
    assert [reading.how for reading in found] == [
        "means of 3 readings and more; a trend beyond ±1.96; advisory",
        "window of ten autocorrelation times; above 0.463 the level moves; advisory",
        "below -2.86 it is no random walk; advisory",
        "the loss forgets itself from one reading to the next",
    ]


def test_without_answers_each_says_why() -> None:
    found = advisory_readings(None, step=9, stride=1, absent="not enough steps yet (26 of 400)")

    assert {reading.absent for reading in found} == {"not enough steps yet (26 of 400)"}


def test_a_constant_loss_has_answers_too() -> None:
    found = advise(np.full(1000, 0.5), tau=1.0)

    assert (found.mk_z, found.kpss, found.decay.rate) == (0.0, 0.0, 0.0)
