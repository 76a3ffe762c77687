"""A rule's life: persistence, one alert a firing, hysteresis, resolve, cooldown."""

import math
from dataclasses import replace

from ergoscope_contract.answers import Alert
from ergoscope_server.alerts.engine import RuleState, advance, close
from ergoscope_server.alerts.rule import Facts, Observed, Rule
from ergoscope_server.indicators.divergence import Divergence


def _above(facts: Facts) -> Observed | None:
    if facts.divergence is None or facts.step is None:
        return None
    d = facts.divergence
    return Observed(d.level > d.limit, d.level, d.limit, facts.step, facts.step, "loss", {"level": f"{d.level:g}"})


RULE = Rule(
    id="high",
    title="high",
    severity="warn",
    condition=_above,
    persistence=2,
    cooldown=50,
    clock="steps",
    clear=0.8,
    text="at {level}",
)


def _live(levels: list[float], *, rule: Rule = RULE, limit: float = 1.0) -> list[Alert]:
    """Show the rule a level every ten steps, and collect what it tells."""
    states: dict[str, RuleState] = {}
    told = []
    for number, level in enumerate(levels):
        facts = Facts(now=float(number), step=10 * number, divergence=Divergence(level, limit, True))
        states, alerts = advance((rule,), states, facts, run="r")
        told += alerts
    return told


def test_one_observation_is_not_enough() -> None:
    assert _live([0, 2, 0, 2, 0]) == []


def test_two_in_a_row_fire_one_alert_from_the_first_of_them() -> None:
    [alert] = _live([0, 2, 3])

    assert (alert.id, alert.state, alert.first_step, alert.last_step) == ("r-high-10", "firing", 10, 20)
    assert (alert.text, alert.value, alert.threshold, alert.severity) == ("at 3", 3.0, 1.0, "warn")


def test_it_stays_one_alert_while_it_lasts() -> None:
    told = _live([2, 2, 2, 2])

    assert {alert.id for alert in told} == {"r-high-0"}
    assert told[-1].last_step == 30


def test_between_eighty_percent_and_the_threshold_it_neither_fires_nor_resolves() -> None:
    assert [alert.state for alert in _live([2, 2, 0.9, 0.9, 0.9])] == ["firing"] * 4


def test_it_resolves_after_two_clear_observations() -> None:
    told = _live([2, 2, 0.7, 0.7])

    assert (told[-1].state, told[-1].ended) == ("resolved", 3.0)
    assert [alert.state for alert in told] == ["firing", "resolved"]


def test_one_clear_observation_does_not_resolve() -> None:
    assert _live([2, 2, 0.7, 2])[-1].state == "firing"


def test_after_an_end_it_rests() -> None:
    levels = [2.0, 2.0, 0.0, 0.0, 2.0, 2.0, 2.0]  # ended at step 30; resting until step 80

    assert [alert.state for alert in _live(levels)] == ["firing", "resolved"]
    assert [alert.first_step for alert in _live([*levels, 2.0, 2.0]) if alert.state == "firing"] == [0, 40]


def test_the_threshold_of_the_firing_counts_for_its_end() -> None:
    states, _ = advance((RULE,), {}, Facts(0.0, 0, divergence=Divergence(2, 1, True)), run="r")
    states, _ = advance((RULE,), states, Facts(1.0, 10, divergence=Divergence(2, 1, True)), run="r")

    for number in (2, 3, 4):  # the limit has moved up past the level, which has not come back
        facts = Facts(float(number), 10 * number, divergence=Divergence(2, 100, True))
        states, _ = advance((RULE,), states, facts, run="r")

    assert states["high"].firing is not None


def test_facts_that_say_nothing_change_nothing() -> None:
    states = {"high": RuleState(streak=1, first=10)}

    assert advance((RULE,), states, Facts(now=1.0), run="r") == (states, [])


def test_a_value_that_json_cannot_say_is_left_out() -> None:
    [alert] = _live([float("inf")], rule=replace(RULE, persistence=1))

    assert alert.value is None


def test_closing_ends_what_fires_and_forgets_what_was_seen_in_a_row() -> None:
    [alert] = _live([2, 2])
    states = {"high": RuleState(firing=alert), "other": RuleState(streak=1, ended=3.0), "third": RuleState(streak=1)}

    after, told = close(states, ("high", "other"), now=9.0)
    of_steps, _ = close(states, ("high",), now=9.0, at=700)

    assert [(a.state, a.ended) for a in told] == [("resolved", 9.0)]
    assert after == {"high": RuleState(ended=9.0), "other": RuleState(ended=3.0), "third": RuleState(streak=1)}
    assert of_steps["high"] == RuleState(ended=700)


def test_a_rule_may_fire_below_its_threshold_and_what_is_no_number_is_clear_of_it() -> None:
    def low(facts: Facts) -> Observed | None:
        seen = _above(facts)
        return None if seen is None else replace(seen, holds=seen.value < seen.threshold)

    rule = replace(RULE, condition=low, below=True)

    assert [alert.state for alert in _live([0.9, 0.9, 1.2, 1.2, 1.2], rule=rule)] == ["firing"] * 4
    assert [alert.state for alert in _live([0.9, 0.9, 1.3, 1.3], rule=rule)] == ["firing", "resolved"]
    assert [alert.state for alert in _live([0.9, 0.9, math.nan, math.nan], rule=rule)] == ["firing", "resolved"]
