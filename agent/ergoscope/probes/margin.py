"""How clearly the right answers win, with the scale of the weights taken out."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.findings import Findings
from ergoscope.hearing.homogeneity import degree_of
from ergoscope.hearing.logits import Scores, scores_of
from ergoscope.layers import Moment
from ergoscope.numerics.margins import margins_of_classes, margins_of_signs, pooled
from ergoscope.numerics.norms import common_dtype, norms_of
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remark, Remarks

_PASSES = 64  # backward passes of one step that are looked at
_LARGEST = 700.0  # logarithm of a scale that a double still divides by


class MarginProbe:
    """Margins of the examples of a step, pooled over its backward passes, from the scores that the loss has saved.

    The margin q of an example is f_y - max f_j over the other classes, or (2y - 1) f for answers with two sides.

    - `normalized_margin`: the smallest q over |w|^L.
    - `smoothed_margin`: log(1 / sum of losses) over |w|^L, the sum over the examples of the step. A loss here is
      log(1 + sum of e^(f_j - f_y)), whatever weights or smoothing the job's own has.
    - `margin_quantile`: the q below which a tenth of the examples lie, as it is.

    w are all parameters before the step and L the degree to which the model is homogeneous in them. Where that is not
    known, as with biases, normalization and residual connections, the product of the norms of the weights with two or
    more dimensions stands for |w|^L; a text says which of both, and why.

    Attributes:
        remarks: What the user is to be told.
        classes: How many the scores seen last tell apart; None before there were any.
    """

    produces: ClassVar[tuple[str, ...]] = ("normalized_margin", "smoothed_margin", "margin_quantile")

    def __init__(self, model: nn.Module) -> None:
        """Find out how the outputs of `model` scale with its weights."""
        self.classes: int | None = None
        self.remarks = Remarks()
        self._model = model
        self._degree, self._why = degree_of(model)
        self._margins: list[Tensor] = []
        self._slacks: list[Tensor] = []
        self._shares: list[float] = []
        self._size: Tensor | None = None  # mean logarithm of the norms that the margins are divided by
        self._power = 0.0  # how many of them
        self._missed = ""

    def capture(self, roots: object) -> None:
        """A backward pass from `roots` is about to run, before which the weights are those of its examples."""
        if len(self._margins) >= _PASSES:
            return
        found = scores_of(roots)
        if not found:
            self.miss("no cross-entropy that torch itself computes, and that can be read, was found near the loss")
            return
        self.classes = 2 if found[0].ignored is None else found[0].scores.shape[-1]
        for scores in found:
            margins, slacks = _margins(scores)
            self._margins.append(margins)
            self._slacks.append(slacks)
            self._shares.append(scores.share)
        if self._size is None:
            self._size, self._power = self._measure_size()

    def miss(self, reason: str) -> None:
        """A backward pass runs whose scores cannot be had, for a reason that the user is told once."""
        self._missed = reason

    def measure(self, moment: Moment) -> Reading | None:
        """The margins seen since the last call; None when there were none."""
        del moment
        margins, slacks, shares, size = self._margins, self._slacks, self._shares, self._size
        self._margins, self._slacks, self._shares, self._size = [], [], [], None
        missed, self._missed = self._missed, ""
        if not margins or size is None:
            if missed:
                self.remarks.tell(Remark(f"margins are absent: {missed}", absent=True))
            return None
        values = pooled(margins, slacks, shares)
        values = torch.cat([values, size.to(values.device, torch.float32).reshape(1)])
        return Reading(values, partial(self._read, self._power))

    def _measure_size(self) -> tuple[Tensor, float]:
        parameters = [p.detach() for p in self._model.parameters() if self._degree or p.dim() > 1]
        if not parameters:
            return torch.zeros(()), 0.0
        norms = norms_of(parameters, common_dtype(parameters))
        together = torch.stack([n.to(norms[0].device, torch.float32) for n in norms])
        if self._degree:
            return torch.linalg.vector_norm(together).log(), float(self._degree)
        return together.log().mean(), float(len(parameters))

    def _read(self, power: float, values: Sequence[float], findings: Findings) -> None:
        least, tenth, smooth, size = values
        if least == math.inf:
            return  # nothing but targets that do not count
        findings.scalars["margin_quantile"] = tenth
        self.remarks.tell(f"margins are divided by {self._divisor(power)}")
        if abs(power * size) > _LARGEST:
            text = "normalized margins are absent: what they are divided by is zero or too large for a number"
            self.remarks.tell(Remark(text, absent=True, quantities=["normalized_margin", "smoothed_margin"]))
            return
        scale = math.exp(-power * size)
        findings.scalars["normalized_margin"] = least * scale
        findings.scalars["smoothed_margin"] = smooth * scale

    def _divisor(self, power: float) -> str:
        if self._degree:
            return f"‖w‖^{self._degree}: the model is homogeneous of that degree in its weights"
        return f"the product of the norms of {power:.0f} weight tensors: {self._why}"


def _margins(scores: Scores) -> tuple[Tensor, Tensor]:
    if scores.ignored is None:
        return margins_of_signs(scores.scores, scores.targets)
    return margins_of_classes(scores.scores, scores.targets, scores.ignored)
