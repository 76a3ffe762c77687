"""What a look at a run will have to do, told before its series are read: nothing, a beat, or a judgement."""

import math

from ergoscope_contract.answers import RunSummary
from ergoscope_server.alerts.rules import NONFINITE
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.indicators.plateau import LEAST

BEAT = 25  # points between two looks at flags and schedule
FEWEST, MOST = 100, 500  # points between two assessments: 5 % of the stretch, within these bounds


def beat_due(chronicle: Chronicle, summary: RunSummary) -> bool:
    """Say whether there may be something to play: a beat, an earlier step than before, or a value that is not finite.

    A value that is not finite is news at once while it is the newest, and with the next beat where others follow it.
    """
    last, broken = summary.last_step, not all(math.isfinite(value) for value in summary.latest.values())
    if chronicle.stride == 0 or last is None or (broken and chronicle.firing(NONFINITE) is None):
        return True
    return not chronicle.step <= last < chronicle.step + BEAT * chronicle.stride


def judgement_due(chronicle: Chronicle, *, first: int, last: int) -> bool:
    """Say whether a run may have to be judged at one of the steps from `first` to `last`.

    It is at every beat while its stretch is short, and after 5 % of the stretch then, but no more than 500 points.
    """
    stride = chronicle.stride
    if stride == 0 or chronicle.judged < 0 or first - chronicle.reset < LEAST * stride:
        return True
    period = min(MOST, max(FEWEST, 0.05 * (last - chronicle.reset) / stride)) * stride
    return last - chronicle.judged >= period
