"""Moments of the distributions of weights and gradients, one layer at a time."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch

from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.numerics.histogram import sample_entries
from ergoscope.numerics.moments import moments_of
from ergoscope.probes.probe import Reading


class MomentsProbe:
    """Mean, standard deviation and excess kurtosis of one layer's weights, and the kurtosis of its gradient.

    Taken of the same entries as the histograms: all of a small layer, 32,768 of a larger one. The next call takes the
    next layer that has a gradient. The kurtosis of equal entries does not exist and is left out.
    """

    produces: ClassVar[tuple[str, ...]] = ("weight_mean", "weight_sd", "kurtosis", "grad_kurtosis")

    def __init__(self) -> None:
        """Begin with the first layer."""
        self._next = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Moments of the layer whose turn it is."""
        if not moment.active:
            return None
        at = self._next % len(moment.active)
        self._next = at + 1
        weights, gradient = sample_entries(moment.active[at]), sample_entries(moment.grads[at])
        if not (weights.numel() and gradient.numel()):
            return None
        moments = torch.cat([moments_of(weights), moments_of(gradient).to(weights.device)])
        return Reading(moments, partial(_read, moment.layout.moved[at]))


def _read(name: str, values: Sequence[float], findings: Findings) -> None:
    mean, spread, kurtosis, _, gradient_spread, gradient_kurtosis = values
    found = {"weight_mean": mean, "weight_sd": spread}
    if spread != 0:
        found["kurtosis"] = kurtosis
    if gradient_spread != 0:
        found["grad_kurtosis"] = gradient_kurtosis
    findings.rows.append((tuple([f"{key}/{name}" for key in found]), list(found.values())))
