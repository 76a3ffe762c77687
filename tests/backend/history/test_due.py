"""What a look has to do, told from what is remembered and the run's newest step."""

import math

import pytest

from ergoscope_contract.answers import Alert, RunSummary
from ergoscope_server.alerts.engine import RuleState
from ergoscope_server.alerts.rules import NONFINITE
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.history.due import BEAT, beat_due, judgement_due


def _summary(last: int | None, **latest: float) -> RunSummary:
    return RunSummary("r", "p", "n", "running", 0.0, 0.0, last_step=last, latest=latest)


@pytest.mark.parametrize(
    ("stride", "last", "due"),
    [
        (0, 1000, True),  # how far losses lie apart is not known yet
        (1, None, True),
        (1, 1000, False),
        (1, 1000 + BEAT - 1, False),
        (1, 1000 + BEAT, True),
        (10, 1000 + BEAT, False),
        (10, 1000 + 10 * BEAT, True),
        (1, 999, True),  # it lives some steps again
    ],
)
def test_a_beat_comes_with_the_steps_of_25_losses(stride: int, last: int | None, due: bool) -> None:
    assert beat_due(Chronicle(step=1000, stride=stride), _summary(last)) is due


def test_a_value_that_is_not_finite_is_looked_at_once_and_then_with_the_beats() -> None:
    told = Alert("a", NONFINITE, "r", "crit", "firing", "", 1, 2, 0.0)
    known = Chronicle(step=1000, stride=1, rules={NONFINITE: RuleState(firing=told)})

    assert beat_due(Chronicle(step=1000, stride=1), _summary(1001, loss=math.nan))
    assert not beat_due(Chronicle(step=1000, stride=1), _summary(1001, loss=1.0))
    assert not beat_due(known, _summary(1001, loss=math.nan))


@pytest.mark.parametrize(
    ("judged", "reset", "last", "due"),
    [
        (-1, 0, 5000, True),
        (4900, 4700, 5000, True),  # 400 losses after a change every beat judges
        (4700, 0, 4946, False),  # 5 % of the stretch
        (4700, 0, 4953, True),
        (49_000, 0, 49_499, False),  # 500 at most
        (49_000, 0, 49_500, True),
        (4450, 4000, 4549, False),  # 100 at least
        (4450, 4000, 4550, True),
    ],
)
def test_judgements_come_with_a_twentieth_of_the_stretch(judged: int, reset: int, last: int, due: bool) -> None:
    chronicle = Chronicle(step=last - 20, judged=judged, reset=reset, stride=1)

    assert judgement_due(chronicle, first=last - 19, last=last) is due


def test_without_a_known_spacing_all_is_due() -> None:
    assert judgement_due(Chronicle(step=10, judged=5), first=11, last=12)
