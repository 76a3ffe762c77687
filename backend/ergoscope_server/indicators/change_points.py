"""Where a series changes its level or its slope: binary segmentation with an error that allows for memory."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ergoscope_server.indicators.points import FloatArray, IntArray
from ergoscope_server.indicators.robust_z import mad

PRODUCES = ("change_point",)
MEMORY = 10  # autocorrelation times in a block: means of such blocks hardly remember each other
MOST = 400  # blocks
LEAST = 5  # blocks to each side of a change
PENALTY = 2.0


@dataclass(frozen=True, slots=True)
class _Sums:
    """Running sums of 1, t, t², y, ty, y² over blocks, shape (6, m + 1): they give a line's rest over any stretch."""

    sums: FloatArray

    def rest(self, first: IntArray, last: IntArray) -> FloatArray:
        """Give what the best line leaves of the squares over blocks first .. last - 1, for arrays of ends."""
        n, t, tt, y, ty, yy = self.sums[:, last] - self.sums[:, first]
        n = np.maximum(n, 1.0)
        across, both = tt - t * t / n, ty - t * y / n
        left: FloatArray = np.maximum(yy - y * y / n - both**2 / np.maximum(across, 1e-12), 0.0)
        return left


def change_points(values: FloatArray, *, tau: float, known: Collection[int] = ()) -> list[int]:
    """Find the points where a line through what follows leaves far less than one through both sides.

    Means of blocks of 10 τ and more are cut where that takes most from the sum of squares that lines leave, as long
    as it takes more than 2 σ² log n of it, and each part again. σ² is the variance of a block's mean, from the median
    absolute difference of neighbours, so that neither a slope nor the changes themselves count in it. With the
    variance of single points noise of long memory would have hundreds of changes. Binary segmentation: Scott and Knott
    (1974); the penalty: Yao (1988).

    Args:
        values: Finite values, shape (n,), equally spaced.
        tau: Integrated autocorrelation time in points, of what surrounds the changes.
        known: Points where a change is known of: the series is cut there first, and they are not given again.

    Returns:
        The first points behind changes, rising; to within a block.
    """
    n = len(values)
    length = max(math.ceil(MEMORY * tau), math.ceil(n / MOST))
    m = n // length
    if m < 2 * LEAST:
        return []
    means = values[n - m * length :].reshape(m, length).mean(axis=1)
    offset = n - m * length
    spread = mad(np.diff(means)) ** 2 / 2
    if not spread > 0:
        return []
    t, y = np.arange(m) - (m - 1) / 2, means - means.mean()
    rows = np.stack([np.ones(m), t, t * t, y, t * y, y * y])
    sums = _Sums(np.concatenate((np.zeros((6, 1)), np.cumsum(rows, axis=1)), axis=1))
    cuts = sorted({min(m, max(0, round((at - offset) / length))) for at in known} | {0, m})
    found: list[int] = []
    for first, last in pairwise(cuts):
        found += _split(sums, first, last, PENALTY * spread * math.log(n))
    return [offset + at * length for at in sorted(found)]


def _split(sums: _Sums, first: int, last: int, least: float) -> list[int]:
    """Cut a stretch at its best place, and its parts again, as long as that is worth it."""
    found, open_ = [], [(first, last)]
    while open_:
        first, last = open_.pop()
        if last - first < 2 * LEAST:
            continue
        places, ends = np.arange(first + LEAST, last - LEAST + 1), np.array([[first], [last]])
        rests = sums.rest(ends[0], places) + sums.rest(places, ends[1])
        best = int(np.argmin(rests))
        if float(sums.rest(ends[0], ends[1])[0]) - float(rests[best]) > least:
            place = int(places[best])
            found.append(place)
            open_ += [(first, place), (place, last)]
    return found
