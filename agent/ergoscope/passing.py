"""What is heard between two steps: forward passes, backward passes, and what clips the gradient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from ergoscope.hearing.clipping import Clips
from ergoscope.hearing.listening import Ear, Guard, anything_compiled
from ergoscope.hearing.pieces import See
from ergoscope.lineup import (
    ACTIVATION_HISTOGRAM,
    ACTIVATIONS,
    COLLAPSE,
    CURVED,
    FEATURE_RANK,
    FIRST_LAYER,
    GRADIENT,
    HALVES,
    LOSS,
    MARGIN,
    NOISE,
    TASKS,
    TRUST,
    Shared,
)
from ergoscope.probes.activation import ActivationHistogramProbe, ActivationProbe
from ergoscope.probes.collapse import CollapseProbe
from ergoscope.probes.feature_rank import FeatureRankProbe
from ergoscope.probes.first_layer import FirstLayerProbe
from ergoscope.probes.margin import MarginProbe
from ergoscope.schedule import Schedule
from ergoscope.watched import Watched

Listener = ActivationProbe | ActivationHistogramProbe | FirstLayerProbe | CollapseProbe | FeatureRankProbe


@dataclass(slots=True)
class Agenda:
    """For each task whether it is due: `now` at the step that is open, `next` at the one that is being prepared.

    quiet_now, quiet_next: whether nothing is due there but the loss, as at most steps of a small model.
    """

    now: list[bool] = field(default_factory=lambda: [False] * len(TASKS))
    next: list[bool] = field(default_factory=lambda: [False] * len(TASKS))
    quiet_now: bool = False
    quiet_next: bool = False

    def turn(self) -> None:
        """A step is over: the next one is the one that is open."""
        self.now, self.quiet_now = self.next, self.quiet_next

    def prepare(self, due: list[bool]) -> None:
        """Take what is due at the step after."""
        self.next, self.quiet_next = due, True not in due[LOSS + 1 :]

    @property
    def quiet(self) -> bool:
        """Whether both steps are: what is heard between steps is then passed over as fast as it can be."""
        return self.quiet_now and self.quiet_next

    def either(self, task: int) -> bool:
        """Whether it is due at one of the two; with several optimizers a pass may belong to either."""
        return self.next[task] or self.now[task]


class Passing:
    """Tells the probes of what passes by between two steps, and books what that takes.

    Attributes:
        hearing: Whether a backward pass is being heard, whose end must be told.
        passes: Backward passes since the last step.
    """

    def __init__(
        self,
        shared: Shared,
        watched: Sequence[Watched],
        agenda: Agenda,
        schedule: Schedule,
        *,
        clock: Callable[[], float],
    ) -> None:
        """Hear for `shared` and for the probes of `watched`, at the steps of `agenda`."""
        self.hearing = False
        self._shared = shared
        self._halves = shared.noise.halves
        self._watched = watched
        self._agenda = agenda
        self._schedule = schedule
        self._clock = clock
        self.passes = 0
        self._ears: list[tuple[int, Listener, Ear]] = []

    def listen(self, guard: Guard) -> None:
        """Let the probes of the forward pass listen through `guard` at the steps at which they are due."""
        shared = self._shared
        for task, probe in (
            (ACTIVATIONS, shared.activations),
            (ACTIVATION_HISTOGRAM, shared.activation_shapes),
            (FIRST_LAYER, shared.first_layer),
            (COLLAPSE, shared.collapse),
            (FEATURE_RANK, shared.feature_rank),
        ):
            charge = partial(self._schedule.charge, task, part="prepare")
            self._ears.append((task, probe, Ear(guard, charge=charge, clock=self._clock)))

    def listen_to_passes(self, guard: Callable[[See], See]) -> None:
        """Let the gradients of single backward passes be seen through `guard` at the steps at which they are due."""
        for watched in self._watched:
            watched.noise.pieces.listen(guard)

    def listen_to_model(self, guard: Guard) -> None:
        """Let the model's forward passes be seen through `guard` at the steps at which that is needed.

        That is where a batch is to be split, and where a pass is to be run once more for the curvature.
        """
        self._halves.listen(guard)
        self._shared.vantage.listen(guard)
        self._shared.trust.listen(guard)

    def prepare(self) -> None:
        """A step is over: listen to what the next one needs."""
        measures = not self._agenda.quiet_next and self._measures()
        for task, probe, ear in [] if self._agenda.quiet else self._ears:
            if ear.open:
                ear.close()
            if self._agenda.next[task] and not anything_compiled() and measures:
                probe.arm(ear)
        if not self._agenda.next[COLLAPSE]:
            self._shared.collapse.rest()
        if not self._agenda.next[FEATURE_RANK]:
            self._shared.feature_rank.rest()
        passes, self.passes = self.passes, 0
        self._halves.stepped(passes)
        due = [self._agenda.next[task] and measures for task in CURVED]
        self._shared.vantage.stepped(due, passes=passes)
        self._shared.trial.stepped()
        self._shared.trust.stepped(due=self._agenda.next[TRUST] and measures)
        if self._agenda.next[HALVES] and self._agenda.next[NOISE] and measures:
            self._halves.arm(compiled=anything_compiled())

    def begin(self, roots: object, *, hear: bool, plain: bool) -> None:
        """The job is about to go backward from `roots`.

        `hear` is False where no hook may be placed for that; `plain`: from a loss, to all parameters, and to no more.
        """
        self._shared.clips.backward()
        self.passes += 1
        if not self._agenda.quiet:
            self._begin_hearing(roots, hear=hear, plain=plain)
        if self._agenda.either(LOSS) and not self._capturing():
            start = self._clock()
            self._shared.loss.capture(roots)
            self._charge(LOSS, start)

    def _begin_hearing(self, roots: object, *, hear: bool, plain: bool) -> None:
        self._shared.activations.pass_ends()
        self._shared.activation_shapes.pass_ends()
        if any(self._agenda.next[task] for task in CURVED) and not self._capturing():
            # Before hooks of ours are on what it goes through.
            self._shared.vantage.look(roots, number=self.passes, hear=hear and plain)
            for task, seconds in zip(CURVED, self._shared.vantage.spent(), strict=True):
                self._schedule.charge(task, seconds, "prepare")
        if self._agenda.next[TRUST] and not self._capturing():
            start = self._clock()
            self._shared.trust.look(roots, number=self.passes, plain=hear and plain)
            self.hearing |= self._shared.trust.hears
            self._charge(TRUST, start)
        start = self._clock()
        captured = self._halves.open and self._capturing()
        fit = plain and hear and not captured
        if self._halves.begin(roots, self._families, number=self.passes, plain=fit):
            self._charge(HALVES, start)
        if self._agenda.either(NOISE):
            start = self._clock()
            self._open_pieces(roots, hear=hear)
            self._charge(NOISE, start)
        if self._agenda.next[MARGIN]:
            start = self._clock()
            self._look_at_outputs(roots, self._shared.margin, hear=hear)
            self._charge(MARGIN, start)
        if self._agenda.next[COLLAPSE]:
            start = self._clock()
            self._look_at_outputs(roots, self._shared.collapse, hear=hear)
            self._charge(COLLAPSE, start)

    def end(self, finished: bool) -> None:
        """The backward pass is over; `finished` if it did not fail."""
        self.hearing = False
        if self._shared.trust.hears:
            start = self._clock()
            with torch.no_grad():
                self._shared.trust.pass_ends(finished)
            self._charge(TRUST, start)
        start, taken = self._clock(), 0.0
        for watched in self._watched:
            pieces = watched.noise.pieces
            if pieces.open_passes:
                pieces.close(finished)
                self.hearing |= bool(pieces.open_passes)
            taken += pieces.seconds
            pieces.seconds = 0.0
        self._charge(NOISE, start - taken)

    def deafen(self) -> None:
        """Take away the hooks of backward passes, whatever happened; never raises."""
        self.hearing = False
        for watched in self._watched:
            watched.noise.pieces.deafen()
        self._hush()

    def wants_clips(self) -> bool:
        """Whether what clips gradients now matters to a measurement."""
        return self._agenda.either(GRADIENT) or self._agenda.either(NOISE)

    def on_clip(self, change: Callable[[Clips], None]) -> None:
        """The job clips gradients; `change` tells those who want to know."""
        start = self._clock()
        if not self._capturing():
            with torch.no_grad():
                change(self._shared.clips)
        self._charge(GRADIENT, start)

    def close(self) -> None:
        """Hear nothing more."""
        self._shared.trust.close(passes=self.passes)
        for _, _, ear in self._ears:
            ear.close()
        self._hush()

    def _hush(self) -> None:
        self._halves.disarm()
        self._shared.vantage.deafen()
        self._shared.trust.deafen()

    def _charge(self, task: int, start: float) -> None:
        self._schedule.charge(task, self._clock() - start, "prepare")

    def _capturing(self) -> bool:
        return any(watched.capturing() for watched in self._watched)

    def _families(self) -> list[list[Tensor]]:
        return [watched.trained for watched in self._watched]

    def _look_at_outputs(self, roots: object, probe: MarginProbe | CollapseProbe, *, hear: bool) -> None:
        if not self._measures() or self._capturing():
            return
        if not hear:
            probe.miss("the backward pass runs in a compiled function")
            return
        with torch.no_grad():
            probe.capture(roots)

    def _measures(self) -> bool:
        return any(watched.measures for watched in self._watched)

    def _open_pieces(self, roots: object, *, hear: bool) -> None:
        for number, watched in enumerate(self._watched):
            due = self._agenda.next[NOISE] or (number > 0 and self._agenda.now[NOISE])
            if due and hear:
                self.hearing |= watched.open_pieces(roots)
            elif due:
                watched.noise.pieces.miss()
