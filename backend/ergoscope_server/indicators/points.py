"""A series as the indicators see it: steps and values, equally many, in step order."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Points:
    """Steps, shape (n,), rising, and the values measured there, shape (n,); NaN and infinities are kept."""

    steps: IntArray
    values: FloatArray

    def __len__(self) -> int:
        """Give how many points there are."""
        return len(self.steps)

    def upto(self, step: int) -> "Points":
        """Give the points at or before `step`; a view, nothing is copied."""
        end = int(np.searchsorted(self.steps, step, side="right"))
        return Points(self.steps[:end], self.values[:end])

    def since(self, step: int) -> "Points":
        """Give the points at or after `step`; a view, nothing is copied."""
        begin = int(np.searchsorted(self.steps, step, side="left"))
        return Points(self.steps[begin:], self.values[begin:])

    def newest(self, n: int) -> "Points":
        """Give the last n points, or all when there are fewer."""
        begin = max(0, len(self) - n)
        return Points(self.steps[begin:], self.values[begin:])

    def finite(self) -> "Points":
        """Give the points whose value is finite."""
        kept = np.isfinite(self.values)
        return self if bool(kept.all()) else Points(self.steps[kept], self.values[kept])


def points(steps: npt.ArrayLike, values: npt.ArrayLike) -> Points:
    """Make points of anything array-like.

    Raises:
        ValueError: the two are not equally long.
    """
    s, v = np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=np.float64)
    if s.shape != v.shape:
        raise ValueError(f"{s.size} steps and {v.size} values; there must be one value a step")
    return Points(s, v)


NOTHING = Points(np.empty(0, np.int64), np.empty(0, np.float64))


def spacing(steps: IntArray) -> int:
    """Give the usual distance between two logged steps: the median over the newest 100, at least 1."""
    if len(steps) < 2:
        return 1
    return max(1, int(np.median(np.diff(steps[-101:]))))
