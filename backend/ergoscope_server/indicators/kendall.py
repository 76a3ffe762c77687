"""A trend in no particular shape: the Mann-Kendall test, on block means, as single steps remember each other."""

import math

import numpy as np

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("mk_z",)
MEMORY = 2.5  # autocorrelation times in a block
MOST = 400  # blocks: every pair of them is compared
FEWEST = 8


def mann_kendall_z(values: FloatArray, *, tau: float) -> float:
    """Count pairs of blocks that rise less those that fall, in standard deviations of a series without order.

    z = (S - sign S) / sqrt(m (m-1) (2m+5) / 18) with S = Σ_{i<j} sign(Y_j - Y_i) over m means of 2.5 τ points or more.
    On the raw series of an AR(1) with coefficient .9 it alarms 59 % of the time where 5 % is claimed. Sources: Mann
    (1945); Kendall (1975).

    Args:
        values: Finite values, shape (n,), equally spaced.
        tau: Integrated autocorrelation time in points.

    Raises:
        ValueError: fewer than eight blocks.
    """
    n = len(values)
    length = max(math.ceil(MEMORY * tau), math.ceil(n / MOST))
    m = n // length
    if m < FEWEST:
        raise ValueError(f"{m} blocks of {length} values; the count of rising pairs needs at least {FEWEST}")
    means = values[n - m * length :].reshape(m, length).mean(axis=1)
    pairs = float(np.triu(np.sign(means[None, :] - means[:, None]), 1).sum())
    return (pairs - math.copysign(min(1.0, abs(pairs)), pairs)) / math.sqrt(m * (m - 1) * (2 * m + 5) / 18)
