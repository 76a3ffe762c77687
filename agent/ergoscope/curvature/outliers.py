"""Where the bulk of a spectrum ends, and how many eigenvalues stand outside of it.

A bulk is described by the mean m, the standard deviation s and the skewness g of its eigenvalues, taken from
quadrature with the outliers' nodes left out, which are the moments of the matrix without their eigenvectors. Its edges,

    m + g·s ± 2 s,

are exact for Wigner's semicircle (g = 0), for the law of Marchenko and Pastur, m = 1, s = √γ, g = √γ, with the edges
(1 ± √γ)², and for both when shifted and scaled. With g left out, as where only a trace and a Frobenius norm are known,
the edges of Marchenko and Pastur come out γ too low, and the steep end of the bulk counts as outliers.

An eigenvalue counts when it is beyond the centre by more than 1.1 radii and its Ritz value has converged, so that it is
one eigenvalue and not the tail of many. Spikes weaker than the bulk's own radius leave no outlier (Baik, Ben Arous,
Péché 2005): a Wigner bulk of radius 2 shows a spike θ > 1 at θ + 1/θ, and none below. The count is a lower bound of the
eigenvalues beyond the edges, as Ritz values never are beyond eigenvalues of the same rank (Cauchy), and an eigenvalue
that repeats is found once. A bulk with tails longer than these laws' has no edge; of it the part of the tail that has
converged is counted. Steps must be fewer than there are different eigenvalues, or nothing is left that stands for many.
Of the procedure: Sagun et al. (2017), Papyan (2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ergoscope.curvature.density import drawn, finite
from ergoscope.curvature.lanczos import Ritz

MARGIN = 1.1
_CONVERGED = 0.1  # residual against the distance to the next Ritz value: whose eigenvalue it is is then certain
_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Bulk:
    """Edges of a bulk, in the unit of A."""

    low: float
    high: float

    @property
    def radius(self) -> float:
        """Half of the distance between the edges."""
        return (self.high - self.low) / 2

    def widened(self, margin: float) -> "Bulk":
        """Edges `margin` times as far from the centre."""
        centre, radius = (self.high + self.low) / 2, self.radius * margin
        return Bulk(centre - radius, centre + radius)


@dataclass(frozen=True, slots=True)
class Outliers:
    """How many eigenvalues stand outside.

    below, above: converged Ritz values beyond the widened edges, of the run that shows most.
    bulk: the edges, not widened.
    unresolved: Ritz values beyond the widened edges that have not converged, in the run that shows most of them: more
        steps would tell, or the bulk has a long tail, or below it many eigenvalues are zero.
    """

    below: int
    above: int
    bulk: Bulk
    unresolved: int

    @property
    def count(self) -> int:
        """Outliers on both sides."""
        return self.below + self.above


def edges(mean: float, variance: float, third: float = 0.0) -> Bulk:
    """Edges from the first moments of a bulk: Wigner's and Marchenko and Pastur's are exact.

    Args:
        mean: Of the eigenvalues.
        variance: Of them; zero gives a bulk of one point.
        third: Mean of (λ − mean)³; 0 for the semicircle.

    Example:
        >>> edges(0.0, 1.0)
        Bulk(low=-2.0, high=2.0)
        >>> edges(1.0, 0.25, 0.0625)  # Marchenko and Pastur, γ = ¼
        Bulk(low=0.25, high=2.25)
    """
    if variance <= 0:
        return Bulk(mean, mean)
    centre, radius = mean + third / variance, 2 * variance**0.5
    return Bulk(centre - radius, centre + radius)


def semicircle(trace: float, square: float, size: int, outliers: Sequence[float] = ()) -> Bulk:
    """Edges of a semicircle from trace and squared Frobenius norm, where there is no quadrature.

    The mean of the bulk is taken off, or a shift of the whole spectrum, as by weight decay, would count as width.

    Args:
        trace: Σ λ.
        square: Σ λ².
        size: Number of eigenvalues.
        outliers: Those known, which are left out.

    Raises:
        ValueError: No eigenvalue is left.

    Example:
        >>> semicircle(trace=10.0, square=100.0 + 99.0, size=100, outliers=[10.0])
        Bulk(low=-2.0, high=2.0)
    """
    left = size - len(outliers)
    if left < 1:
        raise ValueError(f"{len(outliers)} outliers of {size} eigenvalues leave none; give fewer")
    mean = (trace - sum(outliers)) / left
    return edges(mean, (square - sum(value**2 for value in outliers)) / left - mean**2)


def find_bulk(runs: Sequence[Ritz], *, margin: float = MARGIN) -> Bulk:
    """Edges of the bulk from the runs' own nodes.

    First nodes beyond the widened semicircle of the rest are left out until none is, the skewness not used since an
    outlier would hide behind its own. Then nodes within the widened edges with skewness come back until none does.
    Nodes that have not converged stand for many eigenvalues and are never left out: most eigenvalues of a loss with
    fewer examples than parameters are zero, and without this the others would all be outliers of the zeros.

    Args:
        runs: Begun at random; a few steps more than there are outliers, and 40 for the bulk.
        margin: Of the radius, above 1.

    Raises:
        ValueError: The runs are none, not random or not finite, or the margin is not above 1.
    """
    if margin <= 1:
        raise ValueError(f"margin is {margin}; it must be above 1")
    nodes = np.concatenate([run.values for run in finite(drawn(runs))])
    weights = np.concatenate([run.weights for run in runs])
    bound = ~np.concatenate([_alone(run) for run in runs])
    inside = np.ones(len(nodes), dtype=bool)
    for _ in range(_ROUNDS):
        kept = bound | inside & _within(nodes, edges(*_moments(nodes, weights, inside)[:2]).widened(margin))
        if (kept == inside).all() or not kept.any():
            break
        inside = kept
    for _ in range(_ROUNDS):
        grown = inside | _within(nodes, edges(*_moments(nodes, weights, inside)).widened(margin))
        if (grown == inside).all():
            break
        inside = grown
    return edges(*_moments(nodes, weights, inside))


def find_outliers(runs: Sequence[Ritz], *, bulk: Bulk | None = None, margin: float = MARGIN) -> Outliers:
    """Count converged Ritz values beyond the widened edges of the bulk.

    Args:
        runs: With the basis kept, or copies count twice. Begun at random unless the bulk is given.
        bulk: Edges known otherwise; by default `find_bulk` of the runs.
        margin: Of the radius, above 1.

    Raises:
        ValueError: The runs are not finite, or, without a bulk, none or not random, or the margin is not above 1.
    """
    if bulk is None:
        bulk = find_bulk(drawn(runs), margin=margin)
    wide = bulk.widened(margin)
    sides = [_beyond(run, wide) for run in finite(runs)]
    below, above, unresolved = (max((side[place] for side in sides), default=0) for place in range(3))
    return Outliers(below, above, bulk, unresolved)


def _beyond(run: Ritz, bulk: Bulk) -> tuple[int, int, int]:
    """Converged ones below and above, and those not converged."""
    alone = _alone(run)
    below, above = run.values < bulk.low, run.values > bulk.high
    low, high, rest = (int(np.count_nonzero(side)) for side in (below & alone, above & alone, (below | above) & ~alone))
    return low, high, rest


def _alone(run: Ritz) -> NDArray[np.bool_]:
    """Whether each Ritz value has converged to an eigenvalue that no other one is near to."""
    gaps = np.diff(run.values, prepend=-np.inf, append=np.inf)
    alone: NDArray[np.bool_] = run.residuals <= _CONVERGED * np.minimum(gaps[:-1], gaps[1:])
    return alone


def _moments(nodes: NDArray[np.float64], weights: NDArray[np.float64], inside: NDArray[np.bool_]) -> list[float]:
    share = weights[inside] / weights[inside].sum()
    mean = float(share @ nodes[inside])
    return [mean, *(float(share @ (nodes[inside] - mean) ** power) for power in (2, 3))]


def _within(nodes: NDArray[np.float64], bulk: Bulk) -> NDArray[np.bool_]:
    return (nodes >= bulk.low) & (nodes <= bulk.high)
