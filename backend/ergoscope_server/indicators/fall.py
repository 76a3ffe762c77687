"""Does the loss fall clearly in a window too short, or too smooth, for an interval of its slope?

Of a curve without noise a line and a parabola leave a smooth rest, which passes for long memory; then an interval asks
for more points than there will ever be. Two rough tests need none.
"""

import math

import numpy as np

from ergoscope_server.indicators.mean import long_run_variance
from ergoscope_server.indicators.points import FloatArray
from ergoscope_server.indicators.slope import FARTHEST, TOLERANCE

STEEP = -4.0
PARTS = 12


def steep(values: FloatArray) -> bool:
    """Tell a clear fall from noise in a window whose bend looks like long memory.

    The slope over its error from ten batches; beyond -4 it is called a fall. A stationary series needs a memory of a
    good part of the window to get there.

    Args:
        values: Finite values, shape (n,), n >= 10, equally spaced.
    """
    n = len(values)
    t = np.arange(n) - (n - 1) / 2
    mass = n * (n * n - 1) / 12
    slope = float(t @ values) / mass
    rest = values - values.mean() - slope * t
    variance = long_run_variance(rest, batch=max(1, n // 10)).variance
    return slope < STEEP * math.sqrt(variance / mass)


def throughout(values: FloatArray, *, step: int = 1) -> bool:
    """Say whether each twelfth of a window lies below the one before it, by an amount that matters to its end.

    Of a random walk, the longest memory there is, such a window comes once in 500, and of means without memory once in
    12! = 4.8e8. From the third quarter to the last the means must fall by 0.5 % or more per 1,000 steps, or a curve
    that creeps towards its limit would fall for ever.

    Args:
        values: Finite values, shape (n,), n >= 24, equally spaced.
        step: Steps between two values.
    """
    n = len(values) // PARTS
    means = values[len(values) - n * PARTS :].reshape(PARTS, n).mean(axis=1)
    half = PARTS // 2
    gone = float(means[half : -half // 2].mean() - means[-half // 2 :].mean()) / (half / 2 * n * step)
    return bool((np.diff(means) < 0).all()) and gone * FARTHEST > TOLERANCE * abs(float(means[half:].mean()))
