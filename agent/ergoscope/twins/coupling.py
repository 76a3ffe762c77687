"""How far twins of equal randomness are apart, whether they part or come together, and which layer parted first.

Where the randomness that both share draws two runs together, there is one law that both come to: Li, Xie (2024). The
distance is that of their sketches, whose error is a relative sqrt(2/k)/2, 2 % of 1,021 numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ergoscope.twins.stability import overlapping, student

PRODUCES = ("coupling_distance",)
LEAST = 40


@dataclass(frozen=True, slots=True, eq=False)
class Coupling:
    """Distances of twins at `steps`, in weight norm; `relative` is the last over the norm of the first twin's weights.

    rate, low, high: slope of the log distance over the last half of the looks, per step, with its 95 % interval; None
    where the twins are equal at some of them, or there are fewer than 40.
    """

    steps: NDArray[np.int64]
    distances: NDArray[np.float64]
    relative: float
    rate: float | None
    low: float | None
    high: float | None

    @property
    def word(self) -> str:
        """Say what they do."""
        if not self.distances.any():
            return "equal"
        if self.low is None or self.high is None or self.rate is None:
            return "apart"
        return "parting" if self.low > 0 else "coming together" if self.high < 0 else "at a steady distance"


@dataclass(frozen=True, slots=True)
class Departure:
    """A layer whose weights differ between twins, and the first step at which they were seen to."""

    layer: str
    step: int


def coupling(steps: ArrayLike, first: ArrayLike, second: ArrayLike) -> Coupling:
    """Compare the sketches of two twins.

    Args:
        steps: Steps of the looks, shape (n,).
        first: Sketches, shape (n, buckets).
        second: The same of the other twin, of equal seed.
    """
    at = np.asarray(steps, dtype=np.int64)
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    distances = np.linalg.norm(a - b, axis=1)
    size = float(np.linalg.norm(a[-1])) if len(a) else 0.0
    relative = float(distances[-1]) / size if size else 0.0
    rate, low, high = _rate(at[len(at) // 2 :], distances[len(at) // 2 :]) or (None, None, None)
    return Coupling(at, distances, relative, rate, low, high)


def _rate(steps: NDArray[np.int64], distances: NDArray[np.float64]) -> tuple[float, float, float] | None:
    if len(steps) < LEAST // 2 or not (distances > 0).all():
        return None
    x, y = steps - steps.mean(), np.log(distances)
    slope = float(x @ y / (x @ x))
    scores = x * (y - y.mean() - slope * x)
    _, errors, dof = overlapping(scores[:, None])
    half = student(0.975, dof) * float(errors[0]) * len(x) / float(x @ x)
    return slope, slope - half, slope + half


def departures(steps: ArrayLike, layers: Sequence[str], first: ArrayLike, second: ArrayLike) -> list[Departure]:
    """Give the layers that differ, the first to do so first.

    Args:
        steps: Steps of the looks, shape (n,).
        layers: Names.
        first: Sketches of each layer, shape (n, layers, buckets).
        second: The same of the other twin.
    """
    at = np.asarray(steps, dtype=np.int64)
    apart = (np.asarray(first) != np.asarray(second)).any(axis=2)
    found = [
        Departure(name, int(at[column.argmax()])) for name, column in zip(layers, apart.T, strict=True) if column.any()
    ]
    return sorted(found, key=lambda one: one.step)
