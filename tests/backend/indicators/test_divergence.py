"""The runaway loss: what it is, and that ordinary noise is none."""

import numpy as np
import pytest

from ergoscope_server.indicators.divergence import divergence, smoothed
from ergoscope_server.indicators.points import FloatArray
from tests.reference.ar1 import ar1, memory, settling, student

N = 6000


def _fires(values: FloatArray, *, tau: float = 1.0) -> int | None:
    """First step at which two looks in a row, 25 steps apart, find the loss diverging."""
    averages, start, before = smoothed(values), float(values[:20].mean()), False
    for end in range(300, len(values) + 1, 25):
        found = divergence(values[:end], averages[:end], start=start, tau=tau, warming=False)
        if found is not None and found.holds and before:
            return end
        before = found is not None and found.holds
    return None


def test_smoothing_is_the_exponential_average() -> None:
    values = ar1(0.5, 1500, seed=0)
    level, expected = values[0], []
    for value in values:
        level += (value - level) * 2 / 51
        expected.append(level)

    assert smoothed(values) == pytest.approx(np.array(expected), abs=1e-9)
    assert smoothed(np.empty(0)).size == 0


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("shape", ["flat", "decay", "stages"])
def test_noise_of_thirty_percent_raises_no_alarm(phi: float, shape: str) -> None:
    level = {
        "flat": np.ones(N),
        "decay": settling(N, level=0.4, height=1.9, time=400.0),
        "stages": np.concatenate(
            (settling(N // 2, level=0.4, height=1.9, time=300.0), settling(N // 2, level=0.15, height=0.25, time=200.0))
        ),
    }[shape]

    alarms = [_fires(level * (1 + 0.3 * ar1(phi, N, seed=r)), tau=memory(phi)) for r in range(12)]

    # Six robust deviations of the average: expected count far below one; 108 runs in all cases together.
    assert alarms == [None] * 12


def test_heavy_tails_and_single_spikes_raise_no_alarm() -> None:
    level = settling(N, level=0.4, height=1.9, time=400.0)
    for r in range(12):
        values = level * np.exp(0.2 * student(N, seed=r) / 3**0.5)
        values[3000 + r] *= 100

        assert _fires(values) is None


def test_a_very_long_memory_wanders_past_its_limit_rarely() -> None:
    alarms = [_fires(1 + 0.3 * ar1(0.99, N, seed=r), tau=memory(0.99)) for r in range(40)]

    # Measured 1 %: four Poisson errors of an expected count of 0.4.
    assert sum(a is not None for a in alarms) <= 0.4 + 4 * 0.4**0.5


@pytest.mark.parametrize("time", [20, 200, 1000])
def test_exponential_growth_is_found_before_it_has_grown_fourfold(time: int) -> None:
    values = settling(N, level=0.4, height=1.9, time=400.0) * (1 + 0.1 * ar1(0.5, N, seed=1))
    values[4000:] *= np.exp(np.arange(N - 4000) / time)

    found = _fires(values)

    assert found is not None
    assert 4000 < found <= 4000 + 1.4 * time + 150  # the average lags 50 steps, two looks take 50


def test_a_loss_far_above_its_start_diverges_even_while_the_rate_warms_up() -> None:
    values = np.concatenate((np.full(350, 2.3), np.linspace(2.3, 9.0, 50))) + 0.01 * ar1(0, 400, seed=1)

    found = divergence(values, smoothed(values), start=2.3, tau=1.0, warming=True)

    assert found is not None
    assert found.holds


def test_a_rise_within_half_the_start_is_excused_while_the_rate_warms_up() -> None:
    values = np.concatenate((np.full(350, 2.3), np.linspace(2.3, 3.2, 50))) + 0.01 * ar1(0, 400, seed=1)

    warming = divergence(values, smoothed(values), start=2.3, tau=1.0, warming=True)
    after = divergence(values, smoothed(values), start=2.3, tau=1.0, warming=False)

    assert warming is not None
    assert after is not None
    assert (warming.holds, after.holds) == (False, True)


def test_a_negative_loss_is_judged_by_its_size() -> None:
    values = np.concatenate((np.full(900, -4.0), np.linspace(-4.0, -1.0, 100))) + 0.01 * ar1(0, 1000, seed=1)

    found = divergence(values, smoothed(values), start=-1.0, tau=1.0, warming=False)

    assert found is not None
    assert found.limit == pytest.approx(-2.0, abs=0.1)  # half of 4 above -4
    assert divergence(values[:900], smoothed(values[:900]), start=-1.0, tau=1.0, warming=False)


def test_nothing_is_said_of_fewer_than_three_hundred_points() -> None:
    assert divergence(np.ones(299), np.ones(299), start=1.0, tau=1.0, warming=False) is None


def _held(values: FloatArray) -> bool:
    found = divergence(values, smoothed(values), start=1.0, tau=1.0, warming=False)
    return found is not None and found.holds


def _hill(height: float, *, rise: int = 60) -> FloatArray:
    """A loss that was all but gone, and goes up in a line to its end."""
    values = np.full(3000, 1e-3) + 1e-5 * ar1(0.0, 3000, seed=1)
    values[-rise:] += np.linspace(0.0, height, rise)
    return values


@pytest.mark.parametrize(("height", "told"), [(4e-3, False), (0.02, True)])
def test_a_loss_far_below_its_start_may_rise_to_six_times_its_lowest(height: float, told: bool) -> None:
    assert _held(_hill(height)) == told


def test_a_rise_that_the_run_has_come_back_from_before_is_none() -> None:
    values = _hill(0.02)
    values[1500:1600] += np.linspace(0.06, 0.0, 100)

    assert not _held(values)
    assert _held(values + np.concatenate([np.zeros(2940), np.linspace(0.0, 0.4, 60)]))


def test_a_loss_beyond_its_start_diverges_whatever_it_came_back_from() -> None:
    values = _hill(3.0)
    values[1500:1600] += np.linspace(5.0, 0.0, 100)

    assert _held(values)
