"""Statistical algorithmic stability: how far one training example moves the losses that a run comes to on average.

beta = sup over z of |<l(z)> of a run on S - <l(z)> of a run on S'|, <.> the time average and S' = S with one example
replaced. Estimated over a fixed set of points z from twins of equal randomness, in which what is random cancels.
Source: Chandramoorthy, Loukas, Gatmiry, Jegelka (2022); the estimator, with its error for each point, is ours.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRODUCES = ("sas_coefficient",)
BATCHES = 10  # of overlapping batch means: differences of twins remember a good part of the run
LEAST = 40  # looks
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """What twins say.

    value: the largest difference of time-averaged losses over the points, per replaced example; low, high: its interval
    at 95 %, for all points at once. usual: the 95 % quantile over the points.
    means, errors: of each point, shape (points,), not divided by anything. looks: how many were averaged.
    """

    value: float
    low: float
    high: float
    usual: float
    means: NDArray[np.float64]
    errors: NDArray[np.float64]
    looks: int


def stability(first: ArrayLike, second: ArrayLike, *, replaced: int = 1) -> Stability:
    """Compare the losses of two twins.

    The interval holds for the supremum: with simultaneous bounds |m_z| -+ q e_z of all points, it lies between the
    largest lower and the largest upper one. q is Student's, with Bonferroni's share for each point.

    Args:
        first: Losses of the points at successive looks, after the onset, shape (n, points).
        second: The same of the other twin.
        replaced: Examples that differ; what is found is divided by it.

    Raises:
        ValueError: the shapes differ, or there are fewer than 40 looks.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"losses have shapes {a.shape} and {b.shape}; both must be (looks, points)")
    if len(a) < LEAST:
        raise ValueError(f"there are {len(a)} looks; at least {LEAST} are needed: train longer, or look more often")
    means, errors, dof = overlapping(a - b)
    q = student(1 - (1 - CONFIDENCE) / (2 * a.shape[1]), dof)
    size = np.abs(means)
    low, high = max(0.0, float((size - q * errors).max())), float((size + q * errors).max())
    usual = float(np.quantile(size, 0.95))
    value = float(size.max())
    return Stability(value / replaced, low / replaced, high / replaced, usual / replaced, means, errors, len(a))


def overlapping(series: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Give means, their standard errors by overlapping batch means of a tenth of the looks, and degrees of freedom.

    Args:
        series: Shape (n, points).
    """
    n = len(series)
    length = n // BATCHES
    means = series.mean(axis=0)
    sums = np.concatenate([np.zeros((1, series.shape[1])), np.cumsum(series - means, axis=0)])
    batches = (sums[length:] - sums[:-length]) / length
    variance = n * length / ((n - length) * (n - length + 1)) * np.square(batches).sum(axis=0)
    return means, np.sqrt(variance / n), 1.5 * (n / length - 1)


def student(p: float, dof: float) -> float:
    """Give the quantile of Student's distribution by Cornish and Fisher's expansion; within 1 % from 10 degrees on.

    Example:
        >>> round(student(0.975, 13.5), 2)
        2.15
    """
    z = NormalDist().inv_cdf(p)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / dof + second / dof**2 + third / dof**3 if math.isfinite(dof) else z
