"""How long a running job may say nothing."""

import numpy as np

from ergoscope_server.indicators.points import Points

LEAST_S = 30.0
STEPS = 5.0  # median step times
PAUSES = 1.5  # longest pauses seen, as for a validation after every epoch


def pace(wall: Points) -> float | None:
    """Give the median seconds a step takes; None while too few times are known, or they do not rise.

    Args:
        wall: Times at which steps were logged, s, by step.
    """
    if len(wall) < 2:
        return None
    usual = float(np.median(np.diff(wall.values) / np.maximum(np.diff(wall.steps), 1)))
    return usual if usual > 0 else None


def patience(wall: Points) -> float:
    """Give the seconds a run may be silent: 30 s, 5 median step times, or 1.5 times the longest pause it has made.

    Args:
        wall: Times at which steps were logged, s, by step.
    """
    if len(wall) < 2:
        return LEAST_S
    steps, seconds = np.diff(wall.steps), np.diff(wall.values)
    usual = float(np.median(seconds / np.maximum(steps, 1)))
    longest = float(np.max(seconds - usual * np.maximum(steps - 1, 0)))
    return max(LEAST_S, STEPS * usual, PAUSES * longest)
