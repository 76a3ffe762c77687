"""The norm of the gradient over a fixed batch: the slope of what is trained, whatever batches the steps use."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.guard import guarded, ran_out_of_memory
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.parts import join
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.findings import Findings
from ergoscope.layers import Moment, parameters_of
from ergoscope.numerics.debias import split_by_parts
from ergoscope.probes.probe import Reading
from ergoscope.probes.trial.trial import backward_hooks
from ergoscope.remark import Remark, Remarks

PARTS = 8
_FEWEST = 2  # parts; and examples of one


class FullGradientProbe:
    """‖∇F‖ of the loss that the user's fixed batch is drawn from, by the gradients of eight equal parts of it.

    The mean of m parts has the square ‖G‖² + s²/m on average, s² the trace of the parts' sample covariance, which is
    taken off. A gradient of each part is worked out right after the step of the first optimizer, in the mode that the
    model is in and with batch statistics of the part, over all parameters that are trained. Draws are those of a seed
    for each part, the same at every reading. What fails is told and not tried again.

    Attributes:
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("grad_norm_full", "grad_sq_norm_full")

    def __init__(
        self, objective: Objective | None, optimizers: Sequence[Optimizer], *, clock: Callable[[], float]
    ) -> None:
        """Prepare to run a batch.

        Args:
            objective: What is run; None measures nothing.
            optimizers: Those of the job.
            clock: Seconds that only grow.
        """
        self.remarks = Remarks()
        self._optimizers = optimizers
        self._stopwatch = Stopwatch(clock)
        self._parts: list[Objective] = []
        if objective is not None:
            count = min(PARTS, (objective.rows or 0) // _FEWEST)
            self._parts = objective.parts(count) if count >= _FEWEST else []
            if not self._parts:
                self._stop("it has too few examples to be divided, or how many cannot be told")

    def overtime(self) -> float:
        """Seconds that runs of the batch took of the device beyond those of the host, as far as they are over."""
        return self._stopwatch.overtime()

    def measure(self, moment: Moment) -> Reading | None:
        """Work the gradients out, once for all optimizers."""
        if not self._parts or moment.optimizer is not self._optimizers[0]:
            return None
        try:
            with self._stopwatch.lap(moment.parameters[0].device):
                norms = self._norms()
        except Exception as error:
            said = (str(error) or type(error).__name__).partition("\n")[0]
            self._stop("there is no memory for it" if ran_out_of_memory(error) else said)
            return None
        model, size = self._parts[0].model, self._parts[0].rows
        mode = "training" if model.training else "evaluation"
        how = f"of {len(self._parts)} parts of {size} examples of the fixed batch, in {mode} mode"
        return Reading(norms, partial(self._read, len(self._parts), how))

    def _norms(self) -> list[Tensor]:
        """Of the sum of the parts' gradients, and of all of them laid end to end."""
        trained = [p for optimizer in self._optimizers for p in parameters_of(optimizer) if p.requires_grad]
        reason = self._parts[0].obstacle() or backward_hooks(self._parts[0].model)
        if not reason and any(p._backward_hooks for p in trained):
            reason = "a parameter has hooks of the job's own"
        if reason:
            raise ValueError(reason)
        total, lengths = torch.zeros(()), list[Tensor]()
        for seed, part in enumerate(self._parts):
            with guarded(part.model, seed=seed), torch.enable_grad():
                found = torch.autograd.grad(part.mean(), trained, allow_unused=True)
            gradient = join(found, trained)
            lengths.append(torch.linalg.vector_norm(gradient))
            total = gradient if not seed else total.add_(gradient)
        return [torch.linalg.vector_norm(total), torch.linalg.vector_norm(torch.stack(lengths))]

    def _read(self, count: int, how: str, values: Sequence[float], findings: Findings) -> None:
        whole, parts = ((value / count) ** 2 for value in values)
        square = split_by_parts(whole, parts, count).slope
        findings.scalars["grad_sq_norm_full"] = square
        findings.scalars["grad_norm_full"] = max(square, 0.0) ** 0.5
        self.remarks.tell(Remark(f"the gradient of the whole loss is that {how}", how=how))

    def _stop(self, reason: str) -> None:
        self.remarks.tell(
            Remark(f"the gradient of the whole loss is not measured on the fixed batch: {reason}", absent=True)
        )
        self._parts = []
