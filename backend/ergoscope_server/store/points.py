"""Points of a series: steps and values side by side, and which of several points at one step counts."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.floating[np.typing.NBitBase]]

LOWEST = -(2**63)
HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Points:
    """Steps (n,) int64 and values (n,) float32 or float64."""

    steps: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.steps)

    def within(self, first: int, last: int) -> "Points":
        """Give the points whose steps lie in [first, last]."""
        if len(self.steps) == 0 or (first == LOWEST and last == HIGHEST):
            return self
        kept = (self.steps >= first) & (self.steps <= last)
        return self if kept.all() else Points(self.steps[kept], self.values[kept])

    def settled(self) -> "Points":
        """Give one point a step, in step order: of several, the one that stands last."""
        steps, values = self.steps, self.values
        if len(steps) < 2 or bool((steps[1:] > steps[:-1]).all()):
            return self
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[order]
        newest = np.append(steps[1:] != steps[:-1], True)
        return Points(steps[newest], values[newest])


NO_POINTS = Points(np.empty(0, np.int64), np.empty(0, np.float64))


def join(parts: list[Points]) -> Points:
    """Put points one behind the other."""
    if not parts:
        return NO_POINTS
    if len(parts) == 1:
        return parts[0]
    return Points(np.concatenate([p.steps for p in parts]), np.concatenate([p.values for p in parts]))
