"""What is known of a slice, and the record that says it."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ergoscope_contract.records import LONGEST_REASON, Grid
from ergoscope_contract.slices import Axes, SliceRequest

KEY = "loss_slice"
NAMES: dict[Axes, tuple[str, str]] = {
    "hessian": ("steepest direction", "second steepest direction"),
    "update": ("last update", "gradient across the last update"),
    "random": ("random direction, layer-normalised", "another random direction, layer-normalised"),
}


def name_axes(request: SliceRequest) -> list[str]:
    """What the axes of a request are called."""
    return list(NAMES[request.axes][: request.dimensions])


def refusal(request: SliceRequest, reason: str, *, step: int) -> Grid:
    """The answer to a request that nothing was measured for; of a long reason the beginning."""
    names = name_axes(request)
    return Grid(KEY, step, request.id, names, [1.0] * len(names), [], b"", refused=reason[:LONGEST_REASON])


class Sheet:
    """The losses of a slice's points, of which those that are not measured yet are NaN.

    Attributes:
        points: Offsets of each point, one an axis; the last axis is the fast one.
        middle: Number of the point at the centre.
    """

    def __init__(self, request: SliceRequest, offsets: Sequence[NDArray[np.float64]], *, modes: int) -> None:
        """Begin without a loss.

        Args:
            request: What is answered.
            offsets: Of each axis, in ascending order.
            modes: 2 when layers that normalise can do so in two ways, else 1.
        """
        self._request = request
        self._offsets = offsets
        self.points = list(product(*(axis.tolist() for axis in offsets)))
        self.middle = len(self.points) // 2
        self._values = np.full((modes, len(self.points)), np.nan)

    def enter(self, points: Sequence[int], losses: Sequence[float]) -> None:
        """Write down the losses of some points: of all in the first mode, then in the second."""
        self._values[:, points] = np.reshape(losses, (len(self._values), len(points)))

    def grid(
        self,
        *,
        step: int,
        curvatures: Sequence[float],
        slopes: Sequence[float],
        update: float,
        batch: str,
        how: str,
        partial: bool,
    ) -> Grid:
        """The record, with what else there is to say; see `Grid`. An `update` of 0 is none."""
        modes = [_packed(losses) for losses in self._values]
        return Grid(
            key=KEY,
            step=step,
            request=self._request.id,
            axes=name_axes(self._request),
            scales=[1.0] * len(self._offsets),
            offsets=[_packed(axis) for axis in self._offsets],
            values=modes[0],
            running=b"".join(modes[1:]),
            mode="batch statistics" if len(modes) > 1 else "",
            curvatures=list(curvatures),
            slopes=list(slopes),
            update=update or None,
            batch=batch,
            how=how,
            partial=partial,
        )


def _packed(numbers: NDArray[np.float64]) -> bytes:
    return numbers.astype("<f8").tobytes()
