"""A rule's state over time: persistence, one alert a firing, hysteresis, resolve, cooldown."""

import math
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ergoscope_contract.answers import Alert
from ergoscope_server.alerts.rule import Facts, Observed, Rule


class RuleState(Struct, frozen=True, omit_defaults=True):
    """Where one rule stands on one run.

    streak: observations in a row that held; first: step of the first of them.
    firing: the alert, while it lasts; clear: observations in a row that were clear of it.
    ended: when the last alert ended, in the rule's clock.
    """

    streak: int = 0
    first: int | None = None
    firing: Alert | None = None
    clear: int = 0
    ended: float | None = None


QUIET = RuleState()


def advance(
    rules: tuple[Rule, ...], states: Mapping[str, RuleState], facts: Facts, *, run: str
) -> tuple[dict[str, RuleState], list[Alert]]:
    """Show the facts to every rule.

    Args:
        rules: The rules that are on.
        states: Where each stands, by rule id; a missing one is quiet.
        facts: What is known at this moment.
        run: The run it is known of.

    Returns:
        The new states, and the alerts that began, went on with a newer step, or ended.
    """
    after, told = dict(states), []
    for rule in rules:
        observed = rule.condition(facts)
        if observed is None:
            continue
        state = states.get(rule.id, QUIET)
        step = _firing if state.firing else _quiet
        after[rule.id], alert = step(rule, state, observed, facts, run)
        if alert is not None:
            told.append(alert)
    return after, told


def close(
    states: Mapping[str, RuleState], ids: tuple[str, ...], *, now: float, at: float | None = None
) -> tuple[dict[str, RuleState], list[Alert]]:
    """End the alerts of some rules, as when a run ends and its silence is no longer news.

    Args:
        states: Where each rule stands.
        ids: Which rules; what they have seen in a row is forgotten.
        now: Unix seconds.
        at: The moment in the rules' clock where that is not `now`.
    """
    after, told = dict(states), []
    for rule in ids:
        state = states.get(rule, QUIET)
        if state.firing is not None:
            after[rule] = RuleState(ended=now if at is None else at)
            told.append(replace(state.firing, state="resolved", ended=now))
        elif state.streak:
            after[rule] = RuleState(ended=state.ended)
    return after, told


def _quiet(rule: Rule, state: RuleState, seen: Observed, facts: Facts, run: str) -> tuple[RuleState, Alert | None]:
    if not seen.holds:
        return RuleState(ended=state.ended), None
    streak = state.streak + 1
    first = state.first if state.first is not None else seen.step
    resting = state.ended is not None and seen.at - state.ended < rule.cooldown
    if streak < rule.persistence or resting:
        return RuleState(streak, first, ended=state.ended), None
    alert = Alert(
        id=f"{run}-{rule.id}-{first}",
        rule=rule.id,
        run=run,
        severity=rule.severity,
        state="firing",
        text=rule.text.format_map(dict(seen.words)),
        first_step=first,
        last_step=facts.step if facts.step is not None else seen.step,
        started=facts.now,
        metric=seen.metric,
        value=_finite(seen.value),
        threshold=_finite(seen.threshold),
    )
    return RuleState(streak, first, alert, ended=state.ended), alert


def _firing(rule: Rule, state: RuleState, seen: Observed, facts: Facts, run: str) -> tuple[RuleState, Alert | None]:
    alert = state.firing
    assert alert is not None and alert.run == run
    limit = seen.threshold if alert.threshold is None else alert.threshold
    if seen.holds or _near(rule, seen.value, limit):
        lasting = replace(alert, last_step=facts.step if facts.step is not None else alert.last_step)
        if rule.renews and seen.holds:
            lasting = replace(lasting, text=rule.text.format_map(dict(seen.words)))
        return replace(state, firing=lasting, clear=0), (lasting if lasting != alert else None)
    if state.clear + 1 < rule.persistence:
        return replace(state, clear=state.clear + 1), None
    return RuleState(ended=seen.at), replace(alert, state="resolved", ended=facts.now)


def _near(rule: Rule, value: float, limit: float) -> bool:
    """Say whether a value has not come far enough back from its limit; one that is no number has."""
    if rule.below:
        return value <= limit + (1 / rule.clear - 1) * abs(limit)
    return value >= limit - (1 - rule.clear) * abs(limit)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
