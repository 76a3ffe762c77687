"""Where the gradient norm stands against where it started and against its highest."""

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.mean import MeanInterval, batch_length, long_run_variance
from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("grad_norm_level",)
FEWEST = 100  # norms of a window: ten batches of ten
START = 20  # steps that say where a run started: short, since the norm moves fast at first


@dataclass(frozen=True, slots=True)
class Start:
    """Mean of the first 20 norms with its standard error and degrees of freedom."""

    mean: float
    error: float
    dof: float


@dataclass(frozen=True, slots=True)
class Level:
    """A smoothed norm divided by another: ratio and half-width of its 95 % interval, both dimensionless."""

    ratio: float
    half: float
    n: float


def starting_level(values: FloatArray) -> Start | None:
    """Give the level of the first 20 finite norms, with a batch-means error; None while there are fewer.

    Args:
        values: Finite norms from the first step on, shape (n,).
    """
    if len(values) < START:
        return None
    first = values[:START]
    spread = long_run_variance(first, batch=4)
    return Start(float(first.mean()), math.sqrt(spread.variance / START), spread.dof)


def window_level(values: FloatArray) -> tuple[MeanInterval, float] | None:
    """Give the mean norm of a window with its interval and autocorrelation time; None below 100 norms.

    A norm often drifts while the loss is level. Its mean over the window has a meaning all the same: batches then are
    at most a tenth of the window, so that the drift widens the interval instead of leaving none.

    Args:
        values: Finite norms, shape (n,), equally spaced.
    """
    n = len(values)
    if n < FEWEST:
        return None
    tau = iat_geyer(values).tau
    spread = long_run_variance(values, batch=min(batch_length(n, tau), n // 10))
    error = math.sqrt(spread.variance / n)
    half = float(stdtrit(spread.dof, 0.975)) * error
    return MeanInterval(float(values.mean()), half, error, 0.95, n, spread.batch), tau


def relative_level(window: MeanInterval, start: Start, *, tau: float) -> Level | None:
    """Divide the mean of a window by the mean at the start: a ratio of means, never a mean of ratios.

    The interval is the delta method's, with Welch and Satterthwaite's degrees of freedom. None for a start of zero.
    """
    if start.mean <= 0 or window.mean <= 0:
        return None
    now, then = (window.error / window.mean) ** 2, (start.error / start.mean) ** 2
    ratio = window.mean / start.mean
    n = window.n / tau
    if now + then == 0:
        return Level(ratio, 0.0, n)
    dof = (now + then) ** 2 / (now**2 / (1.5 * (window.n / window.batch - 1)) + then**2 / start.dof)
    return Level(ratio, float(stdtrit(dof, 0.975)) * ratio * math.sqrt(now + then), n)


def highest_level(values: FloatArray) -> float:
    """Give the highest mean over disjoint stretches of 20 norms; 0 while there is none."""
    count = len(values) // START
    return float(values[: count * START].reshape(count, START).mean(axis=1).max()) if count else 0.0


def vanished(window: MeanInterval, highest: float) -> bool:
    """Say whether the norm is below 5 % of its highest, and its interval below 10 %.

    The squared minibatch norm is on average at least the squared norm of the true gradient, so a small one bounds it.
    """
    return window.mean < 0.05 * highest and window.mean + window.half < 0.10 * highest
