"""Where the learning rate jumps, and how far it drifts."""

import math

import numpy as np
from msgspec import Struct

from ergoscope_server.indicators.points import Points

JUMP = math.log(1.1)  # smaller changes are drift
LARGE = math.log(2.0)
CONTEXT = 1000  # logged values before a change that say whether changes are usual there
CAP = 2.0  # a fall to zero is compared as if it were e²-fold


class Change(Struct, frozen=True):
    """A jump of the learning rate; `step` is the first with the new rate."""

    step: int
    before: float
    after: float


def jumps(lr: Points, *, after: int) -> list[Change]:
    """Find the isolated jumps of the learning rate at steps after `after`.

    A change of more than 10 % between neighbours counts when the step before it changed less than a fifth as much: the
    steep end of a cosine and a warm-up are no jumps. A change below a factor of 2 must also be larger than three times
    any change in the 1,000 values before it: a staircase of small steps is a drift.

    Args:
        lr: Logged rates in step order, at least 1,000 before `after` where there are as many.
        after: Changes at or before this step are known already.
    """
    begin = max(0, int(np.searchsorted(lr.steps, after, side="right")) - CONTEXT)
    steps, values = lr.steps[begin:], lr.values[begin:]
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.abs(np.diff(np.log(values)))
    moves = np.minimum(np.nan_to_num(moves, nan=0.0, posinf=CAP), CAP)
    found = []
    for i in np.flatnonzero((moves > JUMP) & (steps[1:] > after)).tolist():
        isolated = i > 0 and moves[i - 1] < moves[i] / 5
        rare = moves[i] >= LARGE or not bool((moves[max(0, i - CONTEXT) : i] > moves[i] / 3).any())
        if isolated and rare:
            found.append(Change(int(steps[i + 1]), float(values[i]), float(values[i + 1])))
    return found


def drift(lr: Points) -> float:
    """Give the relative change of the learning rate from the first to the last value; 0 where there is none."""
    if len(lr) < 2 or lr.values[0] == 0 or not np.isfinite(lr.values[[0, -1]]).all():
        return 0.0
    return float(lr.values[-1] / lr.values[0]) - 1.0
