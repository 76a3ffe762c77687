"""How long a running job may say nothing."""

from dataclasses import dataclass, replace

import numpy as np

from ergoscope_server.indicators.points import Points

LEAST_S = 30.0
STEPS = 5.0  # median step times
PAUSES = 1.5  # longest pauses seen, as for a validation after every epoch


@dataclass(frozen=True, slots=True)
class Heard:
    """When a run was heard of, in the watch's own clock, so that a job's clock does not matter.

    first: the first look.
    step, since: its newest step and when that came; sign, sign_since: its last sign of life and when that came.
    """

    step: int | None
    since: float
    sign: float
    sign_since: float
    first: float


def hear(heard: Heard | None, *, step: int | None, sign: float, now: float) -> Heard:
    """Note what is known of a run now; what did not change keeps its time.

    Args:
        heard: What was known; None at the first look, which counts as news, since the watch may just have started.
        step: Newest step of the run.
        sign: Its last sign of life, in the job's clock; only whether it changed matters.
        now: The watch's clock, s.
    """
    if heard is None:
        return Heard(step, now, sign, now, now)
    if step != heard.step:
        heard = replace(heard, step=step, since=now)
    if sign != heard.sign:
        heard = replace(heard, sign=sign, sign_since=now)
    return heard


def pace(wall: Points) -> float | None:
    """Give the median seconds a step takes; None while too few times are known, or they do not rise.

    Args:
        wall: Times at which steps were logged, s, by step.
    """
    if len(wall) < 2:
        return None
    usual = float(np.median(np.diff(wall.values) / np.maximum(np.diff(wall.steps), 1)))
    return usual if usual > 0 else None


def patience(wall: Points) -> float:
    """Give the seconds a run may be silent: 30 s, 5 median step times, or 1.5 times the longest pause it has made.

    Args:
        wall: Times at which steps were logged, s, by step.
    """
    if len(wall) < 2:
        return LEAST_S
    steps, seconds = np.diff(wall.steps), np.diff(wall.values)
    usual = float(np.median(seconds / np.maximum(steps, 1)))
    longest = float(np.max(seconds - usual * np.maximum(steps - 1, 0)))
    return max(LEAST_S, STEPS * usual, PAUSES * longest)
