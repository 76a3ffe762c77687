"""Does the beginning of a window have the mean of its end?"""

import math

import numpy as np

from ergoscope_server.indicators.mean import batch_length, long_run_variance
from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("geweke_z",)
FIRST, LAST = 0.1, 0.5
CRITICAL = 2.6


def geweke_z(values: FloatArray, *, tau: float) -> float:
    """Compare the first tenth with the last half: z = (mean A - mean B) / sqrt(σ²/n_A + σ²/n_B).

    σ² is the long-run variance that both share when nothing changes, by overlapping batch means over A and B, each
    about its own mean. A tenth of the window alone is too short for batches of 5 tau, and its own estimate makes z too
    wide.
    A series without any spread gives 0. Source: Geweke (1992).

    Args:
        values: Finite values, shape (n,), n >= 20, equally spaced.
        tau: Integrated autocorrelation time in points.

    Raises:
        ValueError: fewer than 20 values.
    """
    n = len(values)
    if n < 20:
        raise ValueError(f"{n} values; the comparison of a tenth with a half needs at least 20")
    first, last = values[: int(FIRST * n)], values[n - int(LAST * n) :]
    both = np.concatenate((first - first.mean(), last - last.mean()))
    batch = min(batch_length(len(both), tau), len(both) // 2)
    variance = long_run_variance(both, batch=batch).variance
    gap = float(first.mean() - last.mean())
    error = math.sqrt(variance * (1 / len(first) + 1 / len(last)))
    if error > 0:
        return gap / error
    return 0.0 if gap == 0 else math.copysign(math.inf, gap)
