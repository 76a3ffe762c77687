"""One optimizer under watch: what is taken around each of its steps."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.layers import Layers, Moment
from ergoscope.lineup import LOSS, READ_GRADIENTS, UPDATE, make_probes
from ergoscope.probes.loss import LossProbe
from ergoscope.probes.probe import Reading, Sheet
from ergoscope.probes.update import UpdateProbe, rates_of_plain_sgd
from ergoscope.schedule import Schedule

_WIDE = (torch.float32, torch.float64)  # dtypes whose rounding takes next to nothing of a step


class Watched:
    """Runs the probes of one optimizer.

    Gradients are read after the step: loops that run the backward pass inside `step` have none before it, and a fused
    step under a GradScaler unscales them itself. An optimizer that overwrites its gradients, as SGD with Nesterov
    momentum and foreach does, is found out by the gradients' version counter; from then on they are read before the
    step, unless it is one of those steps.
    """

    def __init__(self, layers: Layers, *, loss: LossProbe, schedule: Schedule, clock: Callable[[], float]) -> None:
        """Watch the optimizer of `layers`; `loss` is shared with the other optimizers of the job."""
        self._layers = layers
        self._loss = loss
        self._probes = make_probes(loss)
        self._update = cast(UpdateProbe, self._probes[UPDATE])
        self._schedule = schedule
        self._clock = clock
        self._copies = not self._moves_plainly(layers.moment())  # to know the update takes a copy of the weights
        self._overwrites = False
        self._looks = 8  # steps at which it is looked for whether gradients are overwritten
        self._seen: tuple[Tensor, int] | None = None  # a gradient and its version before the step
        self._early: list[tuple[int, Reading]] = []
        self._device = next(p.device for g in layers.optimizer.param_groups for p in g["params"])
        self._capturable = any(p.is_cuda for g in layers.optimizer.param_groups for p in g["params"])

    def before(self, due: list[bool], *, closure: bool) -> None:
        """Take what can only be taken before the step."""
        self._early.clear()
        self._seen = None
        copy = due[UPDATE] and self._copies
        early = self._overwrites and not closure and any(due[task] for task in READ_GRADIENTS)
        self._looks -= 1
        if not (copy or early or self._looks > 0) or self._capturing():
            return
        with torch.no_grad():
            moment = self._layers.moment()
            if moment is None:
                return
            if copy:
                start = self._clock()
                self._update.prepare(moment)
                self._schedule.charge(UPDATE, self._clock() - start, "prepare")
            if moment.grads and not closure and getattr(moment.optimizer, "grad_scale", None) is None:
                if early:
                    self._early = self._take(moment, due, READ_GRADIENTS)
                elif not self._overwrites:
                    self._seen = (moment.grads[0], moment.grads[0]._version)

    def after(self, due: list[bool]) -> Sheet | None:
        """Take what is due after the step; None when that is nothing."""
        if self._capturing():
            return None
        if True not in due[LOSS + 1 :]:
            return self._loss_alone()
        with torch.no_grad():
            moment = self._layers.moment()
            if moment is None:
                return None
            if self._seen is not None and self._seen[0]._version != self._seen[1]:
                self._overwrites = True
                due = [d and task not in READ_GRADIENTS for task, d in enumerate(due)]
            early = {task for task, _ in self._early}
            readings = self._take(moment, due, tuple(t for t in range(len(due)) if t not in early))
            # The update's ratio is read after the weights' norm: the order of tasks is the order of reading.
            readings = sorted([*self._early, *readings], key=lambda r: r[0]) if early else readings
            self._copies = not self._moves_plainly(moment)
            return Sheet(readings, moment.parameters[0].device) if readings else None

    @staticmethod
    def _moves_plainly(moment: Moment | None) -> bool:
        if moment is None or rates_of_plain_sgd(moment.optimizer) is None:
            return False
        layout = moment.layout
        return layout.weight_dtype in _WIDE and layout.grad_dtype in (layout.weight_dtype, None)

    def _loss_alone(self) -> Sheet | None:
        # What every step of a small model comes to: no look at the layers, which costs more than the loss itself.
        start = self._clock()
        reading = self._loss.measure()
        self._schedule.charge(LOSS, self._clock() - start, "measure")
        return None if reading is None else Sheet([(LOSS, reading)], self._device)

    def _take(self, moment: Moment, due: list[bool], tasks: tuple[int, ...]) -> list[tuple[int, Reading]]:
        readings: list[tuple[int, Reading]] = []
        start = self._clock()
        for task in tasks:
            if not due[task]:
                continue
            reading = self._probes[task].measure(moment)
            if reading is not None:
                readings.append((task, reading))
            now = self._clock()
            self._schedule.charge(task, now - start, "measure")
            start = now
        return readings

    def _capturing(self) -> bool:
        return self._capturable and torch.cuda.is_current_stream_capturing()


def innermost(optimizer: Optimizer) -> Optimizer:
    """The optimizer that really steps, inside wrappers that only pass calls on."""
    while not hasattr(optimizer, "_optimizer_step_post_hooks"):
        inner = getattr(optimizer, "optimizer", None)
        if not isinstance(inner, Optimizer):
            raise TypeError(
                f"{type(optimizer).__name__} has no step hooks and wraps no optimizer that has; "
                "give the torch.optim.Optimizer that steps"
            )
        optimizer = inner
    return optimizer
