"""One look at a Hessian: what is multiplied, and what the numbers mean once they are on the host."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.directional import rayleigh
from ergoscope.curvature.ladder import Products
from ergoscope.curvature.precondition import Scaling, scaling
from ergoscope.curvature.thresholds import Threshold, threshold
from ergoscope.curvature.tracker import COLD, MOST, Top, Tracker

_SELDOM = 4  # readings, in which what is not the sharpness against its threshold comes once
_ALONG, _PLAIN = 1, 0  # at which of them: the curvature along the gradient, the plain Hessian beside a scaled one


@dataclass(frozen=True, slots=True)
class Sight:
    """What was looked at.

    values: fp64, shape (1 + 2 · products,): the curvature along the gradient, NaN where it was not taken, then what the
        tracker made.
    scaled: whether the operator was that of the optimizer's own coordinates.
    edge: what the optimizer holds of that operator; without a value when only a part of the model was looked at, and
        when it holds something of another operator, which then is looked at the next time.
    """

    values: Tensor
    scaled: bool
    edge: Threshold


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it.

    along: gᵀHg/‖g‖²; NaN where it was not taken.
    top: the largest eigenvalue; ratio: its share of the threshold.
    """

    along: float
    top: Top
    ratio: float | None


class Sights:
    """Looks at the Hessian over one set of parameters, at each reading where the last one ended.

    What is not the sharpness against its threshold is read at every fourth reading: from the first one on, of a whole
    model, the curvature along the gradient, which takes a product more; from the fourth one on, where the threshold is
    one for the optimizer's own coordinates, as Adam's is, the plain Hessian instead of the one in them.
    """

    def __init__(self, *, whole: bool, seed: int) -> None:
        """Begin; `whole` says that the parameters are all that the optimizer moves, `seed` where the tracks start."""
        self._whole = whole
        self._plain, self._scaled = Tracker(seed=seed), Tracker(seed=seed + 1)
        self._turns = 0

    def take(
        self, hessian: Products, parameters: Sequence[Tensor], optimizer: Optimizer | None, *, factor: Tensor | float
    ) -> Sight:
        """Make the products of one reading, without waiting for the device.

        Args:
            hessian: Of the loss, at the weights as they are.
            parameters: Over which.
            optimizer: Whose threshold counts; None when several share the parameters.
            factor: What makes the loss's Hessian that of the optimizer's objective.
        """

        def product(vector: Tensor) -> Tensor:
            return factor * hessian(vector)

        self._turns += 1
        slope = hessian.gradient
        asks = self._whole and self._turns % _SELDOM == _ALONG
        along = rayleigh(product, slope) if asks else slope.new_full((), math.nan)
        kind, groups = type(optimizer), [] if optimizer is None else optimizer.param_groups
        edge = threshold(kind, groups) if optimizer is not None else _SHARED  # type: ignore[arg-type]  # not None here
        coordinates: Scaling | str = ""
        if optimizer is not None and self._whole and edge.operator == "preconditioned" and edge.value is not None:
            coordinates = scaling(optimizer, parameters, dtype=slope.dtype)
        if isinstance(coordinates, Scaling) and self._turns % _SELDOM != _PLAIN:
            numbers = self._scaled.measure(coordinates.product(product), coordinates.scale * slope)
            return Sight(_behind(along, numbers), True, edge)
        sign = -1.0 if edge.ascent else 1.0
        beside = isinstance(coordinates, Scaling)  # then it has no threshold, and is read too rarely for a dear start
        numbers = self._plain.measure(lambda v: sign * product(v), slope, cold=MOST if beside else COLD)
        if not self._whole:
            edge = _PART
        elif edge.operator == "preconditioned" and edge.value is not None:
            edge = replace(edge, value=None, validity=coordinates if isinstance(coordinates, str) else "")
        return Sight(_behind(along, numbers), False, edge)

    def read(self, sight: Sight, values: Sequence[float]) -> Found:
        """Say what the numbers of a sight mean."""
        top = (self._scaled if sight.scaled else self._plain).read(values[1:])
        return Found(values[0], top, sight.edge.ratio(top.value))


_SHARED = Threshold("hessian", None, None, "several optimizers move the parameters")
_PART = Threshold("hessian", None, None, "it is one for the whole model")


def _behind(first: Tensor, numbers: Tensor) -> Tensor:
    return torch.cat([first.to(numbers.dtype)[None], numbers])
