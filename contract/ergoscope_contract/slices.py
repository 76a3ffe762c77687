"""What a person may ask of a running job: the loss along one or two directions around its weights.

The service keeps the question, each receipt of a batch carries it to the job, and a `Grid` of the same id answers it.
"""

import math
from typing import Literal

from msgspec import Struct

from ergoscope_contract.errors import ShapeError

Axes = Literal["hessian", "update", "random"]
Dimensions = Literal[1, 2]

LEAST_POINTS = 5
MOST_POINTS = 41
LEAST_SHARE = 0.001  # with less nobody lives to see a slice


class SliceRequest(Struct, frozen=True, omit_defaults=True):
    """A slice of the loss that somebody waits for.

    id: made by the service.
    axes: hessian: the top eigenvectors of the Hessian; update: the last update, then the gradient; random: seeded
        random directions, each layer as long as its weights are.
    points: offsets a side, odd so that the weights themselves are among them.
    extent: half the width of the slice, in weight norm; None lets the agent choose.
    share: of the step time, what may be spent on it beside all else; None means as much as the run's own budget.
    """

    id: str
    axes: Axes = "hessian"
    dimensions: Dimensions = 1
    points: int = 21
    extent: float | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        if not LEAST_POINTS <= self.points <= MOST_POINTS or self.points % 2 == 0:
            raise ShapeError(f"points is {self.points}; allowed: odd numbers from {LEAST_POINTS} to {MOST_POINTS}")
        if self.extent is not None and not 0 < self.extent < math.inf:
            raise ShapeError(f"extent is {self.extent}; it must be positive and finite, in weight norm, or left out")
        if self.share is not None and not LEAST_SHARE <= self.share <= 1:
            raise ShapeError(f"share is {self.share}; allowed: {LEAST_SHARE} to 1, of the step time, or left out")
