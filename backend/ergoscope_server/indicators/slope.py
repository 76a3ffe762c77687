"""Is there still a trend, and does it matter? Slope with batch-means error, test of equivalence."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.mean import TooShort, batch_length, long_run_variance, points_needed
from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("loss_slope",)
NEAREST, FARTHEST = 100, 1000  # steps over which a trend is projected
SHARE = 20  # windows to a horizon, between these bounds
TOLERANCE = 0.005  # share of the mean that a projected trend may reach on a plateau
NORMAL = 1.96
QUANTILES = np.array((0.975, 0.9985))


@dataclass(frozen=True, slots=True)
class Trend:
    """Least-squares slope of n points with its standard error, both per point.

    half: half-width of the 95 % interval, per point; sure: of the 99.7 % interval.
    tau: autocorrelation time of what a parabola leaves, in points.
    deviation: root of the long-run variance of the same.
    """

    slope: float
    error: float
    half: float
    sure: float
    tau: float
    deviation: float
    n: int

    @property
    def falling(self) -> bool:
        """Say whether the slope is below zero for sure: a run is looked at too often for an interval of 95 %."""
        return self.slope + self.sure < 0

    @property
    def rising(self) -> bool:
        """Say whether the slope is above zero for sure."""
        return self.slope - self.sure > 0


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether a trend is too small to matter: `bound` is what it may amount to over the horizon, `allowed` the limit.

    horizon: steps of the projection. certain: the trend is beyond chance, and 0.5 % or more per 1,000 steps.
    needed: points at which a series of this noise without any trend would pass.
    """

    bound: float
    allowed: float
    horizon: float
    certain: bool
    needed: int

    @property
    def holds(self) -> bool:
        """Say whether even the bound stays within the limit, and no trend is certain."""
        return self.bound < self.allowed and not self.certain

    @property
    def percent(self) -> float:
        """What the trend may amount to in 1,000 steps, in percent of the mean."""
        return 100 * TOLERANCE * self.bound / self.allowed * 1000 / self.horizon if self.allowed > 0 else math.inf


def fit_trend(values: FloatArray) -> Trend | TooShort:
    """Fit a line, with the error that the correlation of the noise calls for.

    The noise is what a parabola leaves, so that a bend of the curve is not taken for noise; its long-run variance σ²
    comes from overlapping batch means, and the variance of the slope is 12 σ² / (n (n² - 1)).

    Args:
        values: Finite values, shape (n,), equally spaced.

    Returns:
        The trend, or what is missing when the window holds fewer than 20 batches.
    """
    n = len(values)
    if n < points_needed(1.0):
        return TooShort(n, points_needed(1.0))
    t = np.arange(n) - (n - 1) / 2
    mass = n * (n * n - 1) / 12  # Σ t²
    slope = float(t @ values) / mass
    rest = values - values.mean() - slope * t
    bend = t * t - mass / n
    rest = rest - (float(bend @ rest) / float(bend @ bend)) * bend
    tau = iat_geyer(rest).tau
    if n < points_needed(tau):
        return TooShort(n, points_needed(tau))
    noise = long_run_variance(rest, batch=batch_length(n, tau))
    error = math.sqrt(noise.variance / mass)
    half, sure = (float(t) * error for t in stdtrit(max(1.0, noise.dof - 2), QUANTILES))  # line and parabola cost two
    return Trend(slope, error, half, sure, tau, math.sqrt(noise.variance), n)


def equivalence(trend: Trend, *, mean: float, step: int = 1) -> Equivalence:
    """Compare what the trend may amount to over a horizon H with 0.5 % of the mean: |slope| H + 1.96 se H < ε |mean|.

    H is a twentieth of the window, between 100 and 1,000 steps. With 1,000 for every window, a loss whose noise is 25 %
    of its mean could not pass within 4,800 steps however flat it is.

    Args:
        trend: The fitted trend.
        mean: Mean of the same window, in the unit of the series.
        step: Steps between two points.
    """
    horizon = min(FARTHEST, max(NEAREST, trend.n * step / SHARE))
    points = horizon / step
    allowed = TOLERANCE * abs(mean)
    trend_size = abs(trend.slope) * points
    bound = trend_size + NORMAL * trend.error * points
    certain = (trend.falling or trend.rising) and abs(trend.slope) * FARTHEST / step > allowed
    return Equivalence(bound, allowed, horizon, certain, _needed(trend.deviation, allowed, step))


def _needed(deviation: float, allowed: float, step: int) -> int:
    """Give the points at which a flat series of this long-run deviation would pass."""
    if allowed <= 0:
        return 0
    x = NORMAL * math.sqrt(12) * deviation / allowed  # the bound of n points over h points is x h / n^1.5
    short = math.pow(x * NEAREST / step, 2 / 3)
    if short * step <= SHARE * NEAREST:
        return math.ceil(short)
    return math.ceil(min((x / SHARE) ** 2, math.pow(x * FARTHEST / step, 2 / 3)))
