"""Clipping of gradients: which calls did it since the last step, and what the gradient was before them.

A call that clips by norm multiplies gradients by one number, so a norm before it is the norm after it over that number,
whatever multiplied the gradients before or afterwards (a GradScaler's scale).
"""

import math
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.layers import Moment
from ergoscope.numerics.norms import common_dtype, norms_of
from ergoscope.shards import local

_WIDE = (torch.float32, torch.float64)
_MOST = 4096  # calls kept of one step; a job that clips more often never steps the optimizers under watch


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """What clipping did to the gradients of one moment.

    factors: the numbers that gradients were multiplied by.
    of_layer: for each layer with a gradient the positions of its factors.
    by_norm: the positions of those factors that came of a limit on the norm.
    """

    factors: list[Tensor | float]
    of_layer: Sequence[Sequence[int]]
    by_norm: frozenset[int]

    def before(self, norms: Sequence[float], factors: Sequence[float]) -> list[float]:
        """Norms before clipping, from those after it; NaN where a factor of zero left nothing to tell from."""
        return [_undone(n, [factors[i] for i in own]) for n, own in zip(norms, self.of_layer, strict=True)]

    def coefficient(self, factors: Sequence[float]) -> float | None:
        """The smallest product of factors of any layer; None when nothing was clipped by norm."""
        own = [[factors[i] for i in layer if i in self.by_norm] for layer in self.of_layer]
        products = [math.prod(layer) for layer in own if layer]
        return next((p for p in products if math.isnan(p)), min(products)) if products else None

    def products(self, device: torch.device) -> Tensor:
        """The product of the factors of each layer, fp32, shape (layers,)."""
        tensors = [f if isinstance(f, Tensor) else torch.full((), f, device=device) for f in self.factors]
        on_device = [t.to(device, torch.float32, non_blocking=True) for t in tensors]
        one = torch.ones((), device=device)
        return torch.stack([math.prod([on_device[i] for i in own], start=one) for own in self.of_layer])


def _undone(norm: float, factors: Sequence[float]) -> float:
    for factor in factors:
        norm = norm / factor if factor else norm * math.inf  # 0 * inf is NaN: nothing is left to tell from
    return norm


class _Call:
    """One call that clipped: its factor, or one for each parameter, and a gradient to see whether they are still it."""

    def __init__(self, parameters: list[Tensor], factors: list[Tensor | float], *, by_norm: bool) -> None:
        self.parameters = parameters
        self.factors = factors
        self.by_norm = by_norm
        self.overtaken = False  # whether a backward pass came after it
        self.waiting: set[int] = set()  # ids of optimizers that have not stepped since
        self._owner = next(p for p in parameters if p.grad is not None)
        gradient = cast(Tensor, self._owner.grad)
        self._gradient = weakref.ref(gradient)  # a job that throws it away gets its memory back
        self._version = gradient._version

    def changed(self) -> bool:
        """Whether the gradient is another one now, or has been written to."""
        gradient = self._owner.grad
        return gradient is None or gradient is not self._gradient() or gradient._version != self._version


class Clips:
    """The clip calls since the last step of each optimizer.

    A call counts for the gradients that it was made on: one whose gradients were changed by a later backward pass is
    dropped. Calls on the same parameters multiply.
    """

    def __init__(self, optimizers: Iterable[Optimizer]) -> None:
        """Begin with no call seen; `optimizers` are those under watch."""
        self._optimizers = frozenset(id(o) for o in optimizers)
        self._calls: list[_Call] = []
        self._assigned: tuple[object, list[list[int]]] = (None, [])
        self._expected: Tensor | None = None  # norms before a call that is under way

    def scaled(self, parameters: list[Tensor], limit: float | Tensor, total: Tensor) -> None:
        """Gradients were multiplied by min(1, limit / (total + 1e-6)), as torch clips by norm.

        `total` may be a norm of any order, of any number type, on any device; nothing is waited for.
        """
        if all(p.grad is None for p in parameters):
            return
        self._add(parameters, [_coefficient(limit, total)], by_norm=True)

    def expect(self, parameters: list[Tensor], by_norm: bool) -> None:
        """Gradients are about to be clipped in a way that only their norms will show.

        That is one factor for each entry of a gradient or, `by_norm`, one for all of them that this process cannot
        know by itself; then the norm of the largest gradient is enough.
        """
        self._expected = _norms(parameters, one=by_norm)

    def compare(self, parameters: list[Tensor], by_norm: bool) -> None:
        """What was expected has happened; a gradient of zero has the factor 1."""
        before, self._expected = self._expected, None
        after = None if before is None else _norms(parameters, one=by_norm)
        if before is None or after is None:
            return
        factors = torch.nan_to_num(after / before, nan=1.0, posinf=math.inf)
        clipped = parameters if by_norm else [p for p in parameters if p.grad is not None]
        several = factors.tolist() if factors.device.type == "cpu" else list(factors.unbind())
        self._add(clipped, several, by_norm=by_norm)

    def backward(self) -> None:
        """A backward pass is about to run."""
        if self._calls:
            self._calls = [c for c in self._calls if not c.changed()]
            for call in self._calls:
                call.overtaken = True

    def stepped(self, optimizer: Optimizer) -> None:
        """The optimizer has stepped and was measured."""
        if self._calls:
            for call in self._calls:
                call.waiting.discard(id(optimizer))
            self._calls = [c for c in self._calls if c.waiting]

    def of(self, moment: Moment) -> Cuts | None:
        """What was done to the gradients of `moment`; None when nothing was."""
        if not self._calls:
            return None
        self._calls = [c for c in self._calls if not (c.overtaken and c.changed())]
        calls = [c for c in self._calls if id(moment.optimizer) in c.waiting]
        key = moment.layout.number, [(len(c.factors), list(map(id, c.parameters))) for c in calls]
        if key != self._assigned[0]:
            self._assigned = key, _assign(calls, moment)
        of_layer = self._assigned[1]
        if not any(of_layer):
            return None
        factors: list[Tensor | float] = []
        by_norm: set[int] = set()
        for call in calls:
            if call.by_norm:
                by_norm.update(range(len(factors), len(factors) + len(call.factors)))
            factors += call.factors
        return Cuts(factors, of_layer, frozenset(by_norm))

    def _add(self, parameters: list[Tensor], factors: list[Tensor | float], *, by_norm: bool) -> None:
        if len(self._calls) >= _MOST:
            self._calls.clear()
        call = _Call(parameters, factors, by_norm=by_norm)
        call.waiting.update(self._optimizers)
        self._calls.append(call)


def _norms(parameters: Iterable[Tensor], *, one: bool) -> Tensor | None:
    """Norms of the gradients, of distributed ones of the part that is here; with `one`, of the largest alone."""
    grads = [local(p.grad) for p in parameters if p.grad is not None]
    if one and grads:
        grads = [max(grads, key=Tensor.numel)]
    if not grads:
        return None
    norms = norms_of(grads, common_dtype(grads))
    device = norms[0].device
    return torch.stack([n.to(device) for n in norms])


def _coefficient(limit: float | Tensor, total: Tensor) -> Tensor | float:
    if total.device.type == "cpu" and total.dtype in _WIDE and not isinstance(limit, Tensor):
        return min(limit / (total.item() + 1e-6), 1.0)  # in this order a NaN stays one
    # As torch does it: in 16 bits the coefficient is rounded, and the rounded one is what acted.
    return torch.clamp(limit / (total + 1e-6), max=1.0)


def _assign(calls: Sequence[_Call], moment: Moment) -> list[list[int]]:
    places: dict[int, list[int]] = {id(p): [] for p in moment.active}
    first = 0
    for call in calls:
        single = len(call.factors) == 1
        for position, parameter in enumerate(call.parameters):
            own = places.get(id(local(parameter)))
            if own is not None:
                own.append(first if single else first + position)
        first += len(call.factors)
    return [places[id(p)] for p in moment.active]
