"""Moments of the distributions of weights and gradients, one layer at a time, and the extremes of all layers."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from torch import Tensor

from ergoscope.findings import Column, Findings
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.histogram import sample_entries
from ergoscope.numerics.moments import moments_of
from ergoscope.numerics.norms import norms_of
from ergoscope.probes.probe import Reading

_MOMENTS = 6  # three of the weights, three of the gradient


class MomentsProbe:
    """Largest magnitude of every layer's weights and gradient; mean, standard deviation and kurtosis of one layer.

    The largest magnitudes are of all entries, by layer and over the model; of the gradient as the optimizer used it.
    The moments are taken of the same entries as the histograms: all of a small layer, 32,768 of a larger one. The next
    call takes the next layer that has a gradient. The kurtosis of equal entries does not exist and is left out.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "weight_mean",
        "weight_sd",
        "kurtosis",
        "grad_kurtosis",
        "weight_maxabs",
        "grad_maxabs",
    )

    def __init__(self) -> None:
        """Begin with the first layer."""
        self._next = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Largest magnitudes, and moments of the layer whose turn it is."""
        if not moment.active:
            return None
        layout = moment.layout
        at = self._next % len(moment.active)
        self._next = at + 1
        weights = norms_of(moment.parameters, layout.weight_dtype, order=math.inf)
        gradients = norms_of(moment.grads, layout.grad_dtype, order=math.inf)
        moments = _moments(moment.active[at], moment.grads[at])
        name = layout.moved[at] if moments else None
        return Reading([*moments, *weights, *gradients], partial(_read, layout, name))


def _moments(weights: Tensor, gradient: Tensor) -> list[Tensor]:
    """Of a layer's weights and gradient; of a layer without entries none."""
    samples = [sample_entries(weights), sample_entries(gradient)]
    if not all(sample.numel() for sample in samples):
        return []
    return [moment for sample in samples for moment in moments_of(sample).unbind()]


def _read(layout: Layout, name: str | None, values: Sequence[float], findings: Findings) -> None:
    if name is not None:
        _read_moments(name, values, findings)
        values = values[_MOMENTS:]
    count = len(layout.names)
    _read_largest("weight_maxabs", layout, layout.names, values[:count], findings)
    _read_largest("grad_maxabs", layout, layout.moved, values[count:], findings)


def _read_moments(name: str, values: Sequence[float], findings: Findings) -> None:
    mean, spread, kurtosis, _, gradient_spread, gradient_kurtosis = values[:_MOMENTS]
    found = {"weight_mean": mean, "weight_sd": spread}
    if spread != 0:
        found["kurtosis"] = kurtosis
    if gradient_spread != 0:
        found["grad_kurtosis"] = gradient_kurtosis
    findings.rows.append((tuple([f"{key}/{name}" for key in found]), list(found.values())))


def _read_largest(
    metric: str, layout: Layout, names: Sequence[str], values: Sequence[float], findings: Findings
) -> None:
    for value in values:
        findings.add_largest(metric, value)
    findings.scalars[metric] = findings.largest[metric]
    if layout.layered:
        findings.columns.append(Column(metric, layout.number, names, values))
