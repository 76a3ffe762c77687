"""One optimizer under watch: what is taken around each of its steps."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.hearing.clipping import Clips
from ergoscope.layers import Layers, Moment, parameters_of
from ergoscope.lineup import (
    ADD_UP,
    ALIGNMENT,
    DISTANCE,
    LOSS,
    NOISE,
    READ_GRADIENTS,
    SMOOTHNESS,
    TRIAL,
    TRUST,
    UPDATE,
    Shared,
    make_probes,
)
from ergoscope.probes.alignment import AlignmentProbe
from ergoscope.probes.distance import DistanceProbe
from ergoscope.probes.noise import NoiseProbe
from ergoscope.probes.probe import Reading, Sheet
from ergoscope.probes.smoothness import SmoothnessProbe
from ergoscope.probes.trial.trial import TrialProbe
from ergoscope.probes.trial.trust_ratio import TrustRatioProbe
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

    def __init__(self, layers: Layers, *, shared: Shared, schedule: Schedule, clock: Callable[[], float]) -> None:
        """Watch the optimizer of `layers`; `shared` are probes that it has in common with the job's others."""
        self._layers = layers
        self._loss = shared.loss
        self._around: tuple[tuple[int, TrialProbe | TrustRatioProbe | SmoothnessProbe], ...]
        self._around = ((TRIAL, shared.trial), (TRUST, shared.trust), (SMOOTHNESS, shared.smoothness))
        self._probes = make_probes(shared, clock)
        self.noise = cast(NoiseProbe, self._probes[NOISE])
        self._update = cast(UpdateProbe, self._probes[UPDATE])
        self._alignment = cast(AlignmentProbe, self._probes[ALIGNMENT])
        self._distance = cast(DistanceProbe, self._probes[DISTANCE])
        self._schedule = schedule
        self._clock = clock
        # Whether to know the update takes a copy of the weights; the first moment shows what is spread.
        self._copies = not self._moves_plainly(layers.moment()) or layers.spread
        self._overwrites = False
        self._looks = 8  # steps at which it is looked for whether gradients are overwritten
        self._seen: tuple[Tensor, int] | None = None  # a gradient and its version before the step
        self._early: list[tuple[int, Reading]] = []
        parameters = parameters_of(layers.optimizer)
        self._device = parameters[0].device
        self._capturable = any(p.is_cuda for p in parameters)

    def before(self, due: list[bool], *, closure: bool, alone: bool = False) -> None:
        """Take what can only be taken before the step; `alone` says that nothing is due but the loss."""
        self._early.clear()
        self._seen = None
        if alone and self._looks <= 0:
            return
        copy = due[UPDATE] and self._copies
        early = self._overwrites and not closure and any(due[task] for task in READ_GRADIENTS)
        align, *around = (due[task] and not self._layers.spread for task in (ALIGNMENT, TRIAL, TRUST, SMOOTHNESS))
        self._looks -= 1
        if not (copy or early or align or any(around) or self._looks > 0) or self.capturing():
            return
        with torch.no_grad():
            moment = self._layers.moment()
            if moment is None:
                return
            if not self._distance.begun:
                start = self._clock()
                self._distance.begin(moment)
                self._schedule.charge(DISTANCE, self._clock() - start, "prepare")
            if copy:
                start = self._clock()
                self._update.prepare(moment)
                self._schedule.charge(UPDATE, self._clock() - start, "prepare")
            ready = not closure and getattr(moment.optimizer, "grad_scale", None) is None
            if align:
                start = self._clock()
                self._alignment.prepare(moment, gradients=ready)
                self._schedule.charge(ALIGNMENT, self._clock() - start, "prepare")
            for (task, probe), wanted in zip(self._around, around, strict=True):
                if wanted:
                    start = self._clock()
                    probe.prepare(moment)
                    self._schedule.charge(task, self._clock() - start, "prepare")
            if moment.grads and ready:
                if early:
                    self._early = self._take(moment, due, READ_GRADIENTS)
                elif not self._overwrites:
                    self._seen = (moment.grads[0], moment.grads[0]._version)

    def after(self, due: list[bool], *, alone: bool = False) -> Sheet | None:
        """Take what is due after the step, None when that is nothing; `alone` says that it is the loss."""
        if self.capturing():
            return None
        if alone:
            return self._loss_alone()
        with torch.no_grad():
            moment = self._layers.moment()
            if moment is None:
                return self._loss_alone()  # another process answers for all the parameters
            if self._seen is not None and self._seen[0]._version != self._seen[1]:
                self._overwrites = True
                due = [d and task not in READ_GRADIENTS for task, d in enumerate(due)]
            early = {task for task, _ in self._early}
            readings = self._take(moment, due, tuple(t for t in range(len(due)) if t not in early))
            self._update.forget()
            # The update's ratio is read after the weights' norm: the order of tasks is the order of reading.
            readings = sorted([*self._early, *readings], key=lambda r: r[0]) if early else readings
            self._copies = self._layers.spread or not self._moves_plainly(moment)
            return Sheet(readings, moment.parameters[0].device) if readings else None

    @property
    def trained(self) -> list[Tensor]:
        """All parameters of the optimizer, as it holds them now."""
        return parameters_of(self._layers.optimizer)

    @property
    def measures(self) -> bool:
        """Whether this process answers for parameters of it, and for whole ones."""
        return not self._layers.spread and self._layers.moment() is not None

    def open_pieces(self, roots: object) -> bool:
        """A backward pass from `roots` is about to run before a step whose noise is measured; True when it is heard."""
        pieces = self.noise.pieces
        if self.noise.can_hear and not self.capturing():
            pieces.open(self.trained, roots)
        return bool(pieces.open_passes)

    def stepped(self, clips: Clips) -> None:
        """The step is measured: what is heard from now on belongs to the next."""
        self._seen = None  # or the gradient would live on through the next backward pass
        clips.stepped(self._layers.optimizer)
        self.noise.pieces.restart()

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
            if not due[task] or (self._layers.spread and task not in ADD_UP):
                continue
            reading = self._probes[task].measure(moment)
            if reading is not None:
                readings.append((task, reading))
            now = self._clock()
            self._schedule.charge(task, now - start, "measure")
            start = now
        return readings

    def capturing(self) -> bool:
        """Whether the job records a CUDA graph now: whatever ran would become a part of it."""
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
