"""What the ranks of a job measured, brought together as the catalogue says: numbers in, numbers out.

A norm over shards is the root of the sum of the squares of its parts, so it is only known at steps at which every part
is there; until then there is no value, as a sum that lacks a part is wrong by a factor and looks right. A mean or a
maximum is that of the ranks which have spoken.
"""

from collections.abc import Iterable, Mapping
from functools import reduce as fold

import numpy as np

from ergoscope_contract.catalogue import Reduce, entry
from ergoscope_server.store.cells import F8Array
from ergoscope_server.store.points import NO_POINTS, IntArray, Points

ADDED = (Reduce.SQUARES, Reduce.SUM, Reduce.RATIO)
RATIOS = {"update_ratio": ("update_norm", "weight_norm")}  # a ratio's numerator, and what its denominator is


def how(metric: str, *, parts: int) -> Reduce:
    """Say how the ranks' values of a series become one.

    Args:
        metric: Its name; one that is not in the catalogue is the user's own, and rank 0 speaks for it.
        parts: On how many ranks the parameters' norms are taken; with 1 rank 0 has them whole.
    """
    known = entry(metric)
    if known is None or (known.reduce in ADDED and parts == 1):
        return Reduce.FIRST
    if known.reduce is Reduce.RATIO and known.id not in RATIOS:
        return Reduce.FIRST
    return known.reduce if known.reduce in (*ADDED, Reduce.MEAN, Reduce.MAX) else Reduce.FIRST


def spoken(ranks: Mapping[int, Points], least: int) -> IntArray:
    """Give the steps at which at least so many ranks have a value, rising."""
    if not ranks:
        return NO_POINTS.steps
    steps, counts = np.unique(np.concatenate([points.steps for points in ranks.values()]), return_counts=True)
    return steps[counts >= least]


def shared(ranks: Iterable[IntArray], complete: IntArray) -> IntArray:
    """Give the steps that are in all of some rising arrays; as a rule they are the same, which is quickly seen."""
    return fold(lambda both, one: both if np.array_equal(both, one) else np.intersect1d(both, one), ranks, complete)


def together(kind: Reduce, ranks: Mapping[int, Points], *, complete: IntArray) -> Points:
    """Bring the values of ranks together.

    Args:
        kind: One of SQUARES, SUM, MEAN, MAX and FIRST; FIRST is the lowest rank that has the series.
        ranks: Points of each, one a step, in step order.
        complete: Steps, rising, at which all parts of the model were measured; SQUARES and SUM are given there only,
            and only where every rank that has the series has a value.

    Returns:
        One point a step, in step order, fp64 unless one rank alone spoke.

    Example:
        >>> at = np.array([1, 2])
        >>> norms = {0: Points(at, np.array([3.0, 6.0])), 1: Points(at[:1], np.array([4.0]))}
        >>> together(Reduce.SQUARES, norms, complete=at).values
        array([5.])
    """
    there = {rank: points for rank, points in ranks.items() if len(points)}
    if not there:
        return NO_POINTS
    if kind is Reduce.FIRST:
        return there[min(there)]
    if kind in (Reduce.MEAN, Reduce.MAX):
        return _over(there, largest=kind is Reduce.MAX)
    steps = shared([points.steps for points in there.values()], complete)
    values = np.stack([_at(points, steps) for points in there.values()])
    return Points(steps, values.sum(0) if kind is Reduce.SUM else np.sqrt(np.square(values).sum(0)))


def ratio(
    ratios: Mapping[int, Points], norms: Mapping[int, Points], sizes: Mapping[int, Points], *, complete: IntArray
) -> Points:
    """Bring ratios of norms together: numerators and denominators each as norms, divided last.

    A rank's denominator is what its numerator was divided by. Where its numerator is zero that cannot be told, and its
    newest size until then stands in, or nothing where it never gave one.

    Args:
        ratios: Of each rank.
        norms: Numerators of each rank.
        sizes: What the denominators are made of.
        complete: As in `together`.
    """
    there = {rank: points for rank, points in ratios.items() if len(points)}
    if not there:
        return NO_POINTS
    every = [*(p.steps for p in there.values()), *(norms.get(rank, NO_POINTS).steps for rank in there)]
    steps = shared(every, complete)
    if not len(steps):  # as where a rank sent no numerator at all
        return NO_POINTS
    above, below = np.zeros(len(steps)), np.zeros(len(steps))
    for rank, points in there.items():
        numerator, quotient = _at(norms[rank], steps), _at(points, steps)
        with np.errstate(divide="ignore", invalid="ignore"):
            divisor = np.where(quotient == 0, _newest(sizes.get(rank, NO_POINTS), steps), numerator / quotient)
        above += np.square(numerator)
        below += np.square(divisor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Points(steps, np.sqrt(above / below))


def _at(points: Points, steps: IntArray) -> F8Array:
    if len(points) == len(steps):  # the steps are among its own
        return points.values.astype(np.float64)
    return points.values[np.searchsorted(points.steps, steps)].astype(np.float64)


def _newest(points: Points, steps: IntArray) -> F8Array:
    """Give for each step the value of the newest point until then, 0 before the first."""
    at = np.searchsorted(points.steps, steps, side="right")
    return np.concatenate([[0.0], points.values.astype(np.float64)])[at]


def _over(ranks: Mapping[int, Points], *, largest: bool) -> Points:
    steps = np.unique(np.concatenate([points.steps for points in ranks.values()]))
    total = np.full(len(steps), -np.inf if largest else 0.0)
    count = np.zeros(len(steps))
    for points in ranks.values():
        at = np.searchsorted(steps, points.steps)
        values = points.values.astype(np.float64)
        if largest:
            total[at] = np.maximum(total[at], values)
        else:
            total[at] += values
        count[at] += 1
    if not largest:
        total /= count
    return Points(steps, total)
