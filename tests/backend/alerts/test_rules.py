"""The default rules: when they hold, and what they say."""

import math

import pytest

from ergoscope_server.alerts.engine import RuleState, advance
from ergoscope_server.alerts.rule import Facts, Missing, Silence
from ergoscope_server.alerts.rules import DEFAULT, diverging, not_finite
from ergoscope_server.indicators.divergence import Divergence
from ergoscope_server.indicators.nonfinite import Offence

NAN = Offence("loss", 7713, math.nan)


def _text(*moments: Facts) -> list[str]:
    states: dict[str, RuleState] = {}
    texts = []
    for facts in moments:
        states, told = advance(DEFAULT, states, facts, run="r")
        texts += [alert.text for alert in told]
    return texts


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (Facts(0.0, 7725, NAN, bad=13), "Loss became NaN at step 7,713."),
        (
            Facts(0.0, 7725, NAN, bad=13, places=(7712, ["conv1.weight"])),
            "Loss became NaN at step 7,713. The first gradient that was not finite: conv1.weight, at step 7,712.",
        ),
        (
            Facts(0.0, 10, Offence("grad_norm", 9, math.inf), bad=1, places=(9, ["a", "b", "c"])),
            "The gradient norm became infinite at step 9. The first gradient that was not finite: a and 2 more, at "
            "step 9.",
        ),
        (
            Facts(0.0, silence=Silence(45.2, 30.0, 7713)),
            "No step for more than 30 s while the job is running; the last was 7,713.",
        ),
        (
            Facts(0.0, silence=Silence(45.2, 30.0, 7713, alive=True)),
            "No step for more than 30 s while the job is running; the last was 7,713. Its process still reports, so "
            "the job itself stands still.",
        ),
    ],
)
def test_what_one_look_is_enough_for(facts: Facts, text: str) -> None:
    assert _text(facts) == [text]


def test_divergence_takes_two_looks() -> None:
    high = Divergence(5.25, 1.125, rising=True)

    assert _text(Facts(0.0, 100, divergence=high)) == []
    assert _text(Facts(0.0, 100, divergence=high), Facts(1.0, 125, divergence=high)) == [
        "The loss is diverging: 5.25 on average over 50 steps at step 125, above its limit of 1.12."
    ]


def test_a_high_loss_that_no_longer_rises_does_not_fire() -> None:
    seen = diverging(Facts(0.0, 100, divergence=Divergence(5.0, 1.0, rising=False)))

    assert seen is not None
    assert not seen.holds


def test_a_recovered_series_is_clear_of_its_threshold() -> None:
    seen = not_finite(Facts(0.0, 8000, bad=0))

    assert seen is not None
    assert (seen.holds, seen.value < 0.8 * seen.threshold) == (False, True)


def test_rules_are_silent_about_what_they_are_not_told() -> None:
    assert {rule.condition(Facts(now=0.0, step=None)) for rule in DEFAULT} == {None}
    assert {rule.condition(Facts(now=0.0, step=7)) for rule in DEFAULT} == {None}


def test_ids_and_severities() -> None:
    assert [(rule.id, rule.severity) for rule in DEFAULT] == [
        ("nonfinite", "crit"),
        ("divergence", "crit"),
        ("no_data", "warn"),
        ("rank_silent", "warn"),
        ("plateau", "info"),
        ("false_convergence", "info"),
        ("invariance_broken", "warn"),
    ]


def test_a_silent_rank_is_named_and_the_alert_follows_who_is_silent_until_none_is() -> None:
    looks = [
        Missing([3], 20.0, 30.0, 1204, others=7),
        Missing([3], 31.0, 30.0, 1204, others=7),
        Missing([3, 5], 33.0, 30.0, 1204, others=6),
        Missing([5], 60.0, 30.0, None, others=1),
        Missing(limit=30.0),
    ]
    states: dict[str, RuleState] = {}
    found = []

    for now, look in enumerate(looks):
        states, told = advance(DEFAULT, states, Facts(float(now), missing=look), run="r")
        found += [(alert.id, alert.state, alert.text) for alert in told]

    assert found == [
        (
            "r-rank_silent-1204",
            "firing",
            "Nothing from rank 3 for more than 30 s, while 7 others go on. The last step was 1,204.",
        ),
        (
            "r-rank_silent-1204",
            "firing",
            "Nothing from ranks 3 and 5 for more than 30 s, while 6 others go on. The last step was 1,204.",
        ),
        ("r-rank_silent-1204", "firing", "Nothing from rank 5 for more than 30 s, while 1 other goes on."),
        ("r-rank_silent-1204", "resolved", "Nothing from rank 5 for more than 30 s, while 1 other goes on."),
    ]


def test_a_rank_that_may_be_silent_for_longer_does_not_fire() -> None:
    assert _text(Facts(0.0, missing=Missing([3], 40.0, 120.0, 9, others=1))) == []
