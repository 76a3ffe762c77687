"""Does the distribution of an observable drift? Distances between disjoint windows, against how far they lie apart.

That the average over a whole run is nearly invariant holds of any process, by telescoping, and says nothing; windows
that grow apart are another matter: their distances stay at the level of chance where the observable is stationary, and
grow with the time between them where it drifts.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

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
ROUNDING = 1e-5  # of single precision: the same total in another order

Single: TypeAlias = npt.NDArray[np.float32]


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
    exchanged, apart = _exchanges(blocks), _between_blocks(draws)
    means = (apart.astype(np.float32) @ exchanged.member.reshape(blocks, -1)).reshape(exchanged.member.shape)
    grown, spread = (np.einsum("ipa,ipa->p", means, kernel) for kernel in (exchanged.by_gap, exchanged.alike))
    p = (1 + int(np.count_nonzero(grown[1:] >= grown[0] * (1 - ROUNDING)))) / (1 + PERMUTATIONS)
    own = apart.reshape(WINDOWS, each, WINDOWS, each).mean(axis=(1, 3))
    within = np.diagonal(own)
    distances = 2 * own - within[:, None] - within[None, :]
    by_gap = np.array([np.diagonal(distances, gap).mean() for gap in range(1, WINDOWS)])
    pairs = WINDOWS * (WINDOWS - 1) // 2
    return Separation(by_gap, float(spread[1:].mean(dtype=np.float64)) / pairs, p, len(draws))


def _between_blocks(draws: FloatArray) -> FloatArray:
    """Give the mean distance of the draws of each two blocks, shape (blocks, blocks)."""
    rows = np.zeros((len(draws) // BLOCK, len(draws)))
    for place in range(BLOCK):
        rows += np.abs(draws[place::BLOCK, None] - draws[None, :])
    found = np.zeros((len(rows), len(rows)))
    for place in range(BLOCK):
        found += rows[:, place::BLOCK]
    return found / BLOCK**2


@dataclass(frozen=True, slots=True)
class _Exchanges:
    """The permutations of so many blocks, the same whatever the series: shapes (blocks, permutations, 6).

    member: 1 / blocks of a window where a block is in it. by_gap, alike: what a mean distance from a block to a window
    counts in the sum over pairs of windows of their energy distance, times the windows between them, or times one.
    All in single precision: the product with `member` is most of what the test costs.
    """

    member: Single
    by_gap: Single
    alike: Single


@lru_cache(maxsize=4)
def _exchanges(blocks: int) -> _Exchanges:
    each = blocks // WINDOWS
    orders = np.random.default_rng(SEED).random((PERMUTATIONS + 1, blocks)).argsort(axis=1)
    orders[0] = np.arange(blocks)  # the order of time comes first, the permutations follow
    windows = (orders // each).T
    gaps = np.abs(np.arange(WINDOWS)[:, None] - np.arange(WINDOWS)[None, :])
    member = np.eye(WINDOWS)[windows] / each
    # Σ_pairs w (2 m_ab - m_aa - m_bb) = Σ_ab K_ab m_ab; each window's mean is over its blocks.
    by_gap, alike = ((k - np.diag(k.sum(axis=1)))[windows] / each for k in (gaps, np.minimum(gaps, 1)))
    return _Exchanges(*(part.astype(np.float32) for part in (member, by_gap, alike)))
