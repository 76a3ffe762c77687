"""The move that a step made in weight space."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from ergoscope.findings import Column, Findings
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.norms import norms_of
from ergoscope.probes.probe import Reading
from ergoscope.probes.weights import WeightProbe

_FRESH = 64  # steps between two full looks for the momentum buffers


class UpdateProbe:
    """Norm of the step's change of the weights, and its ratio to the norm of the weights, by layer and in all.

    Two ways, chosen at each step:

    - plain SGD in fp32 or fp64 moves by exactly lr times the momentum buffer (with momentum, without Nesterov) or lr
      times the gradient (without momentum and weight decay). Its norm is taken of that tensor: no copy, every step.
      What rounding of w - lr*v takes away is not seen; it matters below a ratio of about 1e-7.
    - every other optimizer, and weights of 16 bits, where rounding swallows much of a step: the difference of the
      weights after the step from a copy made right before it. Exact; costs memory for one copy of the weights, kept
      from the first such step on, and three passes over them, so the schedule takes it at fewer steps.

    The ratio divides by the newest norm of the weights after a step, or by 1e-3 times the root of the layer's size
    where that is larger, so that layers that start at zero do not dominate.

    Attributes:
        moved: Of the step that is being looked at: tensors and factors; the layers with a gradient changed by minus
            their products. None when that is not at hand.
    """

    produces: ClassVar[tuple[str, ...]] = ("update_norm", "update_ratio")

    def __init__(self, weights: WeightProbe) -> None:
        """Divide by what `weights` read last."""
        self._weights = weights
        self._momenta = _Momenta()
        self._copies: list[Tensor] = []
        self.moved: tuple[list[Tensor], list[float]] | None = None
        self._copied: list[Tensor] | None = None  # the parameters that `_copies` are of; None without a fresh copy

    def prepare(self, moment: Moment) -> None:
        """Copy the weights before the step, when the difference will be needed."""
        parameters = moment.parameters
        if not _fits(self._copies, parameters):
            self._copies = [torch.empty_like(p, memory_format=torch.preserve_format) for p in parameters]
        torch._foreach_copy_(self._copies, parameters)
        self._copied = parameters

    def forget(self) -> None:
        """Let go of the last step's change: the copy will be written over."""
        self.moved = None

    def measure(self, moment: Moment) -> Reading | None:
        """Norms of the change of the layers that have a gradient."""
        copied, self._copied = self._copied, None
        if not moment.active:
            return None
        if copied is not None:
            return self._difference(copied, moment)
        rates = rates_of_plain_sgd(moment.optimizer)
        return None if rates is None else self._scaled(moment, rates)

    def _difference(self, copied: list[Tensor], moment: Moment) -> Reading | None:
        if copied is not moment.parameters:
            return None  # the optimizer was given other parameters during its step
        torch._foreach_sub_(self._copies, copied)
        layout = moment.layout
        moved = self._copies
        if len(layout.active) != len(moved):
            moved = [moved[i] for i in layout.active]
        self.moved = moved, [1.0] * len(moved)
        return Reading(norms_of(moved, layout.weight_dtype), partial(self._read, layout, None))

    def _scaled(self, moment: Moment, rates: list[float]) -> Reading | None:
        groups, moves = moment.optimizer.param_groups, moment.grads
        buffered = bool(groups[0]["momentum"])
        if buffered:
            found = self._momenta.of(moment)
            if found is None:
                return None
            moves = found
        layout = moment.layout
        norms = norms_of(moves, layout.grad_dtype)
        skipped = getattr(moment.optimizer, "found_inf", None)  # a fused step under a GradScaler may change nothing
        if skipped is not None:
            norms = [n.masked_fill(skipped.to(n.device) > 0, 0.0) for n in norms]
        scales = rates * len(norms)
        if len(rates) > 1:
            sizes = [len(group["params"]) for group in groups]
            every = [rate for rate, size in zip(rates, sizes, strict=True) for _ in range(size)]
            scales = [every[i] for i in layout.active]
        # Where the optimizer maximizes, its buffers are turned already, but gradients are not.
        if skipped is None and (buffered or not any(group["maximize"] for group in groups)):
            self.moved = moves, scales
        return Reading(norms, partial(self._read, layout, scales))

    def _read(self, layout: Layout, scales: list[float] | None, values: Sequence[float], findings: Findings) -> None:
        if scales is not None:
            values = [v * s for v, s in zip(values, scales, strict=True)]
        findings.add_norms("update_norm", layout, layout.moved, values)
        if self._weights.latest is None or self._weights.latest[0] != layout.names:
            return
        # Written so that a weight norm that is not a number stays one: every comparison with it is false.
        sizes = [f if w < f else w for w, f in zip(self._weights.latest[1], layout.floors, strict=True)]
        findings.add_squares("moving", sum([s * s for s in sizes]))
        if layout.layered:
            ratios = [v / sizes[i] for v, i in zip(values, layout.active, strict=True)]
            findings.columns.append(Column("update_ratio", layout.number, layout.moved, ratios))


class _Momenta:
    """The momentum buffers of an SGD, looked up once and again when the optimizer may have new ones."""

    def __init__(self) -> None:
        self._buffers: list[Tensor] = []
        self._of = (0, 0, 0)
        self._age = 0

    def of(self, moment: Moment) -> list[Tensor] | None:
        """The buffers of the layers with a gradient; None when one of them has none."""
        state = moment.optimizer.state
        first = state.get(moment.active[0], {}).get("momentum_buffer")
        now = (id(state), id(first), moment.layout.number)
        self._age += 1
        if now != self._of or self._age >= _FRESH:
            buffers = [state.get(p, {}).get("momentum_buffer") for p in moment.active]  # [] would add to the state
            if any(b is None for b in buffers):
                return None
            self._buffers, self._of, self._age = buffers, now, 0
        return self._buffers


def rates_of_plain_sgd(optimizer: Optimizer) -> list[float] | None:
    """The lr of each group when a step is exactly lr times a tensor that the optimizer keeps, else None."""
    if type(optimizer) is not SGD:
        return None
    rates = []
    momentum = bool(optimizer.param_groups[0]["momentum"])
    for group in optimizer.param_groups:
        lr, decay = group["lr"], group["weight_decay"]
        if isinstance(lr, Tensor) or isinstance(decay, Tensor) or group["nesterov"] or group["differentiable"]:
            return None
        if bool(group["momentum"]) != momentum or (decay and not momentum):
            return None
        rates.append(float(lr))
    return rates


def _fits(copies: list[Tensor], parameters: list[Tensor]) -> bool:
    if len(copies) != len(parameters):
        return False
    return all(
        c.shape == p.shape and c.dtype == p.dtype and c.device == p.device
        for c, p in zip(copies, parameters, strict=True)
    )
