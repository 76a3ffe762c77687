"""Shape of the distributions of gradients, weights and their moves, one layer a step."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.numerics.histogram import SLOTS, count_exponents, sample_entries, to_histogram
from ergoscope.probes.probe import Reading
from ergoscope.probes.update import UpdateProbe


class HistogramProbe:
    """Histograms over binary exponents of one layer's gradient and weights; the next call takes the next layer."""

    produces: ClassVar[tuple[str, ...]] = ("grad_hist", "weight_hist")

    def __init__(self) -> None:
        """Begin with the first layer."""
        self._next = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Counts of the layer whose turn it is; layers without a gradient are passed over."""
        if not moment.active:
            return None
        at = self._next % len(moment.active)
        self._next = at + 1
        gradient, weights = moment.grads[at], moment.active[at]
        counts = torch.cat([count_exponents(gradient), count_exponents(weights).to(gradient.device)])
        return Reading(counts, partial(_read, ("grad_hist", "weight_hist"), moment.layout.moved[at], _size(weights)))


class UpdateHistogramProbe:
    """Histogram over binary exponents of the change of one layer's weights; the next call takes the next layer.

    Taken of what the norm of the update was taken of, so there is none at steps at which that was not due.
    """

    produces: ClassVar[tuple[str, ...]] = ("update_hist",)

    def __init__(self, update: UpdateProbe) -> None:
        """Look at the change that `update` found; begin with the first layer."""
        self._update = update
        self._next = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Counts of the layer whose turn it is; layers without a gradient are passed over."""
        if not moment.active or self._update.moved is None:
            return None
        tensors, factors = self._update.moved
        at = self._next % len(tensors)
        self._next = at + 1
        counts = count_exponents(sample_entries(tensors[at]) * -factors[at])
        return Reading(counts, partial(_read, ("update_hist",), moment.layout.moved[at], _size(moment.active[at])))


def _size(tensor: Tensor) -> int:
    return tensor.numel() * (1 + tensor.is_complex())


def _read(keys: tuple[str, ...], name: str, size: int, values: Sequence[float], findings: Findings) -> None:
    for number, key in enumerate(keys):
        counts = values[number * SLOTS : (number + 1) * SLOTS]
        findings.records.append(to_histogram(counts, key=f"{key}/{name}", step=findings.step, size=size))
