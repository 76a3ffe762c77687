"""How much of a vector lies in a few known directions, and how much two sets of directions share.

With orthonormal rows V of k vectors among d entries,

    f_k = ‖V g‖² / ‖g‖²,    overlap of V and V' = (1/k) ‖V V'ᵀ‖_F²,

both in [0, 1]. A direction at random has f_k ~ Beta(k/2, (d − k)/2): mean k/d, variance 2k(d − k) / (d²(d + 2)); k'
random directions share k'/d of k others. f_k of a mini-batch gradient mixes slope and noise: for the slope, take
gradients g and g' of two independent batches, average (Vg)·(Vg') and g·g' apart, and divide last. Source: Gur-Ari,
Roberts, Dyer (2018).

Of directions that are gone, sketches of m entries remain, see `ergoscope.numerics.sketch`. With R the overlap of the
spans of k sketches and of k others,

    1 − (1 − R) · (1 − k/d) / (1 − k/min(m, d))

is 1 when the directions are the same, k/d in the mean when they are independent, as the correction of R² for k
regressors among m observations has it (Ezekiel 1930), and R itself for d up to m, where a sketch keeps all. In between
its standard deviation over sketches is that of the square of a sample correlation, 2ρ(1 − ρ²)/√m, at most .77/√m, and
less by √k for the mean over k angles; at chance it is √2/m.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ergoscope.curvature.density import Estimate, average
from ergoscope.curvature.draw import Along, Drawn
from ergoscope.curvature.lanczos import Ritz
from ergoscope.curvature.vectors import dot

Numbers = NDArray[np.float64]

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


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is in the steepest directions, of a vector or of other directions.

    count: k. share: its part, with its standard error over draws. chance: that of directions at random, in the mean.
    """

    count: int
    share: Estimate
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Steepest:
    """The steepest directions that a draw has found.

    counts: for which k it has found as many.
    sketches: of each, steepest first, shape (the largest k, buckets).
    """

    counts: frozenset[int]
    sketches: Numbers


def overlap_of(
    draws: Sequence[Drawn], vectors: Sequence[Along | None], size: int, *, most: int | None
) -> Overlap | None:
    """The share of vectors in as many of the steepest directions as every draw has resolved.

    Args:
        draws: Finite ones of equal numbers of products.
        vectors: Of each draw one that was given along; where there is none, or one without length, it is left out.
        size: d.
        most: Directions, at most; None leaves it to what is resolved.

    Returns:
        None when not even one direction is resolved by every draw, or no vector was given along.
    """
    count = _most([resolved(draw.run) for draw in draws], most)
    shares = [
        _share(draw.run, vector, count)
        for draw, vector in zip(draws, vectors, strict=True)
        if vector is not None and vector.whole > 0
    ]
    if not count or not shares:
        return None
    return Overlap(count, average(shares), chance_overlap(count, size)[0])


def steepest_of(draw: Drawn) -> Steepest | None:
    """What can be kept of the steepest directions of a draw; None when it has found none."""
    counts = frozenset(resolved(draw.run))
    if not counts or not len(draw.sketches):
        return None
    steep = draw.run.components[:, ::-1][:, : max(counts)]
    return Steepest(counts, steep.T @ draw.sketches[: len(steep)])


def persistence_of(before: Steepest, draws: Sequence[Drawn], size: int, *, most: int | None) -> Overlap | None:
    """How much of the steepest directions of a reading before is still among those of each draw.

    Args:
        before: Those directions.
        draws: Finite ones of equal numbers of products.
        size: d.
        most: Directions, at most; None leaves it to what is resolved, then and by every draw now.

    Returns:
        None when there is no number of directions that all have resolved.
    """
    found = [steepest_of(draw) for draw in draws]
    count = _most([before.counts, *(one.counts if one else () for one in found)], most)
    if not count:
        return None
    shares = [sketched_overlap(before.sketches[:count], one.sketches[:count], size) for one in found if one is not None]
    return Overlap(count, average(shares), chance_overlap(count, size)[0])


def sketched_overlap(one: Numbers, other: Numbers, size: int) -> float:
    """(1/k) ‖V V'ᵀ‖_F² of k directions and k others, from a sketch of each.

    Args:
        one: Sketches of independent directions, shape (k, buckets), with k below the number of buckets.
        other: Likewise.
        size: d, more than k.

    Returns:
        Without a unit, up to 1, and by chance below 0 by a few thousandths; see above.

    Example:
        >>> x, y = np.eye(2, 8)[:1], np.eye(2, 8)[1:]
        >>> sketched_overlap(x, 3 * x, 8), sketched_overlap(x, y, 8)
        (1.0, 0.0)
    """
    (a, _), (b, _) = np.linalg.qr(one.T), np.linalg.qr(other.T)
    count, buckets = one.shape
    apart = 1 - float(np.square(a.T @ b).sum()) / count
    shared: float = 1 - apart * (1 - count / size) / (1 - count / min(buckets, size))
    return shared


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


def _most(counts: Sequence[Collection[int]], most: int | None) -> int:
    """The largest number that all name, up to `most`; 0 when there is none."""
    return max((k for k in set.intersection(*map(set, counts)) if most is None or k <= most), default=0)


def _share(run: Ritz, vector: Along, count: int) -> float:
    """Of a vector in the top Ritz vectors."""
    steep = run.components[:, -count:]
    return float(np.square(vector.parts[: len(steep)] @ steep).sum()) / vector.whole
