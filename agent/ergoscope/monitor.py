"""What happens at each step of a watched job."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.optim import Optimizer

from ergoscope.findings import Findings
from ergoscope.hearing.clipping import Clips
from ergoscope.hearing.listening import Ear, Guard, anything_compiled
from ergoscope.hearing.pieces import See
from ergoscope.layers import Layers, name_parameters
from ergoscope.ledger import Ledger
from ergoscope.lineup import ACTIVATIONS, FIRST_LAYER, GRADIENT, LOSS, NOISE, TASKS, Shared
from ergoscope.outlet import Outlet
from ergoscope.probes.activation import ActivationProbe
from ergoscope.probes.first_layer import FirstLayerProbe
from ergoscope.probes.noise import NoiseProbe
from ergoscope.probes.rate import RateProbe
from ergoscope.probes.timing import TimingProbe
from ergoscope.schedule import Schedule, Thinned
from ergoscope.startle import Startle
from ergoscope.watched import Watched
from ergoscope.writer import Writer
from ergoscope_contract.records import Event

_NO_STEP = 64  # backward calls without any step after which something is worth saying


class Monitor:
    """Measures around the steps of one job's optimizers and hands over what it found, one step later.

    The first optimizer's steps are the job's steps. Whatever happens between two of them belongs to the first of the
    two, but losses and gradients to the step that used them. Runs inside a fence and may raise.

    Attributes:
        step: Steps of the first optimizer done, counted from where the job said it starts.
        hearing: Whether a backward pass is being heard, whose end must be told.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        outlet: Outlet,
        *,
        budget: float,
        start_step: int,
        clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
        examples: int | None = None,
    ) -> None:
        """Prepare to measure; see `ergoscope.taps.attach`."""
        self.step = start_step
        self._outlet = outlet
        self._wall = wall
        self._clock = clock
        self._shared = shared = Shared.of(model, optimizers, examples=examples)
        self._rate = RateProbe(optimizers, wall=wall)
        schedule = Schedule(budget, TASKS)
        self._schedule = schedule
        self._timing = TimingProbe(schedule)
        names = name_parameters(model)
        layers = [Layers(o, names, series=i) for i, o in enumerate(optimizers)]
        self._watched = [Watched(x, shared=shared, schedule=schedule, clock=clock) for x in layers]
        self._ledger = Ledger(Writer(outlet), charge=schedule.charge, clock=clock, look=self._look)
        self._startle = Startle()
        self._due = [False] * len(TASKS)  # at the step that is open
        self._next = schedule.due(start_step + 1)
        self._backwards = 0
        self.hearing = False
        self._ears: list[tuple[int, ActivationProbe | FirstLayerProbe, Ear]] = []
        self._layers = layers
        self._tell_absences()

    def listen(self, guard: Guard) -> None:
        """Let the probes of the forward pass listen through `guard` at the steps at which they are due."""
        for task, probe in ((ACTIVATIONS, self._shared.activations), (FIRST_LAYER, self._shared.first_layer)):
            charge = partial(self._schedule.charge, task, part="prepare")
            self._ears.append((task, probe, Ear(guard, charge=charge, clock=self._clock)))

    def listen_to_passes(self, guard: Callable[[See], See]) -> None:
        """Let the gradients of single backward passes be seen through `guard` at the steps at which they are due."""
        for watched in self._watched:
            watched.noise.pieces.listen(guard)

    def on_backward(self, roots: object, hear: bool = True) -> None:
        """The job is about to go backward from `roots`; `hear` is False where no hook may be placed for that."""
        self._backwards += 1
        self._shared.clips.backward()
        self._shared.activations.pass_ends()
        if self._next[NOISE] or self._due[NOISE]:
            start = self._clock()
            self._open_pieces(roots, hear=hear)
            self._schedule.charge(NOISE, self._clock() - start, "prepare")
        if self._next[LOSS] or self._due[LOSS]:
            start = self._clock()
            self._shared.loss.capture(roots)
            self._schedule.charge(LOSS, self._clock() - start, "prepare")
        if self._backwards == _NO_STEP:
            self._say(
                "agent",
                f"{_NO_STEP} backward passes and no step of the watched optimizer: is it compiled, or is another one "
                "in use? Only steps that run its `step` in Python are seen",
            )

    def on_backward_end(self, finished: bool) -> None:
        """The backward pass is over; `finished` if it did not fail."""
        self.hearing = False
        start, taken = self._clock(), 0.0
        for watched in self._watched:
            pieces = watched.noise.pieces
            if pieces.open_passes:
                pieces.close(finished)
                self.hearing |= bool(pieces.open_passes)
            taken += pieces.seconds
            pieces.seconds = 0.0
        self._schedule.charge(NOISE, self._clock() - start + taken, "prepare")

    def deafen(self) -> None:
        """Take away the hooks of backward passes, whatever happened; never raises."""
        self.hearing = False
        for watched in self._watched:
            watched.noise.pieces.deafen()

    def wants_clips(self) -> bool:
        """Whether what clips gradients now matters to a measurement."""
        return self._next[GRADIENT] or self._due[GRADIENT] or self._next[NOISE] or self._due[NOISE]

    def on_clip(self, change: Callable[[Clips], None]) -> None:
        """The job clips gradients; `change` tells those who want to know."""
        start = self._clock()
        if not any(watched.capturing() for watched in self._watched):
            with torch.no_grad():
                change(self._shared.clips)
        self._schedule.charge(GRADIENT, self._clock() - start, "prepare")

    def before(self, optimizer: int, *, closure: bool) -> None:
        """An optimizer is about to step."""
        self._watched[optimizer].before(self._due if optimizer else self._next, closure=closure)

    def after(self, optimizer: int, *, own: float) -> None:
        """An optimizer has stepped.

        Args:
            optimizer: Which one.
            own: Seconds that the agent has used so far.
        """
        if not optimizer:
            self.step += 1
            self._turn(own)
            self._next = self._schedule.due(self.step + 1)
            self._prick_ears()
        if self._due[LOSS]:
            start, booked = self._clock(), self._schedule.booked
            sheet = self._watched[optimizer].after(self._due)
            if sheet is not None:
                self._ledger.add(optimizer, sheet)
            around = self._clock() - start - (self._schedule.booked - booked)
            self._schedule.charge(LOSS, around, "prepare")  # what every row costs, whatever it holds
        self._watched[optimizer].stepped(self._shared.clips)

    def finish(self) -> None:
        """Hand over what is still held back."""
        for _, _, ear in self._ears:
            ear.close()
        self._ledger.finish()
        self._tell_absences()

    def _prick_ears(self) -> None:
        for task, probe, ear in self._ears:
            if ear.open:
                ear.close()
            if self._next[task] and not anything_compiled() and any(watched.measures for watched in self._watched):
                probe.arm(ear)

    def _look(self, findings: Findings) -> None:
        if self._startle.at(findings.scalars.get("loss", math.nan)):
            self._schedule.urge()

    def _tell_absences(self) -> None:
        for layers in self._layers:
            while layers.untold:
                self._say("agent", layers.untold.pop(0))
        while self._shared.noise.untold:
            self._say("agent", self._shared.noise.untold.pop(0), {"quantities": list(NoiseProbe.produces)})

    def _open_pieces(self, roots: object, *, hear: bool) -> None:
        for number, watched in enumerate(self._watched):
            due = self._next[NOISE] or (number > 0 and self._due[NOISE])
            if due and hear:
                self.hearing |= watched.open_pieces(roots)
            elif due:
                watched.noise.pieces.miss()

    def _turn(self, own: float) -> None:
        step = self.step
        self._backwards = -(1 << 62)  # steps are seen, so the question does not arise any more
        now = self._clock()
        changes = self._timing.turn(now, own)
        self._due = self._next
        page = None
        if self._due[LOSS]:
            start = self._clock()
            scalars: dict[str, float] = {}
            self._timing.look(scalars)
            events = self._rate.look(step, scalars)
            page = Findings(step, scalars, optimizers=len(self._watched))
            page.records.extend(events)
            if events:
                self._schedule.urge()
            self._schedule.charge(LOSS, self._clock() - start, "prepare")
        self._ledger.turn(page, now)
        self._tell_absences()
        for change in changes:
            self._say_thinned(change)

    def _say_thinned(self, change: Thinned) -> None:
        names = ", ".join(change.task.quantities)
        self._say(
            "thinned",
            f"{names}: now every {_steps(change.period)} (before: every {_steps(change.before)}), as one takes "
            f"{1e3 * change.cost:.3g} ms, a step {1e3 * change.clean_step:.3g} ms, "
            f"and the budget is {100 * change.budget:.3g} % of a step",
            {
                "quantities": list(change.task.quantities),
                "period": change.period,
                "before": change.before,
                "cost": change.cost,
                "clean_step": change.clean_step,
                "budget": change.budget,
            },
        )

    def _say(self, kind: str, text: str, data: dict[str, object] | None = None) -> None:
        self._outlet.record(Event(kind=kind, wall=self._wall(), step=self.step, text=text, data=data or {}))


def _steps(period: int) -> str:
    return "step" if period == 1 else f"{period} steps"
