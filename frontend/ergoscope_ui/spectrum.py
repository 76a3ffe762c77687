"""One spectrum of the Hessian as the page holds it, and the density that its nodes and weights stand for.

Nodes θ and weights w of a quadrature are points. The density is theirs, smoothed with a Gaussian that is narrow against
the whole,

    φ(λ) = Σ_j w_j N(λ; θ_j, σ²),   σ² = 1e-5 (max θ − min θ)².

What is drawn of it are shares in cells: they add to 1 however wide the cells are, where at single places a peak might
fall between two of them. Source: Ghorbani, Krishnan, Xiao (2019), whose range is about 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ergoscope_contract.jsonable import unspell

Values = NDArray[np.float64]

_WIDTH = 1e-5**0.5  # of the range
_PLACES = np.linspace(-9.0, 9.0, 2**14 + 1)  # widths around a node; beyond these is less than 1e-18 of a Gaussian
_BELOW = np.array([0.0, *(0.5 + 0.5 * math.erf(place / 2**0.5) for place in _PLACES[1:-1].tolist()), 1.0])
_SURE = 0.1  # of a node's distance from the median: with a smaller residual it is an eigenvalue out there
_ONE = 0.05  # of that distance: nodes of several draws that are nearer are one eigenvalue


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Nodes of all draws of one step in ascending order, arrays of one length.

    step: optimizer steps done.
    nodes: curvatures, loss/weight².
    weights: shares of the spectrum, with sum 1.
    residuals: how near to each node an eigenvalue lies, loss/weight²; NaN where nobody said.
    how: how the products were obtained.
    """

    step: int
    nodes: Values
    weights: Values
    residuals: Values
    how: str = "exact"

    @property
    def width(self) -> float:
        """Standard deviation of the Gaussians, loss/weight²; never 0, so that a single node is a peak too."""
        low, high = float(self.nodes[0]), float(self.nodes[-1])
        return _WIDTH * ((high - low) or abs(high) or 1.0)


def read_spectrum(told: Mapping[str, object]) -> Spectrum | None:
    """Read one member of the service's `spectra` list; None when it has no finite node of any weight.

    The draws' weights come together, each draw's with sum 1 or with an equal part of it.

    Example:
        >>> read_spectrum({"step": 5, "nodes": [3.0, -1.0], "weights": [1.5, 0.5]}).weights.tolist()
        [0.25, 0.75]
    """
    nodes, weights, residuals = (_numbers(told.get(name)) for name in ("nodes", "weights", "residuals"))
    if weights.size != nodes.size:
        return None
    residuals = residuals if residuals.size == nodes.size else np.full(nodes.size, np.nan)
    kept = np.flatnonzero(np.isfinite(nodes) & np.isfinite(weights) & (weights >= 0))
    total = float(weights[kept].sum())
    if total <= 0:
        return None
    order = kept[np.argsort(nodes[kept], kind="stable")]
    return Spectrum(
        int(str(told.get("step", 0))),
        nodes[order],
        weights[order] / total,
        residuals[order],
        str(told.get("how", "exact")),
    )


def shares(spectrum: Spectrum, edges: Values) -> Values:
    """The share of the smoothed spectrum in each cell: shape (edges − 1,), with sum 1 where the cells hold all of it.

    What of a Gaussian lies below an edge is taken from a table, linear in between, and right to 4e-8.

    Args:
        spectrum: Its nodes and weights.
        edges: Of the cells, rising, loss/weight².
    """
    away = (edges[:, None] - spectrum.nodes) / spectrum.width
    below = np.interp(away, _PLACES, _BELOW) @ spectrum.weights
    return np.diff(below)


def outliers(spectrum: Spectrum, count: int) -> list[tuple[float, float]]:
    """The `count` eigenvalues that lie furthest from the median of the spectrum, rising; fewer where fewer are sure.

    Each with its residual, the largest of the nodes that are taken for it; NaN where one is not known.

    Each draw finds an outlier for itself, of weights that may have moved since the draw before. So nodes whose
    distances from the median differ by less than 5 % are taken for one eigenvalue, at their mean. Those that may stand
    for many, as their residual is above a tenth of that distance, are left out.

    Args:
        spectrum: Its nodes, weights and residuals.
        count: How many there are, as the agent found from draws that it could tell apart.
    """
    away = spectrum.nodes - spectrum.nodes[np.searchsorted(np.cumsum(spectrum.weights), 0.5)]
    sure = (away != 0) & ~(spectrum.residuals > _SURE * np.abs(away))
    found: list[tuple[float, float, float]] = []
    for side in (-1, 1):
        there = sure & (np.sign(away) == side)
        distances, nodes, residuals = (
            part[there][::side] for part in (np.abs(away), spectrum.nodes, spectrum.residuals)
        )  # the nearest first
        if nodes.size:
            starts = np.flatnonzero(np.diff(np.log(distances), prepend=-np.inf) > _ONE)
            sizes = np.diff(starts, append=nodes.size)
            found += zip(
                (np.add.reduceat(distances, starts) / sizes).tolist(),
                (np.add.reduceat(nodes, starts) / sizes).tolist(),
                np.maximum.reduceat(residuals, starts).tolist(),
                strict=True,
            )
    furthest = sorted(found, key=lambda one: one[:2], reverse=True)[: max(count, 0)]
    return sorted((value, residual) for _, value, residual in furthest)


def _numbers(raw: object) -> Values:
    listed = raw if isinstance(raw, list) else []
    return np.array([float("nan") if value is None else unspell(value) for value in listed], dtype=np.float64)
