"""An axis for values of both signs and of many sizes: linear around zero, logarithmic beyond.

The place of a value is asinh(value / scale): far below the scale that is as on a linear axis, far above it as on a
logarithmic one, and zero lies between. The scale is a power of ten, so that it stays while the values move.
"""

import math
from dataclasses import dataclass

import numpy as np

from ergoscope_ui.curve import Values
from ergoscope_ui.words import number

_WIDEST = 1e-4  # of the largest size: where the scale ends, so that zeros do not take the whole axis
_MOST = 8  # ticks: as many as have room on a phone


@dataclass(frozen=True, slots=True)
class Signed:
    """The axis; `scale` in the unit of the values."""

    scale: float

    def place(self, values: Values) -> Values:
        """Where values are on the axis."""
        return np.arcsinh(values / self.scale)

    def value(self, places: Values) -> Values:
        """What is at places of the axis."""
        return np.sinh(places) * self.scale

    def ticks(self, low: float, high: float) -> tuple[list[float], list[str]]:
        """Places of zero and of powers of ten between two places, and their words.

        Example:
            >>> Signed(0.1).ticks(-3.7, 8.3)[1]
            ['−1', '0', '1', '10', '100']
        """
        room = (high - low) / _MOST
        stride = max(1, math.ceil(room / math.log(10)))
        first = next(power for power in range(20) if math.asinh(10.0**power) >= room)
        last = max(abs(low), abs(high)) / math.log(10)
        sizes = [10.0**power for power in range(first, math.ceil(last) + 1, stride)]
        marks = [(math.asinh(size), size * self.scale) for size in sizes]
        both = [*((-at, -size) for at, size in reversed(marks)), (0.0, 0.0), *marks]
        kept = [(at, size) for at, size in both if low <= at <= high]
        return [at for at, _ in kept], [f"{'−' * (size < 0)}{number(abs(size))}" for _, size in kept]


def axis_for(sizes: Values, weights: Values) -> Signed:
    """The axis on which half of the weight is in the linear part, or as near to that as the largest size allows.

    Args:
        sizes: Of the values, without their signs.
        weights: One a size.

    Example:
        >>> axis_for(np.array([0.02, 0.3, 90.0]), np.array([0.4, 0.5, 0.1]))
        Signed(scale=0.1)
    """
    largest = float(sizes.max()) or 1.0
    order = np.argsort(sizes)
    middle = float(sizes[order][np.searchsorted(np.cumsum(weights[order]), 0.5 * weights.sum())])
    return Signed(10.0 ** math.floor(math.log10(max(middle, _WIDEST * largest))))
