"""A series cut into stretches of steps: for each its extremes, mean, final value, and how many points were not finite.

A single point is a cell of one. Cells of cells lose nothing: the lowest of the lows is the low. The mean is kept
instead of the sum, which could overflow. `low`, `high` and `mean` are of the finite values, NaN where there is none.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ergoscope_server.store.points import IntArray, Points

F8Array = NDArray[np.float64]
FIELDS = ("first", "last", "low", "high", "mean", "final", "count", "nonfinite")


@dataclass(frozen=True, slots=True)
class Cells:
    """Arrays of one length; `first` and `last` are the steps of the first and last point of each cell."""

    first: IntArray
    last: IntArray
    low: F8Array
    high: F8Array
    mean: F8Array
    final: F8Array
    count: IntArray
    nonfinite: IntArray

    def __len__(self) -> int:
        return len(self.first)

    def within(self, first: int, last: int) -> "Cells":
        """Give the cells of which any part may lie in [first, last]."""
        kept = (self.last >= first) & (self.first <= last)
        return self if kept.all() else Cells(*(getattr(self, name)[kept] for name in FIELDS))


def cells_of(points: Points) -> Cells:
    """Make each point a cell."""
    values = points.values.astype(np.float64)
    finite = np.isfinite(values)
    known = values if finite.all() else np.where(finite, values, np.nan)
    one = np.ones(len(values), np.int64)
    return Cells(points.steps, points.steps, known, known, known, values, one, (~finite).astype(np.int64))


def join_cells(parts: list[Cells]) -> Cells:
    """Put cells one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))


def gather(cells: Cells, most: int) -> Cells:
    """Merge cells into at most `most`, by stretches of steps of equal width; a cell goes where its first step lies.

    Args:
        cells: In any order; those of one step stand in the order they arrived.
        most: At least 1.
    """
    if len(cells) == 0:
        return cells
    # Steps may be so far apart that their difference is no int64.
    start, end = float(cells.first.min()), float(cells.last.max())
    place = (cells.first.astype(np.float64) - start) / (end - start + 1.0)
    bucket = np.minimum((place * most).astype(np.int64), most - 1)
    order = np.lexsort((cells.last, bucket))
    ordered = bucket[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return merge(cells, starts, order)


def merge(cells: Cells, starts: IntArray, order: IntArray) -> Cells:
    """Merge the cells of each group: those at `order[starts[i]:starts[i + 1]]`, the group's newest at its end."""
    count, nonfinite = cells.count[order], cells.nonfinite[order]
    finite = (count - nonfinite).astype(np.float64)
    sizes = np.diff(np.append(starts, len(order)))
    total = np.add.reduceat(finite, starts)
    share = np.divide(finite, np.repeat(total, sizes), out=np.zeros_like(finite), where=finite > 0)
    mean = np.where(finite > 0, cells.mean[order], 0.0) * share
    return Cells(
        first=np.minimum.reduceat(cells.first[order], starts),
        last=np.maximum.reduceat(cells.last[order], starts),
        low=np.fmin.reduceat(cells.low[order], starts),
        high=np.fmax.reduceat(cells.high[order], starts),
        mean=np.where(total > 0, np.add.reduceat(mean, starts), np.nan),
        final=cells.final[order][starts + sizes - 1],
        count=np.add.reduceat(count, starts),
        nonfinite=np.add.reduceat(nonfinite, starts),
    )
