"""What happens at each step of a watched job."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

from torch import nn
from torch.optim import Optimizer

from ergoscope.curvature.objective import Objective
from ergoscope.curvature.plan import Curvature
from ergoscope.findings import Findings
from ergoscope.layers import Layers, name_parameters
from ergoscope.ledger import Ledger
from ergoscope.lineup import (
    CURVED,
    FULL_GRADIENT,
    LOSS,
    OPPOSING,
    SPECTRUM,
    TASKS,
    TRIAL,
    TRUST,
    Runs,
    Shared,
    tasks_of,
)
from ergoscope.outlet import Outlet
from ergoscope.passing import Agenda, Passing
from ergoscope.probes.collapse import CollapseProbe
from ergoscope.probes.distance import DistanceProbe
from ergoscope.probes.feature_rank import FeatureRankProbe
from ergoscope.probes.fit import FitProbe
from ergoscope.probes.full_gradient import FullGradientProbe
from ergoscope.probes.margin import MarginProbe
from ergoscope.probes.matrices import MatrixNormProbe
from ergoscope.probes.noise import NoiseProbe
from ergoscope.probes.opposing import OpposingProbe
from ergoscope.probes.rate import RateProbe
from ergoscope.probes.sharpness import SharpnessProbe
from ergoscope.probes.singular import SingularValueProbe
from ergoscope.probes.slices.probe import Requests, SliceProbe
from ergoscope.probes.smoothness import SmoothnessProbe
from ergoscope.probes.spectrum import SpectrumProbe
from ergoscope.probes.timing import TimingProbe
from ergoscope.probes.trace_ratio import TraceRatio
from ergoscope.probes.trial.accord import Accord
from ergoscope.probes.trial.jointly import Jointly
from ergoscope.probes.trial.trial import TrialProbe
from ergoscope.probes.trial.trust_ratio import TrustRatioProbe
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.remark import data_of
from ergoscope.schedule import Schedule
from ergoscope.shards import seat
from ergoscope.startle import Startle
from ergoscope.watched import Watched
from ergoscope.writer import Writer
from ergoscope_contract.records import Event

_CURVATURE = tuple(quantity for task in CURVED for quantity in TASKS[task].quantities)
_ASIDE = 16  # steps, of those at which only the loss is due, after which other things are looked after
_NO_STEP = 64  # backward calls without any step after which something is worth saying


class Monitor:
    """Measures around the steps of one job's optimizers and hands over what it found, one step later.

    The first optimizer's steps are the job's steps. Whatever happens between two of them belongs to the first of the
    two, but losses and gradients to the step that used them. Runs inside a fence and may raise.

    Attributes:
        step: Steps of the first optimizer done, counted from where the job said it starts.
        passing: What is heard between the steps.
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
        objective: Objective | None = None,
        curvature: Curvature | None = None,
        requests: Requests = lambda: (),
    ) -> None:
        """Prepare to measure; see `ergoscope.taps.attach`."""
        self.step = start_step
        self._outlet, self._wall, self._clock = outlet, wall, clock
        opposing = OpposingProbe(objective, optimizers[0], wall=wall, clock=clock)
        trial = TrialProbe(objective, optimizers, clock=clock)
        trust = _trust_ratio(model, optimizers, curvature, Writer(outlet), clock)
        own = None if curvature is None else Objective.of(model, curvature.probe, curvature.loss_fn)
        vantage = Vantage(curvature, model, own or objective, optimizers, clock)
        runs = Runs(opposing, trial, trust, vantage, FullGradientProbe(objective, optimizers, clock=clock))
        self._shared = shared = Shared.of(model, optimizers, runs, examples=examples, start_step=start_step)
        self._rate = RateProbe(optimizers, wall=wall)
        self._schedule = schedule = Schedule(budget, tasks_of(model))
        self._timing = TimingProbe(schedule)
        self._slices = _slices(own or objective, optimizers, requests, outlet, schedule, clock, self._say)
        names = name_parameters(model)
        layers = [Layers(o, names, series=i) for i, o in enumerate(optimizers)]
        self._watched = [Watched(x, shared=shared, schedule=schedule, clock=clock) for x in layers]
        self._ledger = Ledger(Writer(outlet), charge=schedule.charge, clock=clock, look=self._look)
        self._startle = Startle()
        self._agenda = Agenda(next=schedule.due(start_step + 1))
        self._backwards = 0
        self.passing = Passing(shared, self._watched, self._agenda, schedule, clock=clock)
        self._layers = layers
        self._tell_absences()

    def on_backward(self, roots: object, hear: bool = True, plain: bool = False) -> None:
        """The job is about to go backward from `roots`; see `ergoscope.passing.Passing.begin`."""
        self._backwards += 1
        self.passing.begin(roots, hear=hear, plain=plain)
        if self._backwards == _NO_STEP:
            self._say(
                "agent",
                f"{_NO_STEP} backward passes and no step of the watched optimizer: is it compiled, or is another one "
                "in use? Only steps that run its `step` in Python are seen",
            )

    def before(self, optimizer: int, *, closure: bool) -> None:
        """An optimizer is about to step."""
        if not optimizer:
            if closure:
                self._shared.vantage.closes()
            self._remember()
            self._act_together()
        agenda = self._agenda
        due, alone = (agenda.now, agenda.quiet_now) if optimizer else (agenda.next, agenda.quiet_next)
        self._watched[optimizer].before(due, closure=closure, alone=alone)

    def after(self, optimizer: int, *, own: float) -> None:
        """An optimizer has stepped.

        Args:
            optimizer: Which one.
            own: Seconds that the agent has used so far.
        """
        if not optimizer:
            self.step += 1
            self._turn(own)
            self._agenda.prepare(self._due())
            self.passing.prepare()
        if self._agenda.now[LOSS]:
            start, booked = self._clock(), self._schedule.booked
            sheet = self._watched[optimizer].after(self._agenda.now, alone=self._agenda.quiet_now)
            if sheet is not None:
                self._ledger.add(optimizer, sheet)
            around = self._clock() - start - (self._schedule.booked - booked)
            self._schedule.charge(LOSS, around, "prepare")  # what every row costs, whatever it holds
        self._watched[optimizer].stepped(self._shared.clips)
        if not optimizer and not self._watched[optimizer].capturing():
            self._slices.stepped(self.step, self._schedule.trained)

    def _act_together(self) -> None:
        """Keep the promise to the other processes to look at the weights before they change."""
        if self._agenda.next[TRUST]:
            start = self._clock()
            self._shared.trust.before(passes=self.passing.passes)
            self._schedule.charge(TRUST, self._clock() - start, "prepare")

    def _due(self) -> list[bool]:
        """What is due at the next step; what several processes do together they have to agree on."""
        due, joint = self._schedule.due(self.step + 1), self._shared.trust.joint
        if joint is not None:
            start = self._clock()
            due[TRUST] = self._shared.trust.turn(self.step, due=due[TRUST])
            self._schedule.charge(TRUST, self._clock() - start, "measure" if joint.done else "prepare")
        return due

    def finish(self) -> None:
        """Hand over what is still held back."""
        self.passing.close()
        self._ledger.finish()
        self._tell_absences()

    def _remember(self) -> None:
        """Have the weights kept where the spectrum will be looked at right after the step that is about to be made."""
        spectrum, ahead = self._shared.spectrum, self._shared.vantage.ahead
        if ahead and self._schedule.foresees(SPECTRUM, self.step + ahead) and not self._watched[0].capturing():
            start = self._clock()
            spectrum.remember()
            self._schedule.charge(SPECTRUM, self._clock() - start, "prepare")
        elif ahead:
            spectrum.let_go()

    def _look(self, findings: Findings) -> None:
        if self._startle.at(findings.scalars.get("loss", math.nan)):
            self._schedule.urge()

    def _tell_absences(self) -> None:
        for layers in self._layers:
            for text in layers.remarks.take():
                self._say("agent", text)
        shared = self._shared
        for made, remarks in (
            (NoiseProbe.produces, shared.noise.remarks),
            (MarginProbe.produces, shared.margin.remarks),
            (OpposingProbe.produces, shared.opposing.remarks),
            (TrialProbe.produces, shared.trial.remarks),
            (TrustRatioProbe.produces, shared.trust.remarks),
            (_CURVATURE, shared.vantage.remarks),
            (SharpnessProbe.produces, shared.sharpness.remarks),
            (SpectrumProbe.produces, shared.spectrum.remarks),
            (SmoothnessProbe.produces, shared.smoothness.remarks),
            (FitProbe.produces, shared.fit.remarks),
            (FullGradientProbe.produces, shared.full_gradient.remarks),
            (TraceRatio.produces, shared.ratio.remarks),
            (DistanceProbe.produces, shared.origin.remarks),
            (MatrixNormProbe.produces, shared.net.remarks),
            (SingularValueProbe.produces, shared.singular),
            (CollapseProbe.produces, shared.collapse.remarks),
            (FeatureRankProbe.produces, shared.feature_rank.remarks),
        ):
            for text in remarks.take():
                self._say("agent", str(text), {"quantities": list(made), **data_of(text)})

    def _turn(self, own: float) -> None:
        step = self.step
        self._backwards = -(1 << 62)  # steps are seen, so the question does not arise any more
        now = self._clock()
        changes = self._timing.turn(now, own)
        if not self._agenda.quiet or not self.step % _ASIDE:
            self._settle()
        self._agenda.turn()
        page = None
        if self._agenda.now[LOSS]:
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
        for change in changes:
            self._say("thinned", change.text, change.data)

    def _settle(self) -> None:
        """Book what devices took beyond the host's time, and tell what is absent."""
        self._schedule.charge(OPPOSING, self._shared.opposing.overtime(), "prepare")
        self._schedule.charge(TRIAL, self._shared.trial.overtime(), "prepare")
        self._schedule.charge(TRUST, self._shared.trust.overtime(), "prepare")
        self._schedule.charge(FULL_GRADIENT, self._shared.full_gradient.overtime(), "prepare")
        for task, seconds in zip(CURVED, self._shared.vantage.overtime(), strict=True):
            self._schedule.charge(task, seconds, "prepare")
        self._tell_absences()

    def _say(self, kind: str, text: str, data: dict[str, object] | None = None) -> None:
        self._outlet.record(Event(kind=kind, wall=self._wall(), step=self.step, text=text, data=data or {}))


def _trust_ratio(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    plan: Curvature | None,
    writer: Writer,
    clock: Callable[[], float],
) -> TrustRatioProbe:
    every, here, joint = 1 if plan is None else plan.every or 1, seat(), None
    if here.world > 1 and plan is not None:
        accord = partial(Accord.begin, rank=here.rank, world=here.world)
        joint = Jointly(model, optimizers, accord=accord, publish=writer.write)
    return TrustRatioProbe(model, optimizers, wanted=plan is not None, every=every, clock=clock, joint=joint)


def _slices(
    objective: Objective | None,
    optimizers: Sequence[Optimizer],
    requests: Requests,
    outlet: Outlet,
    schedule: Schedule,
    clock: Callable[[], float],
    say: Callable[[str, str, dict[str, object]], None],
) -> SliceProbe:
    return SliceProbe(
        objective,
        optimizers,
        requests,
        budget=schedule.budget,
        publish=outlet.record,
        tell=lambda text: say("agent", text, {"quantities": list(SliceProbe.produces)}),
        charge=schedule.charge_apart,
        clock=clock,
    )
