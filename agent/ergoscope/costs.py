"""What one measurement of each task costs, from what its parts have taken so far."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from statistics import fmean, median, median_low
from typing import Literal

from ergoscope.periods import Task

Part = Literal["prepare", "measure", "read", "write"]

_SAMPLED: tuple[Part, ...] = ("measure", "read", "write")
_REMEMBERED = 15  # readings that a cost is worked out from
_MOST = 4.0  # usual readings that one may count for
_COLD = 0.25  # and the first


class Costs:
    """Remembers the last readings of each part of each task.

    The first time is a cold start: its cost would thin a task that is cheap. What somebody asked for is dear in any
    case, and rarely due: there a quarter of it counts until there is a second, as a track of curvature takes four times
    the products to begin with.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        """Begin without knowing anything of `tasks`."""
        self._tasks = tasks
        self._prepared = [0.0] * len(tasks)
        self._samples = [{part: deque[float](maxlen=_REMEMBERED) for part in _SAMPLED} for _ in tasks]
        self._times: Counter[tuple[int, Part]] = Counter()

    def add(self, task: int, seconds: float, part: Part) -> None:
        """Take note of a part; preparing counts to the measurement that follows."""
        if part == "prepare":
            self._prepared[task] += seconds
            return
        if part == "measure":
            seconds += self._prepared[task]
            self._prepared[task] = 0.0
        samples = self._samples[task][part]
        self._times[task, part] = times = self._times[task, part] + 1
        if times == 2:
            samples.clear()
        if times > 1 or self._tasks[task].asked:
            samples.append(seconds if times > 1 else _COLD * seconds)

    def readings(self, task: int) -> int:
        """How often it was measured."""
        return self._times[task, "measure"]

    def of(self, task: int) -> float:
        """Seconds of one measurement with all its parts.

        The sum of their medians, as anything may interrupt them; of what was asked for that of the means, as its
        readings are made of more products or of fewer, and long beside what interrupts them.
        """
        typical = mean if self._tasks[task].asked else median
        return sum(typical(samples) for samples in self._samples[task].values() if samples)


def mean(seconds: Iterable[float]) -> float:
    """Mean, of which none counts for more than four usual ones: a machine may have slept meanwhile.

    Args:
        seconds: At least one.

    Example:
        >>> mean([1.0, 1.0, 3.0, 3600.0])
        2.25
    """
    seen = list(seconds)
    most = _MOST * median_low(seen)
    return fmean(min(one, most) for one in seen)
