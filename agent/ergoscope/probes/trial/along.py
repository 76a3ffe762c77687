"""Curvature along a step of plain SGD, from two losses and the gradient."""

import math
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor
from torch.optim import SGD, Optimizer

from ergoscope.curvature.directional import secant_curvature
from ergoscope.curvature.reach import Group, number
from ergoscope.curvature.trust import ROUNDING
from ergoscope.probes.trial.passage import inner

N = TypeVar("N", float, Tensor)
_TURNED = 1e-9  # squared sine of an angle that may be rounding: of fp32 it is below 1e-14
_RESOLVED = 100.0  # times the rounding of the loss that a step must promise, so that 1 - ρ is right to a hundredth


def steps_along(optimizers: Sequence[Optimizer]) -> bool:
    """Whether a step Δ is a negative multiple of what the optimizer is given for a gradient.

    That is where one SGD steps without momentum, decay and ascent, and with one rate.

    Example:
        >>> import torch
        >>> weight = [torch.zeros(1)]
        >>> steps_along([SGD(weight, lr=0.1)]), steps_along([SGD(weight, lr=0.1, momentum=0.9)])
        (True, False)
    """
    if len(optimizers) != 1 or type(optimizers[0]) is not SGD:
        return False
    groups = optimizers[0].param_groups
    rates = [number(group["lr"]) for group in groups] if len(groups) > 1 else []
    if any(isinstance(rate, Tensor) or rate != rates[0] for rate in rates):
        return False
    return not any(_does_more(group) for group in groups)


def squares(gradient: Sequence[Tensor], given: Sequence[Tensor]) -> list[Tensor]:
    """‖g‖², g·p and ‖p‖² of a batch's gradient g and of what the optimizer is given, p; on the device."""
    return [inner(gradient, gradient), inner(gradient, given), inner(given, given)]


def turned(own: N, both: N, given: N) -> N:
    """Square of the sine of the angle between g and p, of the numbers that `squares` gives; all on the device, or none.

    Example:
        >>> turned(1.0, 1.0, 2.0)
        0.5
    """
    return 1.0 - both * both / (own * given)


def curvature_along(total: float, change: float, slope: float, *, square: float, turn: float) -> float:
    """gᵀHg / ‖g‖² as it is on the mean over a step Δ along −g: 2 (L(w + Δ) − L(w) − g·Δ) / ‖Δ‖².

    Of a quadratic loss it is exact; equal to (2/η)(1 − ρ) where Δ = −ηg.

    Args:
        total: L(w).
        change: L(w + Δ) − L(w).
        slope: g·Δ.
        square: ‖g‖².
        turn: What `turned` gives.

    Returns:
        In the unit of the loss over that of a squared weight; NaN where the gradient was turned before the step, as by
        clipping single entries, and where rounding of the loss may be above a hundredth of 1 − ρ.

    Example:
        >>> curvature_along(2.0, -1.5, -2.0, square=4.0, turn=0.0)  # ½w² from 2 to 1
        1.0
    """
    if not turn <= _TURNED or not abs(slope) >= _RESOLVED * ROUNDING * abs(total) or not square > 0:
        return math.nan
    return secant_curvature(0.0, change, slope, slope * slope / square) if slope else math.nan


def _does_more(group: Group) -> bool:
    decay = number(group["weight_decay"])
    return bool(group["momentum"]) or bool(group["maximize"]) or isinstance(decay, Tensor) or decay != 0.0
