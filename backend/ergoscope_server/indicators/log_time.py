"""How the distance from the start grows: with the logarithm of time, or as a power of it."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.points import FloatArray, Points

PRODUCES = ("log_time_slope",)
FIRST = 10  # steps that are left out
RATIO = 1.05  # of neighbouring times on the grid
FEWEST = 16  # times
SPAN = 10.0  # of the last time to the first, at least
STEEPEST = 2.0  # power of the time


@dataclass(frozen=True, slots=True)
class Growth:
    """Both fits of the distance d(t) over times t.

    slope, error: b of a + b log t, in the distance's unit, and its standard error.
    power: p of c t^p. lead: AIC of the logarithm less that of the power; below zero the logarithm fits better.
    n: times.
    """

    slope: float
    error: float
    power: float
    lead: float
    n: int


def growth(distances: Points) -> Growth | None:
    """Fit a + b log t and c t^p by least squares on a geometric grid of times from 10 steps on.

    Each fit has two parameters, so the difference of their AIC is n log of the ratio of what they leave. Neighbouring
    distances err alike: the error of b is widened by the root of their autocorrelation time. Source: Hoffer, Hubara,
    Soudry (2017).

    Args:
        distances: ‖w_t - w_0‖ by step, the first step of the run being 0 or 1.

    Returns:
        None with fewer than 16 times, or less than a factor of ten between the first and the last.
    """
    kept = distances.since(FIRST).finite()
    if len(kept) < FEWEST or kept.steps[-1] < SPAN * kept.steps[0]:
        return None
    marks = np.log(kept.steps / kept.steps[0]) / math.log(RATIO)
    _, places = np.unique(np.floor(marks), return_index=True)
    if len(places) < FEWEST:
        return None
    t, d = kept.steps[places].astype(np.float64), kept.values[places]
    away = np.log(t) - np.log(t).mean()
    mass = float(away @ away)
    slope = float(away @ d) / mass
    rest = d - d.mean() - slope * away
    left = float(rest @ rest)
    error = math.sqrt(left / (len(d) - 2) / mass * iat_geyer(rest).tau)
    best = minimize_scalar(lambda p: _left_by_power(p, t, d), bounds=(0.0, STEEPEST), method="bounded")
    floor = 1e-30 * float(d @ d) + 1e-300  # of rounding: one of the two may be exact
    lead = len(d) * math.log(max(left, floor) / max(float(best.fun), floor))
    return Growth(slope, error, float(best.x), lead, len(d))


def _left_by_power(power: float, t: FloatArray, d: FloatArray) -> float:
    shape = (t / t[-1]) ** power
    rest = d - float(shape @ d) / float(shape @ shape) * shape
    return float(rest @ rest)
