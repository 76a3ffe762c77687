"""Is the run at the edge of stability: is its sharpness near what the optimizer holds?

The readings are those of `sharpness_ratio`: 1 is the largest curvature that the optimizer holds on average. They are
few and far apart, so each of them is an evaluation of its own, and two in a row must agree. Where there are none, the
curvature of batches along their own steps stands in: of plain SGD it hovers at the same 2/η. With momentum β it does so
somewhere between 1 - β and 1 + β times that, so it is held against the upper end: below it nothing is said.
"""

from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ergoscope_server.indicators.points import NOTHING, Points
from ergoscope_server.indicators.verdict import AGREE

LOW, HIGH = 0.8, 1.2  # the edge; training at it hovers around 1
EIGHT = 8  # readings of single batches that count as one
NEWEST = 5  # readings that say where the sharpness is now
LAPSE = 10  # of the longest gap between readings without a new one, after which the last ones say nothing of now


@dataclass(frozen=True, slots=True)
class Sharpness:
    """The newest readings: their median, the smallest and the largest, how many, and the step of the newest."""

    value: float
    low: float
    high: float
    n: int
    step: int


class Edge(Struct, frozen=True, omit_defaults=True):
    """Since which step the run is at the edge, None while it is not; and what is needed to go on from here.

    last: step of the newest reading that was looked at; gap: most steps between two of them.
    turned, agreed: first step and number of the readings in a row that speak for a change.
    """

    since: int | None = None
    last: int = -1
    gap: int = 1
    turned: int = -1
    agreed: int = 0


def sharpness_now(ratio: Points) -> Sharpness | None:
    """Give the median of the newest five finite readings, or of as many as there are; None without any.

    Example:
        >>> from ergoscope_server.indicators.points import points
        >>> sharpness_now(points([10, 20, 30], [0.7, 1.3, 0.9]))
        Sharpness(value=0.9, low=0.7, high=1.3, n=3, step=30)
    """
    newest = ratio.finite().newest(NEWEST)
    if not len(newest):
        return None
    values = newest.values
    return Sharpness(
        float(np.median(values)), float(values.min()), float(values.max()), len(newest), int(newest.steps[-1])
    )


def follow_edge(edge: Edge, ratio: Points, *, step: int) -> Edge:
    """Look at the readings after the last one that was looked at.

    A run is at the edge when two readings in a row lie within 0.8 to 1.2, and leaves it when two in a row do not, or
    when none has come for ten times the longest gap between them.

    Args:
        edge: What is known.
        ratio: Readings in step order; those after `step` are ignored.
        step: The step to judge at.
    """
    fresh = ratio.since(edge.last + 1).upto(step).finite()
    for at, value in zip(fresh.steps.tolist(), fresh.values.tolist(), strict=True):
        gap = max(edge.gap, at - edge.last) if edge.last >= 0 else edge.gap
        edge = _turned(replace(edge, last=at, gap=gap), at, inside=LOW <= value <= HIGH)
    if edge.since is not None and step - edge.last > LAPSE * edge.gap:
        return replace(edge, since=None, agreed=0)
    return edge


def batch_ratio(sharp: Points, lr: Points, *, held: float, after: int) -> Points:
    """Give batch sharpness over what SGD holds, each the mean of eight readings in a row: one is of one batch alone.

    Source: Andreyev, Beneventano (2024).

    Args:
        sharp: Readings of `batch_sharpness` of SGD.
        lr: Its learning rates.
        held: What it holds at most, in 2/η, as `Recipe.held` has it.
        after: The step after which readings count.
    """
    fresh = sharp.since(after + 1).finite()
    whole = len(fresh) // EIGHT * EIGHT
    if not whole or not len(lr):
        return NOTHING
    steps = fresh.steps[:whole]
    rates = lr.values[np.maximum(np.searchsorted(lr.steps, steps, side="right") - 1, 0)]
    ratios = (fresh.values[:whole] * rates / (2 * held)).reshape(-1, EIGHT).mean(axis=1)
    return Points(steps[EIGHT - 1 :: EIGHT], ratios)


def anew(edge: Edge, *, upto: int | None = None) -> Edge:
    """Forget what the readings said, as where the learning rate jumps; those up to `upto` stay looked at."""
    return Edge(last=edge.last if upto is None else min(edge.last, upto), gap=edge.gap)


def _turned(edge: Edge, at: int, *, inside: bool) -> Edge:
    if inside == (edge.since is not None):
        return replace(edge, agreed=0)
    turned = edge.turned if edge.agreed else at
    if edge.agreed + 1 < AGREE:
        return replace(edge, turned=turned, agreed=edge.agreed + 1)
    return replace(edge, since=turned if inside else None, agreed=0)
