"""Tests that are shown and decide nothing: others ask for them, or they hold between runs only."""

import math
from dataclasses import dataclass

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.autocorrelation import autocorrelation
from ergoscope_server.indicators.dickey_fuller import CRITICAL as UNIT_ROOT
from ergoscope_server.indicators.dickey_fuller import adf
from ergoscope_server.indicators.kendall import MEMORY, mann_kendall_z
from ergoscope_server.indicators.kpss import CRITICAL, kpss
from ergoscope_server.indicators.mixing import Decay, decay_rate
from ergoscope_server.indicators.numerals import count
from ergoscope_server.indicators.points import FloatArray

ADVISORY = ("mk_z", "kpss", "adf", "acf_decay_rate")


@dataclass(frozen=True, slots=True)
class Advisory:
    """Answers on the stretch that the deciding tests use.

    mk_z: of the trend test by ranks; kpss, adf: statistics of the tests of a level and of a random walk.
    decay: of fluctuations, a point apart.
    block: points in a block of the first; n: points of the stretch.
    """

    mk_z: float
    kpss: float
    adf: float
    decay: Decay
    block: int
    n: int


def advise(values: FloatArray, *, tau: float) -> Advisory:
    """Put a stretch to these tests.

    Args:
        values: Finite values, shape (n,), n >= 400 and 100 tau, equally spaced.
        tau: Integrated autocorrelation time in points.
    """
    z = mann_kendall_z(values, tau=tau)
    rho = autocorrelation(values)
    level, walk, decay = kpss(values, tau=tau, rho=rho), adf(values), decay_rate(values, rho=rho)
    return Advisory(z, level, walk, decay, math.ceil(MEMORY * tau), len(values))


def advisory_readings(found: Advisory | None, *, step: int, stride: int, absent: str) -> list[Reading]:
    """Give them as readings; without any, each says why.

    Args:
        found: The answers.
        step: The newest step.
        stride: Steps between two points.
        absent: Why there are none.
    """
    if found is None:
        return [Reading(name, absent=absent, step=step) for name in ADVISORY]
    n, decay = float(found.n), found.decay
    trend = f"means of {count(found.block)} readings and more; a trend beyond ±1.96; advisory"
    walk = f"below {UNIT_ROOT} it is no random walk; advisory"
    level = f"window of ten autocorrelation times; above {CRITICAL} the level moves; advisory"
    return [
        Reading("mk_z", found.mk_z, n=n, step=step, how=trend),
        Reading("kpss", found.kpss, n=n, step=step, how=level),
        Reading("adf", found.adf, n=n, step=step, how=walk),
        _decay(decay, n, step, stride),
    ]


def _decay(decay: Decay, n: float, step: int, stride: int) -> Reading:
    how = "line through the logarithm of the autocorrelation, jackknife, 95 %; between runs of equal lr and batch only"
    if not decay.lags:
        how = "the loss forgets itself from one reading to the next"
    half = 1.96 * decay.error
    low, high = max(0.0, decay.rate - half), min(1.0, decay.rate + half)
    by_step = [value ** (1 / stride) for value in (decay.rate, low, high)]
    return Reading("acf_decay_rate", by_step[0], by_step[1], by_step[2], n, step, how)
