"""What can be measured less often, and how often each is when all have to fit into a share of the time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True, slots=True)
class Task:
    """Something that can be measured less often.

    name: for texts; quantities: catalogue ids that come of it.
    patience: how readily it waits: of two that cost the same per step, the one with more patience is thinned first.
    often, rarest: the shortest and the longest period it may have, powers of two; both 1 for what is never thinned.
    run: steps one after the other at which it is measured in each period, for what compares successive steps.
    phase: steps by which its period begins later, so that not all that is dear falls on the same step.
    alone: whether it is left out when everything is asked for, as it costs more than all the rest.
    sways: whether it begins every other time one step later, so that what swings with period two is seen on both sides.
    asked: whether it is there only because somebody asked for it, who then expects steps that stand out.
    """

    name: str
    quantities: tuple[str, ...]
    patience: float
    rarest: int = 1024
    often: int = 1
    run: int = 1
    phase: int = 0
    alone: bool = False
    sways: bool = False
    asked: bool = False

    def falls_on(self, step: int, period: int) -> bool:
        """Whether it is due at a step, with that period."""
        since = step - self.phase
        late = self.sways and period > self.run and since // period % 2
        return self.run > (since - late) % period

    def falls_within(self, first: int, last: int, period: int) -> list[int]:
        """The steps from `first` to `last` at which it is due, with that period.

        Example:
            >>> Task("any", (), 1.0, run=2, phase=3).falls_within(0, 15, 8)
            [3, 4, 11, 12]
        """
        if period <= max(self.run, 8):
            return [step for step in range(first, last + 1) if self.falls_on(step, period)]
        begins = range(self.phase + (first - self.phase) // period * period, last + 1, period)
        near = sorted({begin + ahead for begin in begins for ahead in range(self.run + 1)})
        return [step for step in near if first <= step <= last and self.falls_on(step, period)]

    def share(self, period: int) -> float:
        """Share of the steps at which it is measured."""
        return min(1.0, self.run / period)


def fit_periods(
    costs: Sequence[float], tasks: Sequence[Task], *, allowed: float, dear: float = math.inf, apart: int = 1
) -> list[int]:
    """Periods, powers of two, with which tasks cost at most `allowed` seconds a step together.

    The task that maximises cost per step * patience is halved first. What is left over then, as periods double, goes to
    what was asked for, the least patient first. When even the longest periods do not fit, every task is at its rarest.

    Args:
        costs: Seconds of one measurement of each task.
        tasks: What they are of.
        allowed: Seconds.
        dear: Seconds; a measurement that takes more makes a step stand out.
        apart: Steps from one such measurement to the next of the same task, at least, unless it was asked for.

    Example:
        >>> even = [Task("a", (), 1.0), Task("b", (), 1.0)]
        >>> fit_periods([3.0, 1.0], even, allowed=2.5)
        [2, 1]
        >>> asked = [Task("a", (), 1.0, asked=True), Task("b", (), 0.1, asked=True)]
        >>> fit_periods([10.0, 3.0], asked, allowed=3.0)  # halving alone ends at [64, 2]
        [8, 2]
    """
    periods = [
        task.often if task.asked or cost <= dear else max(task.often, min(task.rarest, apart))
        for cost, task in zip(costs, tasks, strict=True)
    ]
    loads = [cost * task.share(period) for cost, task, period in zip(costs, tasks, periods, strict=True)]
    queue = [(-loads[i] * task.patience, i) for i, task in enumerate(tasks) if periods[i] < task.rarest]
    heapify(queue)
    while queue and sum(loads) > allowed:
        _, worst = heappop(queue)
        task = tasks[worst]
        periods[worst] *= 2
        loads[worst] = costs[worst] * task.share(periods[worst])
        if periods[worst] < task.rarest:
            heappush(queue, (-loads[worst] * task.patience, worst))
    for i in sorted((i for i, task in enumerate(tasks) if task.asked), key=lambda i: tasks[i].patience):
        while periods[i] > tasks[i].often and sum(loads) + loads[i] <= allowed:
            periods[i] //= 2
            loads[i] *= 2
    return periods
