"""Where a series stopped being a number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.points import IntArray, Points

RECENT = 100  # points without a single NaN or infinity after which a series counts as recovered


@dataclass(frozen=True, slots=True)
class Offence:
    """The first value that is not finite: which series, at which step, and what it was."""

    metric: str
    step: int
    value: float

    @property
    def became(self) -> str:
        """Say in words what the value is."""
        return "NaN" if math.isnan(self.value) else "infinite"


def nonfinite_steps(points: Points) -> IntArray:
    """Give the steps whose value is NaN or infinite."""
    return points.steps[~np.isfinite(points.values)]


def first_offence(series: Mapping[str, Points], *, after: int) -> Offence | None:
    """Find the earliest value after step `after` that is not finite; of several at one step, the first series named."""
    found: Offence | None = None
    for metric, points in series.items():
        part = points.since(after + 1)
        bad = np.flatnonzero(~np.isfinite(part.values))
        if len(bad) and (found is None or part.steps[bad[0]] < found.step):
            found = Offence(metric, int(part.steps[bad[0]]), float(part.values[bad[0]]))
    return found


def offenders(layers: Mapping[str, Points], *, upto: int) -> tuple[int, list[str]] | None:
    """Find the earliest step at which layers are not finite, and which they are then.

    Args:
        layers: Series by layer name.
        upto: Latest step to look at.

    Returns:
        The step and the layers, in the order given; None when every layer is finite.
    """
    first = {name: bad for name, points in layers.items() if len(bad := nonfinite_steps(points.upto(upto)))}
    if not first:
        return None
    step = min(int(bad[0]) for bad in first.values())
    return step, [name for name, bad in first.items() if int(bad[0]) == step]
