"""Does the distribution of an observable drift? Distances between disjoint windows, against how far they lie apart.

That the average over a whole run is nearly invariant holds of any process, by telescoping, and says nothing; windows
that grow apart are another matter: their distances stay at the level of chance where the observable is stationary, and
grow with the time between them where it drifts.
"""

import math
from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("inv_loss", "inv_norms")
WINDOWS = 6
BLOCK = 5  # thinned draws that are moved together, 5 tau of the series
FEWEST = 4  # blocks in a window
DRAWS = WINDOWS * BLOCK * FEWEST  # at least
MOST = 480  # draws that are compared
PERMUTATIONS = 200
SEED = 0
STEADY, DRIFTS = 0.05, 0.01


@dataclass(frozen=True, slots=True)
class Separation:
    """Energy distances of six windows of a stretch.

    by_gap: mean distance of windows 1 to 5 windows apart, shape (5,), in the observable's unit.
    chance: what it is on average when blocks of the stretch are exchanged.
    p: share of exchanges after which distances grow as much with the gap. draws: how many were compared.
    """

    by_gap: FloatArray
    chance: float
    p: float
    draws: int

    @property
    def steady(self) -> bool | None:
        """Whether the observable keeps its distribution; None where the test cannot tell."""
        if self.p > STEADY:
            return True
        return False if self.p <= DRIFTS else None


def separation_test(values: FloatArray, *, tau: float) -> Separation:
    """Compare six windows of a stretch with each other, every pair weighted by how far apart it lies.

    The series is thinned by tau, and blocks of five thinned draws are exchanged. p = (1 + exceedances) / 201, the same
    for the same values. Energy distances: Székely, Rizzo (2013); the idea of the comparison: Zhang, Li, Sra, Jadbabaie
    (2022).

    Args:
        values: Finite values, shape (n,), equally spaced.
        tau: Integrated autocorrelation time in points.

    Raises:
        ValueError: fewer than four blocks in a window.
    """
    thinning = max(math.ceil(tau), math.ceil(len(values) / MOST))
    draws = values[::thinning]
    each = len(draws) // (WINDOWS * BLOCK)
    if each < FEWEST:
        raise ValueError(f"{len(draws)} independent draws; {DRAWS} are needed for four blocks in each of six windows")
    blocks = WINDOWS * each
    draws = draws[len(draws) - blocks * BLOCK :]
    apart = np.abs(draws[:, None] - draws[None, :]).reshape(blocks, BLOCK, blocks, BLOCK).mean(axis=(1, 3))
    orders = np.random.default_rng(SEED).random((PERMUTATIONS + 1, blocks)).argsort(axis=1)
    orders[0] = np.arange(blocks)  # the order of time comes first, the permutations follow
    member = np.zeros((PERMUTATIONS + 1, blocks, WINDOWS))
    np.put_along_axis(member, orders[:, :, None] // each, 1 / each, axis=2)
    means = member.transpose(0, 2, 1) @ (apart @ member)
    within = np.diagonal(means, axis1=1, axis2=2)
    distances = 2 * means - within[:, :, None] - within[:, None, :]
    first, second = np.triu_indices(WINDOWS, 1)
    pairs, gaps = distances[:, first, second], second - first
    grown = pairs @ gaps
    p = (1 + int(np.count_nonzero(grown[1:] >= grown[0] * (1 - 1e-9)))) / (1 + PERMUTATIONS)
    by_gap = np.array([pairs[0, gaps == gap].mean() for gap in range(1, WINDOWS)])
    return Separation(by_gap, float(pairs[1:].mean()), p, len(draws))
