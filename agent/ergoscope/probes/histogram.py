"""Shape of the distributions of gradients and weights, one layer a step."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch

from ergoscope.findings import Findings
from ergoscope.histogram import SLOTS, count_exponents, to_histogram
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading


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
        return Reading(counts, partial(_read, moment.layout.moved[at], weights.numel() * (1 + weights.is_complex())))


def _read(name: str, size: int, values: Sequence[float], findings: Findings) -> None:
    for key, counts in (("grad_hist", values[:SLOTS]), ("weight_hist", values[SLOTS:])):
        record = to_histogram(counts, key=f"{key}/{name}", step=findings.step, size=size)
        findings.records.append(record)
