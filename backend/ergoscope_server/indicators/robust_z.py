"""How unusual the newest values are against their recent past."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("loss_robust_z",)
WINDOW = 200
GAUSSIAN = 1.4826  # makes the median absolute deviation of a Gaussian its standard deviation


def mad(values: FloatArray) -> float:
    """Give the standard deviation that a Gaussian with the same median absolute deviation would have."""
    return GAUSSIAN * float(np.median(np.abs(values - np.median(values))))


def robust_z(values: FloatArray, *, window: int = WINDOW, newest: int = 1) -> FloatArray:
    """Compare each of the newest values with the `window` values before it: (L - median) / (1.4826 MAD).

    Heavy tails call for 8 rather than 5 as the threshold. A past without any spread gives 0 for a value equal to it and
    an infinity otherwise.

    Args:
        values: Finite values, shape (n,).
        window: Values of the past that each is compared with.
        newest: How many z to give.

    Returns:
        z of the newest values that have a full window before them, shape (min(newest, n - window),).
    """
    count = min(newest, len(values) - window)
    if count < 1:
        return np.empty(0)
    past = sliding_window_view(values[-count - window : -1], window)
    centre = np.median(past, axis=1)
    spread = GAUSSIAN * np.median(np.abs(past - centre[:, None]), axis=1)
    gap = values[-count:] - centre
    safe = np.where(spread > 0, spread, 1.0)
    beyond = np.where(gap == 0, 0.0, np.copysign(np.inf, gap))
    return np.where(spread > 0, gap / safe, beyond)
