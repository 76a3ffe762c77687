"""How fast the weights still leave the place where a stretch began."""

import numpy as np

from ergoscope_server.indicators.points import FloatArray, IntArray

PRODUCES = ("distance_slope",)
RATIO = 1.5  # of the times between which the slope is taken
FEWEST = 4  # looks between them


def distance_slope(steps: IntArray, squares: FloatArray) -> float | None:
    """Give d log ‖w_n - w_0‖² / d log n over the last third of the time since the first look: 2 straight on, 0 stuck.

    A line by least squares through all looks from n / 1.5 to n. It falls below .6 long before the slowest direction has
    come to rest, so it is a lower bound. Source: Pesme, Dieuleveut, Flammarion (2020).

    Args:
        steps: Steps of the looks, shape (n,), rising.
        squares: Their squared distances, shape (n, n).

    Returns:
        None where the last third holds fewer than four looks, or nothing has moved.
    """
    times, moved = (steps - steps[0]).astype(np.float64), squares[0]
    late = (times * RATIO >= times[-1]) & (moved > 0)
    if np.count_nonzero(late) < FEWEST:
        return None
    return float(np.polyfit(np.log(times[late]), np.log(moved[late]), 1)[0])
