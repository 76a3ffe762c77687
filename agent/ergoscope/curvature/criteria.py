"""How far a spectrum is from that of a convex function: criteria of loss landscape analysis, and negative mass.

Both criteria are computed for each run of quadrature and then averaged, as in the authors' library. They depend on
the number of steps K, and K_H on repeated nodes: only runs of equal K with the basis kept can be compared. Source:
Gabdullin (2024).
"""

from collections.abc import Sequence

import numpy as np

from ergoscope.curvature.density import Estimate, Mass, average, drawn, mass_below
from ergoscope.curvature.lanczos import Ritz


def lla_re(runs: Sequence[Ritz]) -> Estimate:
    """|λ_min / λ_max| of the nodes: 1 for a symmetric saddle.

    No test of convexity: a positive definite matrix reads 1/condition. Look at the sign of λ_min beside it. Where no
    node is positive it is above 1; where the largest is 0 it is infinite.

    Raises:
        ValueError: The runs are none or not begun at random.

    Example:
        >>> from ergoscope.curvature.lanczos import ritz
        >>> lla_re([ritz([1.0, 3.0], [0.5**0.5, 0.0], random_start=True)]).value.__round__(4)
        0.2404
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return average([float(np.abs(run.values[0] / run.values[-1])) for run in drawn(runs)])


def lla_kh(runs: Sequence[Ritz], *, power: float = 0.5, floor: float = 0.0) -> Estimate:
    """K_H = Σ over θ < 0 of |θτ²|^power / Σ over θ > 0 of (θτ²)^power, with the weights τ² of the nodes θ.

    0 without negative nodes, 1 for a symmetric saddle, infinite without positive nodes, NaN without any.

    Args:
        runs: Begun at random.
        power: Between 0 and 1, so that many small curvatures count; the authors take ½.
        floor: Nodes so near to 0 are neither: rounding throws a zero eigenvalue to one side or the other, and the root
            makes that large. For products in fp32 about 1e-6 of the largest |θ|.

    Raises:
        ValueError: The runs are none or not begun at random, or the power is not above 0.
    """
    if power <= 0:
        raise ValueError(f"power is {power}; it must be above 0")
    return average([_ratio(run, power, floor) for run in drawn(runs)])


def negative_mass(runs: Sequence[Ritz], *, floor: float = 0.0) -> Mass:
    """Share of the eigenvalues below zero; a bulk centred at zero gives about ½ by itself.

    Args:
        runs: Begun at random.
        floor: Nodes so near to 0 are zeros; for products in fp32 about 1e-6 of the largest |θ|.

    Raises:
        ValueError: The runs are none or not begun at random.
    """
    return mass_below(runs, 0.0, floor=floor)


def _ratio(run: Ritz, power: float, floor: float) -> float:
    parts = np.abs(run.values * run.weights) ** power
    if np.isnan(parts).any():
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(parts[run.values < -floor].sum(), parts[run.values > floor].sum()))
