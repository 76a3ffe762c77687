"""Every reading has a value with its age, or says why not."""

from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract import catalogue
from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import RunData, assess
from ergoscope_server.indicators.course import COURSE
from ergoscope_server.indicators.level import Start
from ergoscope_server.indicators.points import NOTHING, points
from ergoscope_server.indicators.readings import readings
from ergoscope_server.indicators.stability import STABILITY
from ergoscope_server.indicators.stationarity import STATIONARITY
from tests.reference.ar1 import ar1, settling
from tests.reference.trainings import cosine, staged, warmed

STEPS = np.arange(10, 40_010, 10)
DATA = RunData(points(STEPS, 1 + 0.05 * ar1(0.3, 4000, seed=1)), points(STEPS, 1 + 0.1 * ar1(0.3, 4000, seed=2)))


def _readings(data: RunData, *, step: int) -> dict[str, Reading]:
    found = assess(data, step=step, reset=0, start=Start(1.0, 0.01, 6.0), highest=1.0, settled=False, seed=0)
    return {reading.id: reading for reading in readings(found, data)}


def _loss(found: dict[str, Reading]) -> list[Reading]:
    """Those that need nothing but loss and gradient norm."""
    return [reading for name, reading in found.items() if name not in (*COURSE, *STATIONARITY, *STABILITY)]


def test_a_settled_run_has_every_reading_but_the_curvature() -> None:
    found = {reading.id: reading for reading in _loss(_readings(DATA, step=40_000))}

    unseen = ["inv_weights", "msd_exponent", "recurrence_rate", "distance_slope"]
    assert [r.id for r in found.values() if r.absent] == [*unseen, "sharpness_ratio"]
    assert found["inv_weights"].absent == "not enough sketches of the weights in the stretch yet (0 of 24)"
    assert found["sharpness_ratio"].absent == 'curvature is not measured; watch(..., curvature="model") does'
    assert all(r.step == 40_000 and r.how for r in found.values() if not r.absent)


def test_memory_and_slope_are_told_in_steps() -> None:
    found = _readings(DATA, step=40_000)

    tau, slope = found["iat"], found["loss_slope"]
    assert tau.value is not None
    assert tau.low is not None
    assert tau.high is not None
    assert tau.low < 10 * 1.3 / 0.7 < tau.high
    assert slope.low is not None
    assert slope.high is not None
    assert slope.low < 0 < slope.high
    # 3.46 x 0.05 x sqrt(1.86) / 4000^1.5 a point, a hundred of them in 1,000 steps, 1.96 to either side
    width = 2 * 1.96 * 12**0.5 * 0.05 * (1.3 / 0.7) ** 0.5 / 4000**1.5 * 100
    assert slope.high - slope.low == pytest.approx(width, rel=4 * (2 / 90) ** 0.5)


def test_intervals_hold_their_values() -> None:
    for reading in _readings(DATA, step=40_000).values():
        if reading.low is not None and reading.high is not None and reading.value is not None:
            assert reading.low <= reading.value <= reading.high


def test_a_run_too_short_says_how_much_is_missing() -> None:
    found = {reading.id: reading for reading in _loss(_readings(DATA, step=3100))}

    assert {r.absent for r in found.values()} == {
        "not enough readings yet (310 of 400)",  # one in ten steps
        'curvature is not measured; watch(..., curvature="model") does',
        "",  # the newest loss against its past needs 201 only
    }
    assert found["loss_robust_z"].value is not None


def test_what_is_taken_rarely_lacks_readings_and_not_steps() -> None:
    every = np.arange(1, 2496)
    loss = points(every, 1 + 0.05 * ar1(0.3, 2495, seed=1))
    rare = points(every[::64], 1 + 0.1 * ar1(0.3, 39, seed=2))

    found = _readings(RunData(loss, rare), step=2495)["grad_norm_level"]

    assert found.absent == "not enough readings of the gradient norm yet (39 of 100)"


def test_a_norm_without_a_start_has_no_level() -> None:
    found = assess(DATA, step=40_000, reset=0, start=None, highest=1.0, settled=False, seed=0)

    level = {reading.id: reading for reading in readings(found, DATA)}["grad_norm_level"]

    assert level.absent == "the norm at the start, which it is held against, is zero or not known"


def test_a_curve_too_steep_for_a_line_says_so() -> None:
    found = _readings(RunData(points(np.arange(400), settling(400, level=0.4, height=1.9, time=50))), step=399)

    assert found["loss_slope"].absent == "the loss bends too fast for a line; it falls clearly"
    assert found["stabilization_onset"].absent == "the loss has not settled within the window"


def test_a_loss_without_spread_has_no_z() -> None:
    found = _readings(RunData(points(np.arange(2000), np.append(np.ones(1999), 2.0))), step=1999)

    assert found["loss_robust_z"].absent == "the last 200 losses have no spread"


def test_the_sharpness_is_the_median_of_its_newest_readings_with_their_reach() -> None:
    ratio = points([100, 200, 300, 400, 500, 600], [9.0, 0.9, 1.1, 1.0, 0.7, 1.3])

    many = readings(None, RunData(sharpness=ratio))[-1]
    one = readings(None, RunData(sharpness=ratio), since=501)[-1]

    how = "median of the newest 5 readings, smallest to largest"
    assert many == Reading("sharpness_ratio", 1.0, 0.7, 1.3, 5.0, 600, how)
    assert one == Reading("sharpness_ratio", 1.3, 1.3, 1.3, 1.0, 600, "one reading")


def test_a_sharpness_from_before_the_last_change_does_not_count() -> None:
    ratio = points([100, 200], [0.9, 1.1])

    assert readings(None, RunData(sharpness=ratio), since=1001)[-1].absent == "no reading since step 1,001"


def test_without_a_gradient_norm_its_level_is_absent() -> None:
    found = _readings(replace(DATA, grad=NOTHING), step=40_000)

    assert found["grad_norm_level"].absent == "no gradient norm has been logged"


def test_every_reading_and_every_phrase_is_in_the_catalogue() -> None:
    run = staged(seed=1)
    nan = run.until(2000)
    nan.loss[1500:] = np.nan
    stories = [*(run.until(n) for n in (300, 1500, 5500, 6200, 6600)), warmed(run, steps=400).until(200)]
    for story in (*stories, cosine(seed=1), nan):
        found = story.verdict()
        named = {r.id for r in found.readings} | {p.reading for p in found.evidence if p.reading}

        assert named <= catalogue.ALL.keys()
        assert len({r.id for r in found.readings}) == len(found.readings) == 23 + len(STATIONARITY) + len(STABILITY)
        assert all((r.value is None) is bool(r.absent) for r in found.readings)
