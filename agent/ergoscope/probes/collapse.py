"""Whether the last features of a classifier collapse to one point a class, and these points to a simplex."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.findings import Findings
from ergoscope.hearing.features import NOT_THE_HEAD, Features, alike, head_of
from ergoscope.hearing.listening import Ear
from ergoscope.hearing.logits import Scores, scores_of
from ergoscope.layers import Moment
from ergoscope.numerics.collapse import Collapse, Scatter
from ergoscope.numerics.histogram import stride
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remark, Remarks

LOOKS = 16  # steps one after the other of which a reading is made
CLASSES = 128
WIDTH = 2048  # features
FEWEST = 8  # examples of a class
_WORK = 1 << 30  # multiplications for the scatter of one look


class CollapseProbe:
    """NC1 to NC4 of the features that entered the last linear layer over 16 steps in a row (Papyan, Han, Donoho 2020).

    Features and labels are those of training: dropout is in them, and the weights move a little meanwhile. The layer
    must give the scores of the one cross-entropy of the loss, which is checked by working these out again. nc4 is
    counted over the second half of the steps, each held against the class means of the steps before it, with the head's
    own scores and so its true bias.

    Attributes:
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("nc1", "nc2_norm", "nc2_angle", "nc3", "nc4", "nc_examples")

    def __init__(self, model: nn.Module) -> None:
        """Find the last linear layer of `model`."""
        self.remarks = Remarks()
        head = head_of(model)
        self._features = None if head is None else Features(head)
        self._missed = ""
        self._clear()

    def _clear(self) -> None:
        self._scatter: Scatter | None = None
        self._steps = 0
        self._fresh = self._ends = False
        self._sums: Tensor | None = None  # examples on which head and means disagree, those judged, largest misfit

    def arm(self, ear: Ear) -> None:
        """Listen to the next step's forward passes."""
        if self._ends:  # what it ended was never measured
            self._clear()
        if self._features is not None:
            self._features.arm(ear)

    def rest(self) -> None:
        """The next step is not looked at: what this one leaves unfinished is dropped."""
        self._ends = self._scatter is not None

    def capture(self, roots: object) -> None:
        """A backward pass from `roots` is about to run, before which the features are those of its examples."""
        found = scores_of(roots)
        if len(found) != 1 or found[0].ignored is None:
            self.miss("a loss of one cross-entropy over classes, which torch itself computes, was not found")
            return
        (scores,) = found
        classes = scores.scores.shape[-1]
        if classes > CLASSES:
            self.miss(f"{classes:,} classes are more than {CLASSES}")
        elif self._features is None:
            self.miss("the model has no linear layer")
        elif self._features.head.in_features > WIDTH:
            self.miss(f"{self._features.head.in_features:,} features are more than {WIDTH:,}")
        else:
            features = self._features.take(scores)
            if isinstance(features, str):
                self.miss(features)
            else:
                self._add(self._features, features, scores)

    def miss(self, reason: str) -> None:
        """A backward pass runs that cannot be looked at, for a reason that the user is told once."""
        self._missed = reason
        self._clear()
        if self._features is not None:
            self._features.let_go()

    def _add(self, heard: Features, features: Tensor, scores: Scores) -> None:
        few = stride(len(features), max(1, _WORK // features.shape[1] ** 2))
        features, given, labels = features[::few], scores.scores[::few].detach(), scores.targets[::few]
        classes = given.shape[1]
        if self._scatter is None or self._sums is None:
            self._scatter = Scatter(classes, features.shape[1], features.device)
            self._sums = torch.zeros(3, dtype=torch.float32, device=features.device)
        counting = torch.ne(labels, -1 if scores.ignored is None else scores.ignored).float()
        labels = labels.clamp(0, classes - 1)
        if 2 * self._steps >= LOOKS:
            agree = torch.eq(given.argmax(1), self._scatter.nearest(features))
            self._sums[0] += (counting * ~agree).sum()
            self._sums[1] += counting.sum()
        self._scatter.add(features, labels, counting)
        self._sums[2] = torch.maximum(self._sums[2], heard.misfit(features, given))
        self._fresh = True

    def measure(self, moment: Moment) -> Reading | None:
        """What 16 steps in a row have shown, after the last of them; None after the others."""
        del moment
        fresh, self._fresh = self._fresh, False
        self._steps += fresh
        scatter, sums = self._scatter, self._sums
        if self._missed:
            missed, self._missed = self._missed, ""
            self._tell(missed)
        if scatter is None or sums is None or self._features is None:
            return None
        reading = None
        if self._steps == LOOKS:
            values = torch.cat([sums, scatter.summary(self._features.head.weight)])
            reading = Reading(values, partial(self._read, len(scatter.counts)))
        if self._ends or reading is not None:
            self._clear()
        return reading

    def _read(self, classes: int, values: Sequence[float], findings: Findings) -> None:
        wrong, judged, misfit, *numbers = values
        if math.isnan(misfit):
            return  # what is not finite is told elsewhere
        if not alike(misfit):
            self._tell(NOT_THE_HEAD)
            return
        found = Collapse.of(numbers, classes)
        findings.scalars["nc_examples"] = float(found.examples)
        if found.examples < FEWEST:
            self._tell(f"a class was shown fewer than {FEWEST} times in {LOOKS} steps")
            return
        findings.scalars["nc1"] = found.within
        findings.scalars["nc2_norm"] = found.lengths
        findings.scalars["nc2_angle"] = found.angles
        findings.scalars["nc3"] = found.head
        if judged:
            findings.scalars["nc4"] = wrong / judged

    def _tell(self, reason: str) -> None:
        quantities = [name for name in self.produces if name != "nc_examples"]
        self.remarks.tell(Remark(f"collapse is not measured: {reason}", absent=True, quantities=quantities))
