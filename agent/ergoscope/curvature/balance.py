"""Descent balance: how much of the downhill gain the curvature takes back.

For any step Δ, F(w + Δ) − F(w) = G·Δ + ½ΔᵀHΔ + O(‖Δ‖³). While the loss is stationary its mean change is zero, so

    R = E[ΔᵀHΔ] / (−2 E[G·Δ]) = 1,

whatever the optimizer; exact for quadratics. R far below 1: the loss still falls; above 1 for long: it rises. For plain
SGD it is E[gᵀHg] η / (2 E‖G‖²), the second fluctuation-dissipation relation of Yaida (2019). Without products,
½ΔᵀHΔ ≈ F(w + Δ) − F(w) − G·Δ.

F must be that of a batch that is independent of the step's own, else E[G·Δ] is too low. Numerator and denominator are
averaged first and divided last, as the mean of a ratio with a noisy denominator is no use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope.curvature.batch_means import error_of_ratio


@dataclass(frozen=True, slots=True)
class Balance:
    """R over `steps` sampled steps.

    ratio: NaN where the steps do not point downhill on average.
    error: its standard error by batch means, to first order; NaN of fewer than four steps.
    fraction: share of the steps with G·Δ < 0, P of them.
    fraction_error: √(P(1 − P)/n), of independent steps.
    """

    ratio: float
    error: float
    fraction: float
    fraction_error: float
    steps: int


def balance_by_products(slopes: Sequence[float], curvatures: Sequence[float]) -> Balance:
    """R from products.

    Args:
        slopes: G·Δ of the sampled steps, in their order.
        curvatures: ΔᵀHΔ of the same steps. A step with a number that is not finite is left out.

    Raises:
        ValueError: There are not as many of both.

    Example:
        >>> found = balance_by_products(slopes=[-1.0, -3.0], curvatures=[2.0, 6.0])
        >>> found.ratio, found.fraction
        (1.0, 1.0)
    """
    if len(slopes) != len(curvatures):
        raise ValueError(f"{len(slopes)} slopes and {len(curvatures)} curvatures; give as many of both")
    pairs = np.array([curvatures, slopes], dtype=np.float64) * np.array([[1.0], [-2.0]])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    count = pairs.shape[1]
    if not count:
        return Balance(math.nan, math.nan, math.nan, math.nan, 0)
    top, bottom = pairs.mean(axis=1)
    share = float((pairs[1] > 0).mean())
    spread = (share * (1.0 - share) / count) ** 0.5
    if not bottom > 0:
        return Balance(math.nan, math.nan, share, spread, count)
    return Balance(float(top / bottom), error_of_ratio(pairs), share, spread, count)


def balance_by_losses(slopes: Sequence[float], changes: Sequence[float]) -> Balance:
    """R from two runs of the batch forward a step: R = (E c − E G·Δ) / (−E G·Δ) with c = F(w + Δ) − F(w).

    Args:
        slopes: G·Δ of the sampled steps, in their order.
        changes: c of the same steps, with the same masks before and after.

    Raises:
        ValueError: There are not as many of both.

    Example:
        >>> balance_by_losses(slopes=[-2.0], changes=[-1.5]).ratio  # ½w² from 2 to 1
        0.25
    """
    if len(slopes) != len(changes):
        raise ValueError(f"{len(slopes)} slopes and {len(changes)} changes; give as many of both")
    return balance_by_products(slopes, [2.0 * (c - a) for c, a in zip(changes, slopes, strict=True)])
