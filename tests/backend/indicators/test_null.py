"""How often each test speaks of steady noise, whose memory it must estimate: within its bound at every memory."""

from collections.abc import Callable

import numpy as np
import pytest

from ergoscope_server.indicators.change_points import change_points
from ergoscope_server.indicators.dickey_fuller import CRITICAL as UNIT_ROOT
from ergoscope_server.indicators.dickey_fuller import adf
from ergoscope_server.indicators.few import mean_of_few
from ergoscope_server.indicators.geweke import CRITICAL, geweke_z
from ergoscope_server.indicators.invariance import memory_of
from ergoscope_server.indicators.kendall import mann_kendall_z
from ergoscope_server.indicators.kpss import CRITICAL as MOVES
from ergoscope_server.indicators.kpss import kpss
from ergoscope_server.indicators.norm_drift import norm_drift
from ergoscope_server.indicators.points import FloatArray, points
from ergoscope_server.indicators.separation import separation_test
from ergoscope_server.indicators.slope import Trend, fit_trend
from ergoscope_server.indicators.spikes import find_spikes
from ergoscope_server.indicators.windows import window_test
from tests.reference.ar1 import ar1, memory

RUNS = 100
Test = Callable[[FloatArray, float], bool]


def _slope(values: FloatArray, tau: float) -> bool:
    trend = fit_trend(values)
    return isinstance(trend, Trend) and abs(trend.slope) > trend.half


def _sure(values: FloatArray, tau: float) -> bool:
    trend = fit_trend(values)
    return isinstance(trend, Trend) and (trend.falling or trend.rising)


def _drift(values: FloatArray, tau: float) -> bool:
    found = norm_drift(points(np.arange(len(values)), np.sqrt(100 + values)))
    return found is not None and abs(found[0]) > found[1]


def _level(values: FloatArray, tau: float) -> bool:
    few = mean_of_few(values)
    return few is not None and abs(few.mean) > few.half()


# Nominal rate, and the bound that is held at 100 autocorrelation times, where the memory is known to some 20 %.
TESTS: dict[str, tuple[Test, float]] = {
    "slope, 95 %": (_slope, 0.08),
    "slope, 99.7 %": (_sure, 0.01),
    "Mann-Kendall, 5 %": (lambda x, tau: abs(mann_kendall_z(x, tau=tau)) > 1.96, 0.08),
    "KPSS, 5 %": (lambda x, tau: kpss(x, tau=tau) > MOVES, 0.07),
    "Geweke, 1 %": (lambda x, tau: abs(geweke_z(x, tau=tau)) > CRITICAL, 0.03),
    "windows, 5 %": (lambda x, tau: window_test(x, tau=tau, seed=0).p <= 0.05, 0.08),
    "separation, 1 %": (lambda x, tau: separation_test(x, tau=tau).steady is False, 0.02),
    "change points": (lambda x, tau: bool(change_points(x, tau=tau)), 0.08),
    "drift of the norm, 5 %": (_drift, 0.08),
    "mean of few, 5 %": (_level, 0.08),
}


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", TESTS)
def test_false_alarms_stay_within_their_bound(name: str, phi: float) -> None:
    test, bound = TESTS[name]
    n = max(2000, round(100 * memory(phi)))

    alarms = 0
    for seed in range(RUNS):
        values = ar1(phi, n, seed=seed)
        try:
            alarms += test(values, memory_of(values))
        except ValueError:  # the memory was estimated too long for the test, which then says nothing
            continue

    assert alarms / RUNS < bound + 4 * (bound * (1 - bound) / RUNS) ** 0.5


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_no_spike_is_counted_in_nine_of_ten_stretches_of_a_thousand(phi: float) -> None:
    assert np.mean([bool(find_spikes(ar1(phi, 1000, seed=seed)).starts) for seed in range(RUNS)]) < 0.1


def test_a_walk_counts_as_none_one_time_in_twenty() -> None:
    alarms = np.mean([adf(np.cumsum(ar1(0.0, 2000, seed=seed))) < UNIT_ROOT for seed in range(RUNS)])

    assert alarms < 0.05 + 4 * (0.05 * 0.95 / RUNS) ** 0.5
