"""Size of the gradient before and after clipping, and how many of its entries are not numbers."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.hearing.clipping import Clips, Cuts
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.norms import dense_entries, norms_of
from ergoscope.probes.probe import Reading

_UNCOUNTED = -1.0
_WATCHFUL = 100  # steps on which entries are counted after a bad one, where counting cannot wait for a look


class GradientProbe:
    """Norm of the gradient before and after clipping, by layer and in all, and its count of NaN and infinite entries.

    It is taken of what the optimizer used, after clipping. The norm before is that over the factors which the clip
    calls multiplied by, as `Clips` heard of them; they go out with the reading. Without a clip call the two are one,
    and only `grad_norm` is given. Clipping that `Clips` does not hear of is not undone.

    A norm is finite exactly when all entries are, but for squares that overflow. So the count costs nothing while
    norms are finite. When one is not: on the CPU the entries are counted at once, and a norm that only overflowed is
    taken again in fp64. On other devices the host learns of it a step later; that step's count is then the number of
    layers concerned, a lower bound, and the entries of the next 100 steps are counted on the device.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "grad_norm",
        "grad_norm_clipped",
        "clip_coef",
        "nonfinite_count",
    )

    def __init__(self, clips: Clips) -> None:
        """Undo what `clips` heard of."""
        self._clips = clips
        self._watchful = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Norms of the layers that have a gradient, then factors; on a device the count, or -1, is the last value."""
        grads, layout = moment.grads, moment.layout
        if not grads:
            return None
        norms = norms_of(grads, layout.grad_dtype)
        cuts = self._clips.of(moment)
        factors = [] if cuts is None else cuts.factors
        if norms[0].device.type != "cpu":
            return Reading([*norms, *factors, self._counted(grads)], partial(self._read_device, layout, cuts))  # type: ignore[arg-type]  # both kinds may be mixed
        numbers, count = [n.item() for n in norms], 0.0
        if not math.isfinite(sum(numbers)):
            count = float(sum(int(_bad_entries(g)) for g in grads))
            numbers = [float(torch.linalg.vector_norm(dense_entries(g), dtype=_wide(g))) for g in grads]
        known = [f.item() if isinstance(f, Tensor) else f for f in factors]
        return Reading(numbers + known, partial(_read, layout, cuts, count))

    def _counted(self, grads: list[Tensor]) -> Tensor:
        device = grads[0].device
        if not self._watchful:
            return torch.full((), _UNCOUNTED, device=device)
        self._watchful -= 1
        return torch.stack([_bad_entries(g).to(device) for g in grads]).sum().float()

    def _read_device(self, layout: Layout, cuts: Cuts | None, values: Sequence[float], findings: Findings) -> None:
        count = values[-1]
        if count == _UNCOUNTED:
            count = float(sum(not math.isfinite(n) for n in values[: len(layout.moved)]))
            if count:
                self._watchful = _WATCHFUL
        _read(layout, cuts, count, values[:-1], findings)


def _read(layout: Layout, cuts: Cuts | None, count: float, values: Sequence[float], findings: Findings) -> None:
    findings.add_count("nonfinite_count", count)
    norms, factors = values[: len(layout.moved)], values[len(layout.moved) :]
    if cuts is None:
        findings.add_norms("grad_norm", layout, layout.moved, norms)
        findings.add_squares("grad_norm_unclipped", sum([n * n for n in norms]))
        return
    findings.add_norms("grad_norm", layout, layout.moved, cuts.before(norms, factors))
    findings.add_norms("grad_norm_clipped", layout, layout.moved, norms)
    coefficient = cuts.coefficient(factors)
    if coefficient is not None:
        so_far = findings.scalars.get("clip_coef", 1.0)
        findings.scalars["clip_coef"] = min(coefficient, so_far)  # in this order a NaN stays one


def _bad_entries(grad: Tensor) -> Tensor:
    entries = dense_entries(grad)
    return entries.numel() - torch.isfinite(entries).sum()


def _wide(grad: Tensor) -> torch.dtype:
    return torch.complex128 if grad.is_complex() else torch.float64
