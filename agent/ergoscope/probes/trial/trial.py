"""What one step in many does to a batch that stays the same."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.sharpness import worst_nudge
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading
from ergoscope.probes.trial.descents import Descents
from ergoscope.probes.trial.passage import Passage
from ergoscope.probes.trial.stand import Stand
from ergoscope.probes.trial.stepping import UNEVEN, Stepping
from ergoscope.probes.trial.trajectory import Trajectory
from ergoscope.remark import Remark, Remarks

_SEED = 0
_WIDE = (torch.float32, torch.float64)


class TrialProbe:
    """Runs the user's fixed batch before and after a step, and once beside it.

    - Descent balance R = E[ΔᵀHΔ] / (−2 E[G·Δ]) by losses alone: F(w + Δ) − F(w) − G·Δ stands for ½ΔᵀHΔ. F has the
      penalty ½λ‖w‖² added where torch's own optimizers put weight decay into the gradient. Kept and averaged here, over
      steps at some distance: see `Descents`.
    - Sharpness in the sense of SAM: the rise of the loss at w + ρ G/‖G‖, ρ = .05, without penalties.
    - How far the answers are from those of the last reading: see `Trajectory`.

    A gradient and two runs forward, always with the same random draws and in the mode that the model is in. With
    several optimizers Δ is the move that lasts until each has stepped. Nothing is moved or run where hooks of the job's
    own would see the backward pass. Of copies of a model on several processes rank 0's is run. What fails is told and
    not tried again, except that where memory is short half of the batch is taken.

    Attributes:
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "descent_balance",
        "descent_balance_error",
        "descent_fraction",
        "descent_fraction_error",
        "sam_sharpness",
        *Trajectory.produces,
    )

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
        self._objective = objective
        self._stepping = Stepping(optimizers)
        self._stopwatch = Stopwatch(clock)
        self._beside: list[Tensor] = []  # what was measured before the step
        self._begin()
        if objective is not None and (reason := objective.obstacle()):
            self._stop(reason)

    def overtime(self) -> float:
        """Seconds that runs of the batch took of the device beyond those of the host, as far as they are over."""
        return self._stopwatch.overtime()

    def stepped(self) -> None:
        """The first optimizer has stepped."""
        self._stepping.stepped()
        if self._stepping.uneven:
            self._stop(UNEVEN)

    def prepare(self, moment: Moment) -> None:
        """The first optimizer is about to step: take the gradient, and what is measured where the weights are."""
        if self._objective is not None and self._stepping.begins(moment):
            self._attempt(moment, partial(self._set_off, self._objective))

    def measure(self, moment: Moment) -> Reading | None:
        """Run the batch again, once every optimizer has stepped."""
        passage, found = self._stepping.end(moment), list[Tensor]()
        if passage is None:
            return None
        self._attempt(moment, lambda: found.extend((passage.promised(), passage.rise())))
        return Reading([*found, *self._beside], partial(self._read, self._stepping.rate())) if found else None

    def _attempt(self, moment: Moment, run: Callable[[], None]) -> None:
        try:
            with self._stopwatch.lap(moment.parameters[0].device):
                run()
        except Exception as error:
            self._fail(error)

    def _set_off(self, objective: Objective) -> None:
        reason = objective.obstacle() or backward_hooks(objective.model)  # others may have come since
        if reason:
            raise ValueError(reason)
        stand = Stand(objective, self._stepping.trained(), seed=_SEED, see=self._trajectory.follow)
        self._beside = [self._sharpness(stand), *self._trajectory.moved]
        decays = self._stepping.decays(stand.parameters)
        self._stepping.begin(Passage(stand.parameters, stand.gradient, decays, rise=stand.rise))

    def _sharpness(self, stand: Stand) -> Tensor:
        narrow = {p.dtype for p in stand.parameters} - set(_WIDE)
        if not narrow:
            return stand.rise_after(worst_nudge(stand.gradient))
        text = f"sam_sharpness is absent: weights in {narrow.pop()} would round most of the nudge away"
        self.remarks.tell(Remark(text, absent=True, quantities=["sam_sharpness"]))
        return torch.full_like(stand.loss, math.nan)

    def _read(self, rate: float, values: Sequence[float], findings: Findings) -> None:
        slope, change, rise, *moved = values
        self._descents.add(rate, slope, change)
        self._descents.tell(findings)
        if math.isfinite(rise):
            findings.scalars["sam_sharpness"] = rise
        self._trajectory.read(moved, findings)

    def _begin(self) -> None:
        self._stepping.forget()
        self._descents, self._trajectory = Descents(), Trajectory(self.remarks.tell)

    def _fail(self, error: Exception) -> None:
        short = ran_out_of_memory(error)
        half = self._objective.smaller() if short and self._objective is not None else None
        if half is None:
            said = (str(error) or type(error).__name__).partition("\n")[0]
            self._stop("there is no memory for it" if short else said)
            return
        self.remarks.tell("there is no memory for the probe batch around a step: the first half of it is taken")
        self._objective = half
        self._begin()

    def _stop(self, reason: str) -> None:
        self.remarks.tell(Remark(f"what a step does to the probe batch is not measured: {reason}", absent=True))
        self._objective = None
        self._begin()


def backward_hooks(model: nn.Module) -> str:
    """What of the job's own would see our backward pass; empty when nothing would."""
    hooked = any(module._backward_hooks or module._backward_pre_hooks for module in model.modules())
    return "a module has backward hooks of the job's own" if hooked else ""
