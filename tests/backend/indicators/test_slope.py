"""Slope with a batch-means error, and the test of equivalence."""

import numpy as np
import pytest

from ergoscope_server.indicators.mean import TooShort
from ergoscope_server.indicators.slope import Trend, equivalence, fit_trend
from tests.reference.ar1 import SEEDS, ar1

RUNS = 150


def _trend(values: np.ndarray) -> Trend:
    trend = fit_trend(values)
    assert isinstance(trend, Trend)
    return trend


@pytest.mark.known_answer("loss_slope")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_covers_a_known_slope_under_ar1_noise(seed: int) -> None:
    line = -2e-4 * np.arange(6000)
    trends = [_trend(line + ar1(0.9, 6000, seed=1000 * seed + r)) for r in range(RUNS)]

    covered = np.mean([abs(t.slope + 2e-4) <= t.half for t in trends])
    error = np.mean([t.error for t in trends]) / RUNS**0.5

    assert abs(np.mean([t.slope for t in trends]) + 2e-4) < 4 * error
    assert covered > 0.93 - 4 * (0.93 * 0.07 / RUNS) ** 0.5  # nominal 95 %, measured 92-96 %


def test_a_bend_is_not_taken_for_noise() -> None:
    u = np.linspace(0, 1, 4000)
    noise = 0.1 * ar1(0.0, 4000, seed=1)

    bent, straight = _trend((1 - u) ** 2 + noise), _trend(-u + noise)

    assert bent.tau == pytest.approx(straight.tau, rel=0.05)
    assert bent.falling


@pytest.mark.parametrize(("phi", "n"), [(0.0, 2000), (0.5, 2000), (0.9, 4000), (0.99, 30_000)])
def test_stationary_noise_rarely_looks_like_a_sure_trend(phi: float, n: int) -> None:
    trends = [fit_trend(ar1(phi, n, seed=r)) for r in range(200)]
    alarms = sum(isinstance(t, Trend) and (t.falling or t.rising) for t in trends)

    # Nominal 0.3 %, up to 1 % where there are few batches; four errors of a count of 2 out of 200.
    assert alarms <= 2 + 4 * 2**0.5


def test_a_flat_series_passes_and_a_trend_that_matters_does_not() -> None:
    noise = 0.02 * ar1(0.3, 4000, seed=3)

    flat = equivalence(_trend(0.4 + noise), mean=0.4)
    falls = equivalence(_trend(0.4 - 1e-5 * np.arange(4000) + noise), mean=0.38)

    assert flat.holds
    assert falls.certain
    assert not falls.holds


def test_a_flat_series_cannot_pass_a_horizon_of_a_thousand_steps_in_two_thousand() -> None:
    """The reason why the horizon follows the window: at 25 % noise the error alone exceeds the tolerance 3.8-fold."""
    trend = _trend(1 + 0.25 * ar1(0.0, 2000, seed=4))

    error_alone = 1.96 * trend.error * 1000

    theory = 1.96 * 12**0.5 * 0.25 * 1000 / 2000**1.5
    assert error_alone == pytest.approx(theory, rel=4 * (2 / 60) ** 0.5)  # 44 batches: about 60 degrees of freedom
    assert theory / 0.005 > 3.7


def test_the_points_asked_for_are_those_at_which_a_flat_series_passes() -> None:
    for x, step in ((0.1, 1), (0.3, 1), (1.0, 1), (3.0, 1), (0.3, 10)):
        needed = equivalence(Trend(0, 0, 0, 0, 1, x, 2000), mean=1.0, step=step).needed
        error = 12**0.5 * x / needed**1.5

        at = equivalence(Trend(0, error, 0, 0, 1, x, needed), mean=1.0, step=step)

        assert at.bound == pytest.approx(at.allowed, rel=0.02)


def test_a_mean_of_zero_never_passes() -> None:
    same = equivalence(_trend(ar1(0, 2000, seed=5)), mean=0.0)

    assert not same.holds
    assert same.percent == float("inf")


def test_too_few_points_are_refused_with_what_is_missing() -> None:
    assert fit_trend(np.zeros(399)) == TooShort(399, 400)
