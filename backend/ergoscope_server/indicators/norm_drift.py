"""Do the weights still grow or shrink? The trend of their squared norm."""

import math

from scipy.special import stdtrit

from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.few import BATCHES
from ergoscope_server.indicators.mean import batch_length, long_run_variance
from ergoscope_server.indicators.points import Points

PRODUCES = ("norm_drift",)
FEWEST = 16


def norm_drift(norms: Points) -> tuple[float, float] | None:
    """Fit ‖w‖² = a + b t; give b in weight² a step, and the half-width of its 95 % interval; None below 16 norms.

    The error is that of overlapping batch means of what the line leaves, of at most a quarter of the readings: a bend
    passes for noise and widens the interval. The test of SASA+ asks the same of each step's x·d + α‖d‖²/2, which sums
    up to the change of ‖w‖². Source: Zhang, Lang, Liu, Xiao (2020); that it telescopes is ours.

    Args:
        norms: ‖w‖ by step, finite; steps need not be equally far apart.
    """
    n = len(norms)
    if n < FEWEST:
        return None
    t = norms.steps - norms.steps.mean()
    squares = norms.values**2
    mass = float(t @ t)
    slope = float(t @ squares) / mass
    rest = squares - squares.mean() - slope * t
    spread = long_run_variance(rest, batch=min(batch_length(n, iat_geyer(rest).tau), n // BATCHES))
    half = float(stdtrit(max(1.0, spread.dof - 1), 0.975)) * math.sqrt(spread.variance / mass)
    return slope, half
