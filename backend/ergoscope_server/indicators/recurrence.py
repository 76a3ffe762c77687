"""How often weights come back near to where they have been."""

import numpy as np

from ergoscope_server.indicators.points import FloatArray, IntArray

PRODUCES = ("recurrence_rate",)
NEAREST = 0.1  # of the distances of neighbouring looks: what counts as a return
FEWEST = 24


def recurrence_rate(steps: IntArray, squares: FloatArray, *, memory: float) -> float:
    """Give the share of distant pairs of looks that are nearer to each other than the nearest tenth of close ones.

    Close ones are up to `memory` steps apart, or neighbours where looks are further apart than that; distant ones are
    all others. A confined walk comes back at a constant rate, a free one ever less; weights of many dimensions
    practically never do.

    Args:
        steps: Steps of the looks, shape (n,), rising, n >= 24.
        squares: Their squared distances, shape (n, n).
        memory: Steps after which the walk has forgotten where it was.

    Raises:
        ValueError: fewer than 24 looks, or none further apart than `memory`.
    """
    n = len(steps)
    if n < FEWEST:
        raise ValueError(f"{n} looks at the weights; returns are counted from {FEWEST} on")
    before, after = np.triu_indices(n, 1)
    close = (steps[after] - steps[before] <= memory) | (after == before + 1)
    if close.all():
        raise ValueError(f"no two looks are further apart than {memory:.0f} steps; returns need some that are")
    moved = squares[before, after]
    return float(np.mean(moved[~close] < np.quantile(moved[close], NEAREST)))
