"""Which probe runs at which step, so that the agent stays within its share of the time of a step.

Every probe starts as often as it may be taken. Its cost is timed, and when all of them together cost more than the
budget, the probe that is dearest for its importance is taken half as often, again and again until they fit or until
each is as rare as it may become. The loss is never thinned: every verdict rests on the whole series of it, and it costs
next to nothing except where a step itself takes next to nothing; `agent_overhead` says so then. What takes a visible
share of a step is rare whatever the budget has room for, so that the slowest steps are slow of themselves; not so what
somebody asked for, for which the budget alone is the limit.
"""

import math
import operator
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ergoscope.costs import Costs, Part
from ergoscope.periods import Task, fit_periods

Charge = Callable[[int, float, Part], None]  # task, seconds, part

_REVIEWS = (4, 8, 16, 32)  # steps after which the periods are looked at; later every 64
_REVIEW = 64
_HASTE = 32  # steps after which an overrun brings the next review forward
_SURER = 3  # doublings by which a period of what was asked for may grow with each reading
_TELL = 64  # steps before anything is said: the first costs are those of a cold start
_TELL_AGAIN = 512  # steps between two times that a change by one half or double is said of a task
_REMEMBERED = 15  # steps whose rest is looked at
_PAUSE = 4.0  # a step longer than this many usual ones holds something that is not training
_DEAR = 0.04  # of a step; what takes more makes a step stand out
_STANDING_OUT = 0.1  # of the budget: share of the steps at which one task may do so
_PLANNED = 0.7  # of the budget; the rest is for what the clock does not see: training that finds its caches cold
_LOOK = 2  # steps that are looked at as a whole when something happened: two can be compared
_APART = 64  # steps between two such looks
_WINDOW_FADE = 0.8  # weight of the past in what was spent and expected between two reviews
_FADE = 0.98  # weight of the past in the published overhead, a memory of 50 steps


@dataclass(frozen=True, slots=True)
class Thinned:
    """A change of a task's period, with the reason: seconds for one measurement and for a step, and the budget."""

    task: Task
    period: int
    before: int
    cost: float
    clean_step: float
    budget: float

    @property
    def text(self) -> str:
        """What the user is told."""
        names = ", ".join(self.task.quantities)
        return (
            f"{names}: now every {_steps(self.period)} (before: every {_steps(self.before)}), as one takes "
            f"{1e3 * self.cost:.3g} ms, a step {1e3 * self.clean_step:.3g} ms, "
            f"and the budget is {100 * self.budget:.3g} % of a step"
        )

    @property
    def data(self) -> dict[str, object]:
        """The same as numbers."""
        return {
            "quantities": list(self.task.quantities),
            "period": self.period,
            "before": self.before,
            "cost": self.cost,
            "clean_step": self.clean_step,
            "budget": self.budget,
        }


class Schedule:
    """Decides what is due, and keeps account of what it cost.

    A clean step is the time between two steps less what the agent used of it. The overhead is the agent's time over
    the time of clean steps, each summed with weights that fade (never a mean of ratios), over everything the agent
    does in the process of training, whether it was scheduled or not. What the agent's work does to the caches is not
    in it, so only 70 % of the budget are planned for.
    """

    def __init__(self, budget: float, tasks: Sequence[Task]) -> None:
        """Begin with every task as often as it may be.

        Args:
            budget: Share of a clean step's time, above 0, at most 1.
            tasks: What can be thinned; the first is the row that the others' values go with.

        Raises:
            ValueError: The budget is no such share.
        """
        if not 0 < budget <= 1:
            raise ValueError(f"budget is {budget}; it must be a share of the step's time above 0 and at most 1")
        self.budget = budget
        self._plan = _PLANNED * budget
        self.tasks = tuple(tasks)
        self.periods = [task.often for task in tasks]
        self._told = list(self.periods)
        self._told_at = [-_TELL_AGAIN for _ in tasks]
        self._costs = Costs(self.tasks)
        self.booked = 0.0  # seconds of all tasks since the last turn
        self._asked = 0.0  # and of those that somebody asked for
        self.trained = 0.0  # seconds of training in the last step, without the agent, and without what is no training
        self._apart = self._beyond = 0.0  # seconds since the last turn that nobody planned: of the host, of a device
        self._rest: deque[float] = deque(maxlen=_REMEMBERED)
        self._clean: deque[float] = deque(maxlen=33)
        self._usual = 0.0
        self._steps = 0
        self._reviewed = 0
        self._review_at = _REVIEWS[0]
        self._own_sum = self._clean_sum = 0.0
        self._own_window, self._window_steps = 0.0, 0
        self._spent = self._expected = 0.0  # seconds for what nobody asked for, over the last reviews
        self._strictness = 1.0
        self._everything = math.inf  # seconds of a step at which every task runs; not known yet
        self._saved = 0.0  # seconds of the budget that were not spent
        self._first, self._last = 0, -1  # steps of which it is noted what is due
        self._usual_day: list[bool] = []
        self._days: dict[int, list[bool]] = {}
        self._looks = 0  # steps that are still to be looked at as a whole
        self._looked = -_APART

    def urge(self) -> None:
        """Ask for everything at the next two steps, because something happened; at most once in 64 steps.

        What is to run alone is left out. They are paid from what the budget has saved up: where the saving does not
        reach, nothing happens.
        """
        if self._steps - self._looked >= _APART and self._saved >= _LOOK * self._everything:
            self._looked = self._steps
            self._looks = _LOOK

    def due(self, step: int) -> list[bool]:
        """For each task whether it runs at `step`."""
        if not self._first <= step <= self._last:
            self._lay_out(step)
        if self._looks > 0:
            self._looks -= 1
            return [due or not task.alone for due, task in zip(self._laid_out(step), self.tasks, strict=True)]
        return self._laid_out(step)

    def foresees(self, task: int, step: int) -> bool:
        """Whether a task will be due at a step to come, as the periods are now."""
        return self.tasks[task].falls_on(step, self.periods[task])

    def _laid_out(self, step: int) -> list[bool]:
        return self._days.get(step, self._usual_day).copy()

    def _lay_out(self, step: int) -> None:
        """Note for some steps to come what is due, as most of them are alike."""
        self._first, self._last = step, step + _REVIEW - 1
        always = [task.share(period) == 1.0 for task, period in zip(self.tasks, self.periods, strict=True)]
        self._usual_day, self._days = always, {}
        for i, (task, period) in enumerate(zip(self.tasks, self.periods, strict=True)):
            for at in [] if always[i] else task.falls_within(step, self._last, period):
                self._days.setdefault(at, always.copy())[i] = True

    def charge(self, task: int, seconds: float, part: Part) -> None:
        """Book time that a part of a task took; preparing counts to the measurement that follows."""
        self.booked += seconds
        if self.tasks[task].asked:
            self._asked += seconds
        self._costs.add(task, seconds, part)

    def charge_apart(self, host: float, device: float) -> None:
        """Book what somebody asked for, in seconds in hooks and those for which a device was busy beyond them.

        It counts as overhead, and nothing is thinned for it.
        """
        self._apart += host
        self._beyond += device

    def cost(self, task: int) -> float:
        """Seconds of one measurement with all its parts."""
        return self._costs.of(task)

    @property
    def overhead(self) -> float | None:
        """The agent's share of the time of clean steps; None before the second step."""
        return self._own_sum / self._clean_sum if self._clean_sum > 0 else None

    def turn(self, interval: float, own: float) -> list[Thinned]:
        """Close the account of a step.

        Args:
            interval: Seconds that the step took, the agent's work included.
            own: Seconds of it that the agent used.

        Returns:
            What is taken more rarely or more often from now on.
        """
        planned, own = own - self._apart, own + self._beyond
        clean = max(interval - own, 0.0)
        self._rest.append(max(planned - self.booked, 0.0))
        self._own_window += max(planned - self._asked, 0.0)
        self.booked = self._asked = self._apart = self._beyond = 0.0
        self._clean.append(clean)
        self.trained = training = min(clean, _PAUSE * self._usual) if self._usual else clean
        self._own_sum = self._own_sum * _FADE + own
        self._clean_sum = self._clean_sum * _FADE + training
        self._window_steps += 1
        saved = self._saved + self._plan * training - planned
        self._saved = min(max(saved, 0.0), 2 * _LOOK * self._everything)
        self._steps += 1
        hasty = self._steps - self._reviewed >= _HASTE and self._own_sum > 1.3 * self._plan * self._clean_sum
        if self._steps < self._review_at and not hasty:
            return []
        self._reviewed = self._steps
        self._review_at = next((at for at in _REVIEWS if at > self._steps), self._steps + _REVIEW)
        return self._review()

    def _review(self) -> list[Thinned]:
        # The lower quartile: on a busy machine slow steps are no promise of slow steps to come.
        self._usual = usual = sorted(self._clean)[len(self._clean) // 4]
        costs = [self.cost(task) for task in range(len(self.tasks))]
        self._tighten(costs)
        together = sum(cost for cost, task in zip(costs, self.tasks, strict=True) if not task.alone)
        self._everything = together + median(self._rest)
        allowed = max(self._strictness * self._plan * usual - median(self._rest), self._least(costs))
        wanted = [min(k, self._longest(i)) for i, (k, _) in enumerate(self._fit(costs, allowed, usual))]
        relaxed = [k for k, _ in self._fit(costs, 0.8 * allowed, usual)]
        changes = []
        for i, task in enumerate(self.tasks):
            before = self.periods[i]
            # Lengthen when it must be; shorten by half at most, and only when that leaves room to spare: no flicker. Of
            # what was asked for costs are means, which are steady, and more of it is what somebody waits for.
            ease = wanted[i] if task.asked else relaxed[i]
            self.periods[i] = now = wanted[i] if wanted[i] > before else max(before // 2, min(before, ease))
            if self._worth_telling(task, i, now):
                changes.append(Thinned(task, now, self._told[i], costs[i], usual, self.budget))
                self._told[i], self._told_at[i] = now, self._steps
        self._last = -1  # what was noted is of the periods before
        return changes

    def _least(self, costs: Sequence[float]) -> float:
        """However dear it is merely to be there, a quarter of the budget is spent on seeing something.

        Where something was asked for, that is something beyond what is taken at every step in any case.
        """
        each = list(zip(costs, self.tasks, strict=True))
        asked = any(task.asked and cost for cost, task in each)
        always = sum(cost for cost, task in each if task.rarest == 1) if asked else 0.0
        return 0.25 * self.budget * self._usual + always

    def _longest(self, i: int) -> int:
        """No period of a task may be longer yet: the first costs are those of a cold start."""
        task = self.tasks[i]
        if task.asked:  # a dear reading whenever twice as many steps are seen would be beyond the budget
            return task.often << _SURER * self._costs.readings(i)
        return max(1 << (self._steps.bit_length() - 1), task.often)

    def _fit(self, costs: Sequence[float], allowed: float, usual: float) -> Iterable[tuple[int, Task]]:
        apart = 1 << math.ceil(math.log2(1 / (_STANDING_OUT * self.budget)))
        # Of what was asked for the mean cost is known: strictness, which is in what is allowed, is not for it.
        weighed = [c * self._strictness if t.asked else c for c, t in zip(costs, self.tasks, strict=True)]
        periods = fit_periods(weighed, self.tasks, allowed=allowed, dear=_DEAR * usual, apart=apart)
        return zip(periods, self.tasks, strict=True)

    def _tighten(self, costs: Sequence[float]) -> None:
        # What the single costs do not show, cold caches above all, shows in the sum: then plan for less.
        each = zip(self.tasks, self.periods, strict=True)
        shares = [0.0 if task.asked else task.share(period) for task, period in each]
        expected = sum(map(operator.mul, costs, shares)) + median(self._rest)
        self._expected = _WINDOW_FADE * self._expected + self._window_steps * expected
        self._spent = _WINDOW_FADE * self._spent + self._own_window
        self._own_window, self._window_steps = 0.0, 0
        if self._steps > _REVIEWS[-1] and self._spent > 0:
            self._strictness = min(1.0, max(0.5, self._expected / self._spent))

    def _worth_telling(self, task: Task, i: int, now: int) -> bool:
        told = self._told[i]
        if self._steps < _TELL or told == now:
            return False
        far = max(now, told) >= 4 * min(now, told)
        return far or (task.often in (told, now) and self._steps - self._told_at[i] >= _TELL_AGAIN)


def _steps(period: int) -> str:
    return "step" if period == 1 else f"{period} steps"
