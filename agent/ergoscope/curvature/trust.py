"""Whether a step did to its own batch what the gradient promised, and the curvature that this tells.

For a step Δ with the batch's loss L and gradient g,

    ρ = (L(w + Δ) − L(w)) / (g·Δ) = 1 + ½ ΔᵀHΔ / (g·Δ) + O(‖Δ‖):

1 where the loss is straight along the step, ½ at its lowest point, 0 where nothing was won, below where the step raised
the loss of the batch that it was computed on. Under plain SGD, Δ = −ηg, so

    E[gᵀHg / ‖g‖²] = (2/η) (1 − E ρ),

batch sharpness by one more run of the model forward; exact for quadratics. The mean is one of ratios by definition.
Sources: ρ from trust-region methods, Conn, Gould, Toint (2000), chapter 6; batch sharpness: Andreyev, Beneventano
(2024), definition 3.
"""

import math
from collections.abc import Sequence

from ergoscope.curvature.batch_means import covariance_of_means

ROUNDING = 1e-7  # a promise smaller than this share of the loss drowns in fp32


def trust_ratio(before: float, after: float, slope: float, *, rounding: float = ROUNDING) -> float:
    """ρ of one step; NaN where the promised change is lost in the rounding of the loss.

    Args:
        before: L(w).
        after: L(w + Δ), of the same examples and masks.
        slope: g·Δ.
        rounding: Least |g·Δ| / |L| that is looked at.

    Example:
        >>> trust_ratio(before=2.0, after=0.5, slope=-2.0)  # ½w² from 2 to 1
        0.75
    """
    if slope == 0 or abs(slope) < rounding * abs(before):
        return math.nan
    return (after - before) / slope


def batch_sharpness(ratios: Sequence[float], rate: float) -> tuple[float, float]:
    """(2/η)(1 − mean ρ) of plain SGD, and its standard error by batch means.

    Args:
        ratios: ρ of steps in their order; what is not finite is left out.
        rate: η, above 0; of clipped steps times the factor of clipping.

    Returns:
        In the unit of the loss over that of a squared weight. NaN of no ratios; the error NaN of fewer than four.

    Raises:
        ValueError: The rate is not above 0.

    Example:
        >>> batch_sharpness([0.25, 0.25, 0.75, 0.75], rate=0.5)
        (2.0, 1.0)
    """
    if not rate > 0:
        raise ValueError(f"rate is {rate}; it must be above 0")
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    if not finite:
        return math.nan, math.nan
    mean = math.fsum(finite) / len(finite)
    error = float(covariance_of_means([finite])[0, 0] ** 0.5)
    return 2.0 / rate * (1.0 - mean), 2.0 / rate * error
