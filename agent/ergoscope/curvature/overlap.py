"""How much of a vector lies in a few known directions, and how much two sets of directions share.

With orthonormal rows V of k vectors among d entries,

    f_k = ‖V g‖² / ‖g‖²,    overlap of V and V' = (1/k) ‖V V'ᵀ‖_F²,

both in [0, 1]. A direction at random has f_k ~ Beta(k/2, (d − k)/2): mean k/d, variance 2k(d − k) / (d²(d + 2)); k'
random directions share k'/d of k others. f_k of a mini-batch gradient mixes slope and noise: for the slope, take
gradients g and g' of two independent batches, average (Vg)·(Vg') and g·g' apart, and divide last. Source: Gur-Ari,
Roberts, Dyer (2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ergoscope.curvature.density import Estimate, average
from ergoscope.curvature.draw import Drawn
from ergoscope.curvature.lanczos import Ritz
from ergoscope.curvature.vectors import dot

_TURNED = 0.1  # sine of the angle by which the directions found may be off those meant


def shared_part(basis: Sequence[Tensor], a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(Va)·(Vb) and a·b, of which f_k is the ratio: with a = b of one vector, else of what two have in common.

    Args:
        basis: Orthonormal vectors of shape (size,), at least one.
        a: Shape (size,).
        b: Shape (size,).

    Returns:
        Both without dimensions, on the device, not waited for.

    Raises:
        ValueError: There is no vector.

    Example:
        >>> g = torch.tensor([3.0, 4.0])
        >>> part, whole = shared_part([torch.tensor([1.0, 0.0])], g, g)
        >>> float(part / whole)
        0.36
    """
    if not basis:
        raise ValueError("the basis has no vectors; give at least one")
    parts = torch.stack([dot(v, a) * dot(v, b) for v in basis])
    return parts.sum(), dot(a, b)


def chance_overlap(count: int, size: int) -> tuple[float, float]:
    """f_k of a direction at random: its mean and standard deviation.

    Args:
        count: k, from 1 to size.
        size: d.

    Raises:
        ValueError: `count` is out of its range.

    Example:
        >>> chance_overlap(2, 8)
        (0.25, 0.19364916731037085)
    """
    if not 1 <= count <= size:
        raise ValueError(f"count is {count}; it must be from 1 to {size}")
    return count / size, (2.0 * count * (size - count) / (size * size * (size + 2.0))) ** 0.5


def subspace_overlap(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """(1/k) ‖V V'ᵀ‖_F² with k the number of vectors in `one`; symmetric when both have as many.

    Args:
        one: Orthonormal vectors of shape (size,), at least one.
        other: Likewise.

    Returns:
        Without dimensions, on the device, not waited for: the mean squared cosine of the principal angles, when both
        have as many.

    Raises:
        ValueError: One of them has no vectors.

    Example:
        >>> x, y = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
        >>> float(subspace_overlap([x], [x])), float(subspace_overlap([x], [y]))
        (1.0, 0.0)
    """
    if not one or not other:
        raise ValueError("a subspace has no vectors; give at least one")
    return torch.stack([dot(v, w).square() for v in one for w in other]).sum() / len(one)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Share of a vector in the steepest directions.

    count: k. share: f_k, with its standard error over draws. chance: f_k of a direction at random, in the mean.
    """

    count: int
    share: Estimate
    chance: float


def overlap_of(draws: Sequence[Drawn], size: int, *, most: int | None) -> Overlap | None:
    """The share of the vectors that were given along with draws, in as many directions as every draw has resolved.

    Args:
        draws: Finite ones of equal numbers of products.
        size: d.
        most: Directions, at most; None leaves it to what is resolved.

    Returns:
        None when not even one direction is resolved by every draw, or no vector was given along.
    """
    found = [resolved(draw.run) for draw in draws]
    counts = set.intersection(*map(set, found))
    count = max((k for k in counts if most is None or k <= most), default=0)
    if not count or not all(draw.whole > 0 for draw in draws):
        return None
    shares = [_share(draw.run, draw.parts, count) / draw.whole for draw in draws]
    return Overlap(count, average(shares), chance_overlap(count, size)[0])


def resolved(run: Ritz) -> list[int]:
    """For which k a run has found the k steepest directions, all with curvature above zero, but for a tenth of f_k.

    Example:
        >>> from ergoscope.curvature.lanczos import ritz
        >>> resolved(ritz([9.0, 8.0, 1.0], [0.0001, 0.0001, 0.5]))
        [1, 2]
    """
    values, residuals = run.values[::-1], run.residuals[::-1]
    gaps = values[:-1] - values[1:]
    errors = np.sqrt(np.cumsum(residuals[:-1] ** 2))
    return [k for k, (e, g, v) in enumerate(zip(errors, gaps, values, strict=False), 1) if v > 0 and e <= _TURNED * g]


def _share(run: Ritz, parts: Sequence[float], count: int) -> float:
    """‖V g‖² of the top Ritz vectors."""
    steep = run.components[:, -count:]
    return float(np.square(np.asarray(parts[: len(steep)]) @ steep).sum())
