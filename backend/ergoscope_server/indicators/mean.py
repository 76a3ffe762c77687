"""The average of a correlated series with an honest interval: overlapping batch means."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("loss_mean_ci",)
BATCHES = 20  # fewer batches than this say too little of the spread between them


@dataclass(frozen=True, slots=True)
class TooShort:
    """Why a window gives no answer yet: it holds `have` points and needs `need`."""

    have: int
    need: int


@dataclass(frozen=True, slots=True)
class LongRun:
    """Long-run variance σ² = lim n Var(mean) of a series, with the batch length and degrees of freedom behind it."""

    variance: float
    batch: int
    dof: float


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """Mean of n points with the half-width of its interval at `level`, both in the unit of the series."""

    mean: float
    half: float
    error: float
    level: float
    n: int
    batch: int


def batch_length(n: int, tau: float) -> int:
    """Give the batch length max(floor(sqrt(n)), 5 tau) in points."""
    return max(math.isqrt(n), math.ceil(5 * tau), 1)


def points_needed(tau: float) -> int:
    """Give the smallest window that holds 20 batches: 400 points, or 100 tau."""
    return max(BATCHES**2, BATCHES * math.ceil(5 * tau))


def long_run_variance(values: FloatArray, *, batch: int) -> LongRun:
    """Estimate the long-run variance by overlapping batch means.

    σ² = n b / ((n-b)(n-b+1)) Σ_j (Y_j - Y)² over all n-b+1 batches of length b, 1.5 (n/b - 1) degrees of freedom.
    Source: Meketon and Schmeiser (1984).

    Args:
        values: Finite values, shape (n,), equally spaced.
        batch: Batch length b in points, 1 <= b < n.

    Raises:
        ValueError: `batch` does not fit.
    """
    n = len(values)
    if not 1 <= batch < n:
        raise ValueError(f"batch is {batch} for {n} points; it must be at least 1 and below {n}")
    centred = values - values.mean()
    sums = np.concatenate(([0.0], np.cumsum(centred)))
    means = (sums[batch:] - sums[:-batch]) / batch
    variance = n * batch / ((n - batch) * (n - batch + 1)) * float(means @ means)
    return LongRun(variance, batch, 1.5 * (n / batch - 1))


def mean_interval(values: FloatArray, *, tau: float, level: float = 0.95) -> MeanInterval | TooShort:
    """Give the mean with a Student interval from overlapping batch means.

    Args:
        values: Finite values, shape (n,), equally spaced.
        tau: Integrated autocorrelation time in points.
        level: Confidence level of the interval.

    Returns:
        The interval, or what is missing when the window holds fewer than 20 batches.
    """
    n = len(values)
    need = points_needed(tau)
    if n < need:
        return TooShort(n, need)
    long_run = long_run_variance(values, batch=batch_length(n, tau))
    error = math.sqrt(long_run.variance / n)
    half = float(stdtrit(long_run.dof, 0.5 + level / 2)) * error
    return MeanInterval(float(values.mean()), half, error, level, n, long_run.batch)
