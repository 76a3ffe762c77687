"""One step, seen from one batch: what the slope promised, and what became of the loss."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.curvature.parts import split
from ergoscope.curvature.reach import Number
from ergoscope.curvature.vectors import wide_dtype
from ergoscope.probes.trial.stand import Stand

_PIECE = 1 << 22  # entries that are made wider at once


class Passage:
    """Begun before a step Δ and ended after it; holds one vector of the parameters' size meanwhile.

    G·Δ is G·w after the step less G·w before it, in fp64, so that neither Δ nor a copy of the weights is needed. On
    Apple's devices, that have fp32 only, it is off by about 1e-7 ‖w‖/‖Δ‖ of itself.
    """

    def __init__(self, stand: Stand, decays: Sequence[Number]) -> None:
        """Begin where the batch stands.

        Args:
            stand: Its gradient is written over.
            decays: Of each parameter the λ of a penalty ½λ‖w‖² that belongs to what the optimizer lowers.
        """
        self._stand = stand
        self._slopes = split(stand.gradient, stand.parameters)
        each = zip(stand.parameters, self._slopes, decays, strict=True)
        self._burdened: list[tuple[Tensor, Number]] = []
        for parameter, slope, decay in each:
            if isinstance(decay, Tensor) or decay:
                slope.add_(parameter.detach() * decay)
                self._burdened.append((parameter, decay))
        self._level, self._penalty = self._along(), self._burden()

    def end(self) -> tuple[Tensor, Tensor]:
        """G·Δ and F(w + Δ) − F(w) of the step that is done, penalties included."""
        change = self._stand.rise() + (self._burden() - self._penalty)
        return self._along() - self._level, change

    def _along(self) -> Tensor:
        return _inner(self._slopes, self._stand.parameters)

    def _burden(self) -> Tensor:
        parts = [0.5 * decay * _inner([parameter], [parameter]) for parameter, decay in self._burdened]
        return torch.stack(parts).sum() if parts else torch.zeros_like(self._stand.loss)


def _inner(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """Sum of products of all entries, but for the rounding of fp64."""
    wide = wide_dtype(one[0].device)
    with torch.no_grad():
        sums = [
            (a.to(wide) * b.to(wide)).sum()
            for x, y in zip(one, other, strict=True)
            for a, b in zip(torch.split(x.reshape(-1), _PIECE), torch.split(y.reshape(-1), _PIECE), strict=True)
        ]
        return torch.stack(sums).sum()
