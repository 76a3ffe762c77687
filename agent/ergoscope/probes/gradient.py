"""Size of the gradient, and how many of its entries are not numbers."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.layers import Layout, Moment
from ergoscope.norms import dense_entries, norms_of
from ergoscope.probes.probe import Reading

_UNCOUNTED = -1.0
_WATCHFUL = 100  # steps on which entries are counted after a bad one, where counting cannot wait for a look


class GradientProbe:
    """Norm of the gradient as the optimizer used it, by layer and in all, and its count of NaN and infinite entries.

    A norm is finite exactly when all entries are, but for squares that overflow. So the count costs nothing while
    norms are finite. When one is not: on the CPU the entries are counted at once, and a norm that only overflowed is
    taken again in fp64. On other devices the host learns of it a step later; that step's count is then the number of
    layers concerned, a lower bound, and the entries of the next 100 steps are counted on the device.
    """

    produces: ClassVar[tuple[str, ...]] = ("grad_norm", "nonfinite_count")

    def __init__(self) -> None:
        """Begin without a bad step seen."""
        self._watchful = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Norms of the layers that have a gradient; on a device the count, or -1, is the last value."""
        grads, layout = moment.grads, moment.layout
        if not grads:
            return None
        norms = norms_of(grads, layout.grad_dtype)
        if norms[0].device.type != "cpu":
            return Reading([*norms, self._counted(grads)], partial(self._read_device, layout))
        numbers, count = [n.item() for n in norms], 0.0
        if not math.isfinite(sum(numbers)):
            count = float(sum(int(_bad_entries(g)) for g in grads))
            numbers = [float(torch.linalg.vector_norm(dense_entries(g), dtype=_wide(g))) for g in grads]
        return Reading(numbers, partial(_read, layout, count))

    def _counted(self, grads: list[Tensor]) -> Tensor:
        device = grads[0].device
        if not self._watchful:
            return torch.full((), _UNCOUNTED, device=device)
        self._watchful -= 1
        return torch.stack([_bad_entries(g).to(device) for g in grads]).sum().float()

    def _read_device(self, layout: Layout, values: Sequence[float], findings: Findings) -> None:
        norms, count = values[:-1], values[-1]
        if count == _UNCOUNTED:
            count = float(sum(not math.isfinite(n) for n in norms))
            if count:
                self._watchful = _WATCHFUL
        _read(layout, count, norms, findings)


def _read(layout: Layout, count: float, norms: Sequence[float], findings: Findings) -> None:
    findings.add_count("nonfinite_count", count)
    findings.add_norms("grad_norm", layout, layout.moved, norms)


def _bad_entries(grad: Tensor) -> Tensor:
    entries = dense_entries(grad)
    return entries.numel() - torch.isfinite(entries).sum()


def _wide(grad: Tensor) -> torch.dtype:
    return torch.complex128 if grad.is_complex() else torch.float64
