"""Directions in weight space along which a loss is looked at: orthogonal, and of length 1."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.curvature.lanczos import Ritz
from ergoscope.curvature.orthonormal import extend
from ergoscope.curvature.parts import split
from ergoscope.curvature.vectors import norm, normals

_SETTLED = 0.01  # residual of a Ritz value against the largest, below which its vector is taken for the eigenvector


def orthonormal(vectors: Sequence[Tensor]) -> list[Tensor]:
    """Vectors made orthogonal to those before them, and of length 1.

    Args:
        vectors: Each of shape (size,); changed. One that lies in the span of those before becomes zero.

    Example:
        >>> [axis.tolist() for axis in orthonormal([torch.tensor([2.0, 0.0]), torch.tensor([3.0, 4.0])])]
        [[1.0, 0.0], [0.0, 1.0]]
    """
    basis: list[Tensor] = []
    for vector in vectors:
        extend(basis, vector)
    return basis


def layer_normalised(weights: Sequence[Tensor], seeds: Sequence[int]) -> list[Tensor]:
    """Random directions in which each layer's part is as long, against the whole, as the layer's weights are.

    A step along a direction with equal entries everywhere would mostly be one in the largest layers. The parts of each
    layer are orthogonal to each other, so both conditions hold at once. Source: Li et al. (2018), with layers in place
    of filters.

    Args:
        weights: Of each layer, dense.
        seeds: One a direction.

    Returns:
        Each of shape (size,), on the device, not waited for. A layer of zeros has a part of zeros, and one with fewer
        entries than there are directions in some of them.

    Example:
        >>> weights = [torch.tensor([3.0, 0.0]), torch.tensor([4.0])]
        >>> axis, = layer_normalised(weights, [0])
        >>> [round(float(part.norm()), 3) for part in split(axis, weights)]
        [0.6, 0.8]
    """
    dtype = torch.float64 if any(w.dtype == torch.float64 for w in weights) else torch.float32
    size, device = sum(w.numel() for w in weights), weights[0].device
    drawn = [split(normals(size, seed=seed, device=device, dtype=dtype), weights) for seed in seeds]
    with torch.no_grad():
        parts: list[list[Tensor]] = []
        for place, weight in enumerate(weights):
            length = norm(weight.detach().reshape(-1).to(dtype)).to(dtype)
            parts.append([axis * length for axis in orthonormal([one[place].reshape(-1) for one in drawn])])
        return orthonormal([torch.cat(axis) for axis in zip(*parts, strict=True)])


def residual(found: Ritz, wanted: int) -> float:
    """How far the `wanted` top Ritz vectors are from eigenvectors: ‖Hu − θu‖ of the worst, as a share of the largest θ.

    The sine of the angle to the eigenvector is at most that over the distance to the next eigenvalue, as the same share
    (Davis, Kahan 1970). NaN where products were not finite, infinite where there are not so many.

    Example:
        >>> from ergoscope.curvature.lanczos import ritz
        >>> round(residual(ritz([0.0, 0.0], [1.0, 0.5]), 1), 3)
        0.354
    """
    top, largest = found.residuals[-wanted:], abs(float(found.values[-1]))
    worst = float(top.max()) if len(top) == wanted else math.inf
    return worst and (worst / largest if largest else math.inf)


def settled(found: Ritz, wanted: int) -> bool:
    """Whether the `wanted` top Ritz vectors are eigenvectors, but for a hundredth."""
    return residual(found, wanted) <= _SETTLED
