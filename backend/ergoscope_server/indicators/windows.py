"""Do two stretches of a run look like draws from one distribution?"""

import math
from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("window_distance",)
PERMUTATIONS = 200
SAMPLES = 1000  # draws compared at most: keeps a test below some milliseconds
BLOCK = 5  # thinned draws that are moved together, 5 tau of the series


@dataclass(frozen=True, slots=True)
class WindowTest:
    """Energy distance of the two halves of a window, in the unit of the series, and its permutation p-value.

    thinning: points from one compared draw to the next; draws: how many were compared.
    """

    distance: float
    p: float
    thinning: int
    draws: int


def energy_distance(x: FloatArray, y: FloatArray) -> float:
    """Give E = 2 E|X-Y| - E|X-X'| - E|Y-Y'| = 2 ∫ (F - G)², by ranks in O(n log n).

    Zero exactly when the two empirical distributions agree. Source: Székely and Rizzo (2004).

    Args:
        x: Draws, shape (n,).
        y: Draws, shape (m,).
    """
    pooled = np.concatenate((x, y))
    order = np.argsort(pooled, kind="stable")
    jumps = np.where(order < len(x), 1 / len(x), -1 / len(y))
    return 2 * float(np.cumsum(jumps)[:-1] ** 2 @ np.diff(pooled[order]))


def window_test(values: FloatArray, *, tau: float, seed: int, permutations: int = PERMUTATIONS) -> WindowTest:
    """Compare the first half of a window with the second, by energy distance and permutation of blocks.

    The series is thinned by tau, and blocks of five thinned draws (5 tau) are exchanged, so that what correlation is
    left is the same under every permutation. p = (1 + exceedances) / (1 + permutations).

    Args:
        values: Finite values, shape (n,), equally spaced.
        tau: Integrated autocorrelation time in points.
        seed: Repeats the permutations; the global generator stays untouched.
        permutations: How many to draw; the smallest p is 1 / (1 + permutations).

    Raises:
        ValueError: fewer than four blocks on each side.
    """
    thinning = max(math.ceil(tau), math.ceil(len(values) / SAMPLES), 1)
    draws = values[::thinning]
    side = len(draws) // (2 * BLOCK)
    if side < 4:
        raise ValueError(f"{len(draws)} independent draws; {8 * BLOCK} are needed for four blocks on each side")
    draws = draws[len(draws) - 2 * side * BLOCK :]
    order = np.argsort(draws, kind="stable")
    gaps = np.diff(draws[order])
    generator = np.random.default_rng(seed)
    ranks = generator.random((permutations + 1, 2 * side)).argsort(axis=1)
    ranks[0] = np.arange(2 * side)  # the order of time comes first, the permutations follow
    signs = np.where(ranks < side, 1.0, -1.0).astype(np.float32)
    walks = np.cumsum(np.repeat(signs, BLOCK, axis=1)[:, order], axis=1)[:, :-1] / (side * BLOCK)
    distances = 2 * (np.square(walks, out=walks) @ gaps.astype(np.float32))
    exceed = int(np.count_nonzero(distances[1:] >= distances[0] * (1 - 1e-5)))
    return WindowTest(float(distances[0]), (1 + exceed) / (1 + permutations), thinning, len(draws))
