"""A slice of the loss against the parabola that slope and curvature at its centre predict.

Where the loss is quadratic both are one; what keeps them apart is of third order and higher, and that is what a step
of the size of the slice meets beyond the Hessian.
"""

from collections.abc import Sequence

import numpy as np

from ergoscope_server.indicators.points import FloatArray

FLAT = 1e-6  # of the loss: a few roundings of the float32 in which most losses come


def centre(offsets: Sequence[FloatArray], values: FloatArray) -> float | None:
    """Give the loss at offset 0; None where it is not among the offsets or not finite.

    Args:
        offsets: One array an axis.
        values: Of the shape that the offsets span.
    """
    places = [np.flatnonzero(axis == 0) for axis in offsets]
    if not all(len(place) for place in places):
        return None
    level = float(values[tuple(int(place[0]) for place in places)])
    return level if np.isfinite(level) else None


def parabola(
    offsets: Sequence[FloatArray], *, level: float, slopes: Sequence[float], curvatures: Sequence[float]
) -> FloatArray:
    """Give L + g'u a + u'Hu a^2 / 2, and on a plane + g'v b + v'Hv b^2 / 2 + u'Hv a b.

    Args:
        offsets: a, and b on a plane.
        level: L, the loss at offset 0.
        slopes: g'u (, g'v).
        curvatures: u'Hu (, v'Hv, u'Hv); the last is 0 when left out.

    Returns:
        Of the shape that the offsets span.

    Example:
        >>> parabola([np.array([-1.0, 0.0, 2.0])], level=1.0, slopes=[0.5], curvatures=[2.0]).tolist()
        [1.5, 1.0, 6.0]
    """
    a = offsets[0]
    along = level + slopes[0] * a + curvatures[0] * a**2 / 2
    if len(offsets) == 1:
        return along
    b = offsets[1]
    cross = curvatures[2] if len(curvatures) > 2 else 0.0
    return along[:, None] + slopes[1] * b + curvatures[1] * b**2 / 2 + cross * np.outer(a, b)


def misfit(values: FloatArray, predicted: FloatArray, *, level: float) -> float | None:
    """Give rms(values - predicted) / max(rms(values - level), rms(predicted - level)) where both are finite.

    0 where the loss is the parabola, 1 where only one of the two is flat, at most 2.

    Returns:
        None when both changes are at most FLAT of the level, or nothing is finite.

    Example:
        >>> round(misfit(np.array([4.0, 0.0, 4.0]), np.array([1.0, 0.0, 1.0]), level=0.0), 6)
        0.75
    """
    known = np.isfinite(values) & np.isfinite(predicted)
    if not known.any():
        return None
    size = max(_rms(values[known] - level), _rms(predicted[known] - level))
    return _rms(values[known] - predicted[known]) / size if size > FLAT * abs(level) else None


def _rms(values: FloatArray) -> float:
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest > 0 else 0.0
