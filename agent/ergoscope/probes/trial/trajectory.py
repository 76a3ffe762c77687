"""How much the answers to a fixed batch have changed from one reading to the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.curvature.divergence import output_change, trajectory_kl
from ergoscope.findings import Findings
from ergoscope.hearing.logits import Scores, scores_of
from ergoscope.hearing.residuals import residuals_of
from ergoscope.numerics.histogram import stride
from ergoscope.remark import Remark

_ENTRIES = 1 << 20  # that are kept: 4 MiB in fp32
_SOFT = 5.0  # the second temperature, that of Du et al. (2022)


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """What a model made of a batch.

    rows: logits, shape (n, classes); of a regression answers less targets, shape (n, outputs).
    counted: which rows count, shape (n,); None where all do.
    """

    rows: Tensor
    counted: Tensor | None
    regression: bool = False

    def matches(self, other: "_Answers") -> bool:
        """Whether both are of the same examples, as far as that can be seen."""
        here, there = self.rows, other.rows
        return (self.regression, here.shape, here.device) == (other.regression, there.shape, there.device)

    def since(self, before: "_Answers") -> list[Tensor]:
        """How far these are from those before, at both temperatures."""
        if not self.regression:
            return [trajectory_kl(before.rows, self.rows, temperature=t, mask=self.counted) for t in (1.0, _SOFT)]
        change = output_change(before.rows, self.rows, variance=self.rows.square().mean())
        return [change, torch.full_like(change, torch.nan)]


class Trajectory:
    """Compares the answers of one reading with those of the reading before.

    They are what the graph of the loss has saved. Of a cross-entropy, with two sides or many, the divergence of the
    distributions is taken, of a squared error the change of the answers in units of what they leave unexplained. Of
    more than a million entries every n-th example is kept, in fp32 and on its device: half precision would add the
    square of its rounding, which is as large as what happens in a few steps.

    Attributes:
        moved: Of the last reading the divergence at temperatures 1 and 5, without dimensions, on the device. Of a
            regression the second is NaN, at the first reading and where the answers cannot be read both are.
    """

    produces: ClassVar[tuple[str, ...]] = ("trajectory_kl", "trajectory_kl_soft")

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Begin without a reading; `tell` lets the user know, once of each text."""
        self.moved: list[Tensor] = []
        self._tell = tell
        self._before: _Answers | None = None

    def follow(self, loss: Tensor) -> None:
        """Take the answers that a loss, with its graph, was made of, and compare them."""
        now, before = _answers_of(loss), self._before
        self._before = now
        none = torch.full((), torch.nan, device=loss.device)
        self.moved = [none, none]
        if now is None:
            text = (
                "how fast the answers change is not measured: no cross-entropy or squared error that torch itself "
                "computes, and that can be read, was found near the loss of the probe batch"
            )
            self._tell(Remark(text, absent=True, quantities=list(self.produces)))
        elif before is not None and now.matches(before):
            self.moved = now.since(before)

    def read(self, values: Sequence[float], findings: Findings) -> None:
        """Add what `moved` was, on the host by now, to a step's findings; what is NaN is absent."""
        for metric, value in zip(self.produces, values, strict=True):
            if value == value:
                findings.scalars[metric] = value


def _answers_of(loss: Tensor) -> _Answers | None:
    scores = scores_of(loss)
    if len(scores) == 1:
        return _of_scores(scores[0])
    residuals = None if scores else residuals_of(loss)
    if residuals is None or not residuals.numel():
        return None
    rows = residuals.reshape(len(residuals), -1) if residuals.dim() else residuals.reshape(1, 1)
    return _Answers(rows[_sample(rows)].to(torch.float32, copy=True), None, regression=True)


def _of_scores(found: Scores) -> _Answers:
    rows, counted = found.scores, None
    if found.ignored is None:
        rows = F.pad(rows[:, None], (0, 1))  # the other side's logit is 0
    else:
        counted = (found.targets != found.ignored)[_sample(rows)]
    return _Answers(rows[_sample(rows)].to(torch.float32, copy=True), counted)


def _sample(rows: Tensor) -> slice:
    return slice(None, None, stride(len(rows), max(1, _ENTRIES // rows.shape[1])))
