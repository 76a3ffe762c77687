"""What diffGrad would make of a step."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Column, Findings
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.histogram import stride
from ergoscope.numerics.products import in_order_of_memory
from ergoscope.probes.probe import Reading

_PART = 100  # one entry of so many is looked at
_LEAST = 1024  # but so many of a layer at least, or all that it has
_MOST = 32_768  # and so many at most
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """The chosen entries of all gradients in one vector, `lengths` of each; `strides` tell how the gradients lay."""

    layout: Layout
    strides: list[tuple[int, ...]]
    lengths: list[int]
    entries: Tensor


class FrictionProbe:
    """Mean of 1/(1 + exp(-|g_t - g_(t-1)|)) over entries of the gradients of two successive steps.

    That factor multiplies each entry of the step in diffGrad (Dubey et al. 2019). It is taken of 1 % of a layer's
    entries, of at least 1,024 or all there are, at most 32,768: every n-th in the order of memory from a place drawn
    with a seed, always the same ones. The factor lies in [1/2, 1], so its mean over m entries has an error of at most
    1/(4 sqrt(m)). Gradients that are sparse or complex have none, nor have those on several devices.
    """

    produces: ClassVar[tuple[str, ...]] = ("friction",)

    def __init__(self) -> None:
        """Begin without a gradient."""
        self._held: _Sample | None = None
        self._read_at: int | None = None  # the step of the newest sample that was read
        self._chosen: dict[int, slice] = {}  # by size of the layer

    def measure(self, moment: Moment) -> Reading | None:
        """Compare with the last sample; whether that is of the step before is known when it is read."""
        before, self._held = self._held, self._sample(moment)
        now = self._held
        if now is None:
            return None
        alike = before is not None and before.layout is now.layout and before.strides == now.strides
        if before is None or not alike:
            return Reading(torch.empty(0), partial(self._read, None))
        factors = before.entries.sub_(now.entries).abs_().sigmoid_()
        # Of positive numbers the 1-norm is the sum; so all layers are summed in one call.
        sums = torch._foreach_norm(list(factors.split_with_sizes(now.lengths)), 1)
        return Reading(sums, partial(self._read, now))

    def _sample(self, moment: Moment) -> _Sample | None:
        grads = moment.grads
        if not grads or any(
            g.layout != torch.strided or g.is_complex() or g.device != grads[0].device or not g.numel() for g in grads
        ):
            return None
        parts = [in_order_of_memory(g)[self._choice(g.numel())].float() for g in grads]
        lengths = [p.numel() for p in parts]
        return _Sample(moment.layout, [g.stride() for g in grads], lengths, torch.cat(parts))

    def _choice(self, size: int) -> slice:
        choice = self._chosen.get(size)
        if choice is None:
            step = stride(size, min(max(size // _PART, _LEAST), _MOST))
            choice = self._chosen[size] = slice(random.Random(_SEED + size).randrange(step), None, step)
        return choice

    def _read(self, sample: _Sample | None, values: Sequence[float], findings: Findings) -> None:
        before, self._read_at = self._read_at, findings.step
        if sample is None or before != findings.step - 1:
            return
        layout = sample.layout
        if layout.layered:
            means = [total / count for total, count in zip(values, sample.lengths, strict=True)]
            findings.columns.append(Column("friction", layout.number, layout.moved, means))
        findings.add_parts("friction", (sum(values), sum(sample.lengths)), lambda sums: sums[0] / sums[1])
