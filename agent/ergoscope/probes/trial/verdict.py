"""What the numbers of a step and its own batch come to, once they are on the host."""

import math
from dataclasses import dataclass

from ergoscope.curvature.trust import trust_ratio
from ergoscope.probes.trial.along import curvature_along
from ergoscope.probes.trial.own_batch import UNLIKE

CHECKED = 16  # readings of which one is checked: whether the batch, run again before the step, has the job's own loss
DROWNED = (
    "trust_ratio is absent at steps that promise less than 1/256 of the loss: in half precision rounding is as large"
)
MOVED = "trust_ratio is absent at steps after which something else than the optimizer writes to the weights"
ADDED = "gradients of earlier passes are added to a step's own"
_ALIKE, _ALIKE_IN_HALVES = 2.0**-8, 2.0**-5  # shares by which the same pass may differ, run once more
_ROUNDING_OF_HALVES = 2.0**-8  # of the loss: bf16 rounds an output by half of it, and a ratio is of two losses


def objection(*, total: float, drift: float, misfit: float, before: float, halved: bool) -> str | None:
    """Why steps are not to be held against their batches; empty when they may be, None when the batch says nothing.

    Args:
        total: L(w).
        drift: How far the loss of the batch, run again before the step, was above that; 0 where it was not.
        misfit: How far the slope of what was read off the graph is from the loss's own, a share.
        before: The largest entry of gradients that were there before the backward pass.
        halved: Whether the model computes in half precision.
    """
    if before != 0:
        return ADDED
    if not math.isfinite(total) or total == drift == 0:
        return None
    tolerance = _ALIKE_IN_HALVES if halved else _ALIKE
    if not misfit <= tolerance:
        return UNLIKE
    if not abs(drift) <= tolerance * abs(total):
        return "its forward pass gives another loss when it is run once more"
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step promised and what it did; see `ergoscope.probes.trial.along` for square and turn.

    total: L(w). slope: g·Δ. change: L(w + Δ) − L(w). halved: whether the model computes in half precision.
    square, turn: NaN where the step is not one along the gradient.
    """

    total: float
    slope: float
    change: float
    halved: bool
    square: float = math.nan
    turn: float = math.nan

    @property
    def drowned(self) -> bool:
        """Whether rounding is as large as what was promised."""
        return self.halved and abs(self.slope) < _ROUNDING_OF_HALVES * abs(self.total)

    def scalars(self) -> dict[str, float]:
        """What is to be published of it, by catalogue key."""
        found: dict[str, float] = {}
        if self.drowned:
            return found
        ratio = trust_ratio(self.total, self.total + self.change, self.slope)
        if math.isfinite(ratio):
            found["trust_ratio"] = ratio
        along = curvature_along(self.total, self.change, self.slope, square=self.square, turn=self.turn)
        if not self.halved and math.isfinite(along):
            found["batch_sharpness"] = along
        return found
