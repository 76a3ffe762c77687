"""Does a series keep to its level, or wander off and stay away? The KPSS test."""

import math

import numpy as np

from ergoscope_server.indicators.autocorrelation import autocorrelation
from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("kpss",)
CRITICAL = 0.463  # exceeded by 5 % of stationary series
MEMORY = 10  # autocorrelation times in the window of the long-run variance
LONGEST = 0.25  # of the series, which that window may not pass


def kpss(values: FloatArray, *, tau: float, rho: FloatArray | None = None) -> float:
    """Give Σ_t S_t² / (n² σ²), with S_t the sums of the first t deviations from the mean; 0 for a constant series.

    σ² is the long-run variance with Bartlett's window of 10 τ lags; the usual window of 12 (n/100)^¼ lags alarms 13 %
    of the time where 5 % is claimed. Source: Kwiatkowski, Phillips, Schmidt, Shin (1992), the test of a level.

    Args:
        values: Finite values, shape (n,), n >= 40, equally spaced.
        tau: Integrated autocorrelation time in points.
        rho: Their autocorrelation, where it is worked out already.

    Raises:
        ValueError: fewer than 40 values.
    """
    n = len(values)
    if n < 40:
        raise ValueError(f"{n} values; the test of a level needs at least 40")
    lags = max(1, min(math.ceil(MEMORY * tau), int(LONGEST * n)))
    rho = (autocorrelation(values) if rho is None else rho)[1 : lags + 1]
    weights = 1 - np.arange(1, lags + 1) / (lags + 1)
    variance = float(values.var()) * (1 + 2 * float(weights @ rho))
    if not variance > 0:
        return 0.0
    sums = np.cumsum(values - values.mean())
    return float(sums @ sums) / (n * n * variance)
