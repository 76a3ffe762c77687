"""Spectral density by stochastic Lanczos quadrature.

K steps of Lanczos from a random unit vector v give nodes θ and weights τ² for which, with q an eigenvector of λ,

    Σ τ_j² f(θ_j) ≈ Σ_λ f(λ) (q·v)² = vᵀf(A)v,    E vᵀf(A)v = tr f(A) / size,

exactly when f is a polynomial of degree up to 2K − 1. For a direction uniform on the sphere a draw has the variance
2 (‖f(A)‖_F² − (tr f(A))²/size) / (size (size + 2)); the mean over m draws has an m-th of it, which is what the errors
here estimate from the draws themselves. Sources: Golub, Welsch (1969); Ubaru, Chen, Saad (2017), theorem 4.1 for smooth
f; Ghorbani, Krishnan, Xiao (2019) for Hessians, with K = 80 to 90 and 10 draws.

What the errors do not cover: f with a jump, as a count below an edge, where quadrature is only known up to a node's
weight on either side (Chebyshev, Markov, Stieltjes), the same way in every draw; and single eigenvalues, whose share
1/size a draw sees as χ²/size. Outliers are counted from Ritz values, not from mass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ergoscope.curvature.lanczos import Ritz

Numbers = NDArray[np.float64]

_WIDTH = 1e-5**0.5  # of the range: Ghorbani et al. take σ² = 1e-5 where the range is about 1
_TAIL = 6.0  # widths that the grid goes beyond the outermost nodes; a billionth is left outside
_ENOUGH = 3.0  # points of the grid a width, so that sums over it are integrals to many digits


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over draws, and its standard error over them: NaN for a single draw."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Mass:
    """A share of the spectrum: mean over draws, its standard error, and between what quadrature leaves it."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """Density with integral 1 on a grid: values and their standard errors in 1/unit of A, all of shape (points,)."""

    grid: Numbers
    values: Numbers
    errors: Numbers
    width: float


def drawn(runs: Sequence[Ritz]) -> Sequence[Ritz]:
    """Runs that quadrature can be made of.

    Raises:
        ValueError: There is none, or one was begun at a chosen vector: its weights tell about that vector.
    """
    if not runs:
        raise ValueError("runs is empty; quadrature needs at least one")
    chosen = sum(not run.random_start for run in runs)
    if chosen:
        raise ValueError(f"{chosen} of {len(runs)} runs began at a chosen vector, which biases the weights; draw it")
    return runs


def finite(runs: Sequence[Ritz]) -> Sequence[Ritz]:
    """Runs that have a spectrum.

    Raises:
        ValueError: Products of some were not finite.
    """
    broken = sum(bool(np.isnan(run.values).any()) for run in runs)
    if broken:
        raise ValueError(f"{broken} of {len(runs)} runs hold products that were not finite; they have no spectrum")
    return runs


def average(draws: Sequence[float]) -> Estimate:
    """Mean and standard error of independent draws.

    Example:
        >>> average([1.0, 3.0])
        Estimate(value=2.0, error=1.0)
    """
    numbers = np.asarray(draws, dtype=np.float64)
    error = float(numbers.std(ddof=1)) / len(numbers) ** 0.5 if len(numbers) > 1 else float("nan")
    return Estimate(float(numbers.mean()), error)


def moment(runs: Sequence[Ritz], order: int) -> Estimate:
    """Mean of λ^order over the spectrum: unbiased while order < 2K. NaN when a product was not finite.

    Args:
        runs: Begun at random.
        order: From 0 on.

    Raises:
        ValueError: The runs are none or not random.
    """
    return average([float(run.weights @ run.values**order) for run in drawn(runs)])


def mass_below(runs: Sequence[Ritz], edge: float = 0.0, *, floor: float = 0.0) -> Mass:
    """Share of the eigenvalues below an edge.

    The weights up to a node count that node by half, and in between the sum is taken to be linear: for a smooth
    density that is much closer than adding the weights of the nodes below, which is off by up to half a node's weight,
    the same way in every draw. An exact multiple eigenvalue within `floor` of the edge, as the zeros of a matrix that
    lacks rank, is not below it. One that is only nearly there cannot be told from a smooth density: see `low`, `high`.
    NaN when a product was not finite.

    Args:
        runs: Begun at random.
        edge: In the unit of A.
        floor: Nodes so near to the edge lie on it; for products in fp32 about 1e-6 of the largest |θ|.

    Raises:
        ValueError: The runs are none or not random.
    """
    found = np.array([_share_below(run, edge, floor) for run in drawn(runs)])
    value = average(found[:, 0].tolist())
    return Mass(value.value, value.error, float(found[:, 1].mean()), float(found[:, 2].mean()))


def smooth(runs: Sequence[Ritz], *, width: float | None = None, points: int | None = None) -> Density:
    """Sum of Gaussians at the nodes, of the weights' areas, as a mean over draws.

    Args:
        runs: Begun at random.
        width: Standard deviation of the Gaussians, in the unit of A. By default .00316 of the nodes' range, so that
            the picture of cA is that of A; narrower than nodes are apart, so that a peak may be one node.
        points: Of the grid, which goes six widths beyond the nodes; by default three a width.

    Raises:
        ValueError: The runs are none, not random or not finite, or the width is not above 0.
    """
    nodes = np.concatenate([run.values for run in finite(drawn(runs))])
    low, high = float(nodes.min()), float(nodes.max())
    if width is None:
        width = _WIDTH * ((high - low) or abs(high) or 1.0)
    if width <= 0:
        raise ValueError(f"width is {width}; it must be above 0")
    length = (high - low) / width + 2 * _TAIL
    grid = np.linspace(low - _TAIL * width, high + _TAIL * width, points or int(length * _ENOUGH) + 1)
    draws = np.stack([_gaussians(run, grid, width) for run in runs])
    errors = draws.std(axis=0, ddof=1) / len(runs) ** 0.5 if len(runs) > 1 else np.full(len(grid), np.nan)
    return Density(grid, draws.mean(axis=0), errors, width)


def pooled(runs: Sequence[Ritz]) -> tuple[Numbers, Numbers, Numbers]:
    """Nodes of all draws in ascending order, weights with sum 1, and residuals: the spectrum as it is sent.

    Raises:
        ValueError: The runs are none or not random.
    """
    nodes = np.concatenate([run.values for run in drawn(runs)])
    weights = np.concatenate([run.weights for run in runs]) / len(runs)
    residuals = np.concatenate([run.residuals for run in runs])
    order = np.argsort(nodes, kind="stable")
    return nodes[order], weights[order], residuals[order]


def _share_below(run: Ritz, edge: float, floor: float) -> tuple[float, float, float]:
    values, weights = run.values, run.weights
    if np.isnan(values).any():
        return (float("nan"),) * 3
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    below = int(np.count_nonzero(values < edge - floor))
    on_edge = bool((np.abs(values - edge) <= floor).any())
    if on_edge:
        return float(sums[below]), float(sums[below]), float(weights[values <= edge + floor].sum())
    high = float(sums[min(below + 1, len(values))])
    middle = float(np.interp(edge, values, sums[:-1] + weights / 2, left=0.0, right=1.0))
    return middle, float(sums[max(below - 1, 0)]), high


def _gaussians(run: Ritz, grid: Numbers, width: float) -> Numbers:
    distance = (grid[:, None] - run.values) / width
    heights: Numbers = np.exp(-0.5 * distance**2) @ (run.weights / (width * (2 * np.pi) ** 0.5))
    return heights
