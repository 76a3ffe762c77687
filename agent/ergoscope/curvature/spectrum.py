"""What several draws say together: sums over a spectrum, its shape, and how far the draws are apart.

A draw is a run of Lanczos from a direction v of its own, uniform on the sphere of `size` dimensions. Then

    E size · vᵀAv = tr A,    E size · ‖Av‖² = ‖A‖_F²,

with the variances 2 (‖A‖_F² − (tr A)²/size) and 2 (tr A⁴ − ‖A‖_F⁴/size), each times size/(size + 2), for one draw. Both
are of the first product alone: a run of one product tells them as well as a long one does. What takes long runs is the
shape of the spectrum. Sources: `ergoscope.curvature.trace`, `density`, `outliers` and `criteria`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope.curvature.criteria import lla_kh, lla_re, negative_mass
from ergoscope.curvature.density import Estimate, Mass, average
from ergoscope.curvature.draw import Drawn
from ergoscope.curvature.outliers import Outliers, find_outliers


@dataclass(frozen=True, slots=True)
class Sums:
    """Trace and Frobenius norm, in the unit of A, each with its standard error."""

    trace: Estimate
    size: Estimate


@dataclass(frozen=True, slots=True)
class Shape:
    """How eigenvalues lie.

    outliers: how many stand outside of the bulk.
    negative: share below zero.
    ratio, weighted: the criteria r_e and K_H of loss landscape analysis.
    """

    outliers: Outliers
    negative: Mass
    ratio: Estimate
    weighted: Estimate


def sums_of(draws: Sequence[Drawn], size: int) -> Sums:
    """Trace and Frobenius norm, from the first product of each draw.

    The error of the norm is to first order; the norm is below the truth by about error²/(2 · norm).

    Args:
        draws: Finite ones, two at least for errors that are numbers.
        size: Rows of the matrix.

    Example:
        >>> from ergoscope.curvature.draw import read_draw
        >>> sums_of([read_draw([0.0, 1.0, 0.0], products=1)] * 2, 10)  # of the identity
        Sums(trace=Estimate(value=10.0, error=0.0), size=Estimate(value=3.1622776601683795, error=0.0))
    """
    trace = average([size * draw.form for draw in draws])
    square = average([size * draw.square for draw in draws])
    root = square.value**0.5
    return Sums(trace, Estimate(root, square.error / (2 * root) if root else 0.0))


def shape_of(draws: Sequence[Drawn], *, rounding: float) -> Shape:
    """Outliers, negative mass and criteria; of a spectrum without positive nodes the criteria are infinite.

    Args:
        draws: Finite ones of equal numbers of products.
        rounding: Of a product, as a share of the largest eigenvalue: nodes so near to zero are zeros.
    """
    runs = [draw.run for draw in draws]
    floor = rounding * float(np.abs(np.concatenate([run.values for run in runs])).max())
    with np.errstate(invalid="ignore"):  # infinite numbers have no standard error
        return Shape(find_outliers(runs), negative_mass(runs, floor=floor), lla_re(runs), lla_kh(runs, floor=floor))
