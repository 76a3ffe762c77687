"""What the agreement of successive gradients tells: jitter, and the curvature that the noise feels."""

import numpy as np

from ergoscope_server.indicators.noise_scale import Ratio, ratio_of_means
from ergoscope_server.indicators.points import Points

PRODUCES = ("pflug_stat", "implied_curvature")


def agreement(changes: Points, norms: Points) -> Ratio | None:
    """Give ρ = E[g_t·g_{t-1}] / E‖g‖² over sampled pairs of successive steps; None below eight of them.

    A change c² = 2 (1 - g_t·g_{t-1} / ½(‖g_t‖² + ‖g_{t-1}‖²)), so (1 - c²/2) ‖g_t‖² is g_t·g_{t-1} on average where
    the two steps are alike, as on a plateau; its mean over a window, with batch means, stands for Pflug's running sum,
    whose transient hides the sign for very long. Sources: Pflug (1990); Chee, Toulis (2018).

    Args:
        changes: Readings of `grad_change`.
        norms: Those of `grad_norm`; only steps that have both count.
    """
    _, ours, theirs = np.intersect1d(changes.steps, norms.steps, return_indices=True)
    squares = norms.values[theirs] ** 2
    return ratio_of_means((1 - changes.values[ours] ** 2 / 2) * squares, squares)


def implied_curvature(rho: float, *, rate: float) -> float:
    """Give -2ρ/η, in 1/η: the curvature that plain SGD's noise feels.

    At stationarity of SGD on a quadratic ρ = -(η/2)⟨h⟩, with ⟨h⟩ the mean curvature, each direction weighted by its
    share of the gradient's noise.

    Args:
        rho: The agreement of successive gradients.
        rate: The learning rate, above 0.

    Example:
        >>> round(implied_curvature(-0.181, rate=0.2), 2)
        1.81
    """
    return -2 * rho / rate
