"""One step, seen from one batch: what the slope promised, and what became of the loss."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ergoscope.curvature.parts import split
from ergoscope.curvature.reach import Number
from ergoscope.curvature.vectors import wide_dtype

_PIECE = {"cpu": 1 << 16}  # entries that are made wider at once: in the processor's cache there, in few calls elsewhere
_LONG_PIECE = 1 << 22


class Passage:
    """Begun before a step Δ and ended after it; holds one vector of the parameters' size meanwhile.

    G·Δ is G·w after the step less G·w before it, in fp64, so that neither Δ nor a copy of the weights is needed. On
    Apple's devices, that have fp32 only, it is off by about 1e-7 ‖w‖/‖Δ‖ of itself.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        gradient: Tensor,
        decays: Sequence[Number],
        *,
        rise: Callable[[], Tensor],
        scale: Tensor | None = None,
    ) -> None:
        """Begin before the step.

        Args:
            parameters: Those that it moves.
            gradient: G of the batch, shape (size,); written over.
            decays: Of each parameter the λ of a penalty ½λ‖w‖² that belongs to what the optimizer lowers.
            rise: Gives, after the step, how far the loss of the batch is above what it was before.
            scale: What G is to be divided by.
        """
        if scale is not None:
            gradient.div_(scale)
        self._parameters, self._rise = tuple(parameters), rise
        self._slopes = split(gradient, parameters)
        self._burdened: list[tuple[Tensor, Number]] = []
        for parameter, slope, decay in zip(parameters, self._slopes, decays, strict=True):
            if isinstance(decay, Tensor) or decay:
                slope.add_(parameter.detach() * decay)
                self._burdened.append((parameter, decay))
        self._level = self._along()
        self._penalty = self._burden()

    def promised(self) -> Tensor:
        """G·Δ of the step that is done, penalties included; lets go of G."""
        promised = self._along() - self._level
        self._slopes = []
        return promised

    def rise(self) -> Tensor:
        """F(w + Δ) − F(w), penalties included."""
        return self._rise() + (self._burden() - self._penalty)

    def _along(self) -> Tensor:
        return inner(self._slopes, self._parameters)

    def _burden(self) -> Tensor:
        parts = [0.5 * decay * inner([parameter], [parameter]) for parameter, decay in self._burdened]
        return torch.stack(parts).sum() if parts else torch.zeros_like(self._level)


def inner(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """Sum of products of all entries, but for the rounding of fp64 (fp32 on Apple's devices); on the device, if any.

    Example:
        >>> float(inner([torch.tensor([1.0, 2.0])], [torch.tensor([3.0, 4.0])]))
        11.0
    """
    if not one:
        return torch.zeros((), dtype=torch.float64)
    device = one[0].device
    wide, piece = wide_dtype(device), _PIECE.get(device.type, _LONG_PIECE)
    with torch.no_grad():
        sums = [
            torch.dot(a.to(wide), b.to(wide))
            for x, y in zip(one, other, strict=True)
            for a, b in zip(torch.split(x.reshape(-1), piece), torch.split(y.reshape(-1), piece), strict=True)
        ]
        return torch.stack(sums).sum()
