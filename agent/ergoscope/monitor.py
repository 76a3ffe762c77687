"""What happens at each step of a watched job."""

import time
from collections.abc import Callable, Sequence

from torch import nn
from torch.optim import Optimizer

from ergoscope.findings import Findings
from ergoscope.layers import Layers, name_parameters
from ergoscope.ledger import Ledger
from ergoscope.lineup import LOSS, TASKS
from ergoscope.outlet import Outlet
from ergoscope.probes.loss import LossProbe
from ergoscope.probes.rate import RateProbe
from ergoscope.probes.timing import TimingProbe
from ergoscope.schedule import Schedule, Thinned
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
    ) -> None:
        """Prepare to measure; see `ergoscope.taps.attach`."""
        self.step = start_step
        self._outlet = outlet
        self._wall = wall
        self._clock = clock
        self._loss = LossProbe()
        self._rate = RateProbe(optimizers, wall=wall)
        schedule = Schedule(budget, TASKS)
        self._schedule = schedule
        self._timing = TimingProbe(schedule)
        names = name_parameters(model)
        layers = [Layers(o, names, series=i) for i, o in enumerate(optimizers)]
        self._watched = [Watched(x, loss=self._loss, schedule=schedule, clock=clock) for x in layers]
        self._ledger = Ledger(Writer(outlet), charge=schedule.charge, clock=clock)
        self._due = [False] * len(TASKS)  # at the step that is open
        self._next = schedule.due(start_step + 1)
        self._backwards = 0
        sharded = sum(x.sharded for x in layers)
        if sharded:
            text = f"{sharded} parameters are spread over several processes; their norms are absent, not zero"
            self._say("agent", text)

    def on_backward(self, roots: object) -> None:
        """The job is about to go backward from `roots`."""
        self._backwards += 1
        if self._next[LOSS] or self._due[LOSS]:
            start = self._clock()
            self._loss.capture(roots)
            self._schedule.charge(LOSS, self._clock() - start, "prepare")
        if self._backwards == _NO_STEP:
            self._say(
                "agent",
                f"{_NO_STEP} backward passes and no step of the watched optimizer: is it compiled, or is another one "
                "in use? Only steps that run its `step` in Python are seen",
            )

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
        if self._due[LOSS]:
            start, booked = self._clock(), self._schedule.booked
            sheet = self._watched[optimizer].after(self._due)
            if sheet is not None:
                self._ledger.add(optimizer, sheet)
            around = self._clock() - start - (self._schedule.booked - booked)
            self._schedule.charge(LOSS, around, "prepare")  # what every row costs, whatever it holds

    def finish(self) -> None:
        """Hand over what is still held back."""
        self._ledger.finish()

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
            page = Findings(step, scalars)
            page.records.extend(events)
            self._schedule.charge(LOSS, self._clock() - start, "prepare")
        self._ledger.turn(page, now)
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
