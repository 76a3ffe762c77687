"""What the rules see at a beat, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from ergoscope_contract.answers import Alert
from ergoscope_server.alerts.engine import advance
from ergoscope_server.alerts.rule import Facts, Rule
from ergoscope_server.history.chronicle import Chronicle, mark
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.divergence import LONGEST, Divergence, divergence, smoothed
from ergoscope_server.indicators.level import START
from ergoscope_server.indicators.nonfinite import RECENT, first_offence, nonfinite_steps, offenders
from ergoscope_server.indicators.points import FloatArray, Points

MUTED = 200  # points from the start in which a rising loss is not yet news


@dataclass(frozen=True, slots=True)
class Losses:
    """The finite losses and their exponential averages, equally many."""

    points: Points
    averages: FloatArray


def losses(data: RunData) -> Losses:
    """Smooth the finite losses once for all beats."""
    finite = data.loss.finite()
    return Losses(finite, smoothed(finite.values))


def raise_flags(
    chronicle: Chronicle, data: RunData, known: Losses, step: int, *, run: str, now: float, rules: tuple[Rule, ...]
) -> tuple[Chronicle, list[Alert]]:
    """Show the rules what happened after the chronicle's step up to `step`, and mark what begins."""
    series = {"loss": data.loss.upto(step), "grad_norm": data.grad.upto(step)}
    offence = first_offence(series, after=chronicle.step)
    places = None
    if offence is not None and chronicle.firing("nonfinite") is None:
        places = offenders(data.layers(), upto=offence.step)
    chronicle = replace(chronicle, start=_start(chronicle, data))
    running = _divergence(chronicle, known, step)
    facts = Facts(
        now=now,
        step=step,
        offence=offence,
        bad=sum(len(nonfinite_steps(points.newest(RECENT))) for points in series.values()),
        places=places,
        divergence=running,
    )
    states, told = advance(rules, chronicle.rules, facts, run=run)
    climbing = running.rising if running is not None else chronicle.climbing
    return replace(with_marks(chronicle, told, step, rules=rules), rules=states, climbing=climbing), told


def with_marks(chronicle: Chronicle, told: Sequence[Alert], step: int, *, rules: tuple[Rule, ...]) -> Chronicle:
    """Mark the alerts that begin, those that are none but a notice as such.

    Args:
        chronicle: What is known before them.
        told: What the rules say.
        step: The step they say it at.
        rules: The rules that are on.
    """
    for alert in told:
        if alert.state == "firing" and chronicle.firing(alert.rule) is None:
            title = next(rule.title for rule in rules if rule.id == alert.rule)
            kind = "notice" if alert.severity == "info" else "alert"
            chronicle = mark(chronicle, alert.first_step or step, kind, title)
    return chronicle


def _start(chronicle: Chronicle, data: RunData) -> float | None:
    if chronicle.start is not None:
        return chronicle.start
    first = data.loss_head.finite().values
    return float(first[:START].mean()) if len(first) >= START else None


def _divergence(chronicle: Chronicle, known: Losses, step: int) -> Divergence | None:
    """Judge the loss against its past; nothing is said in the first 200 points of the run."""
    points = known.points.upto(step)
    if chronicle.start is None or len(points) < MUTED:
        return None
    reach = LONGEST + RECENT
    values = points.values[-reach:]
    averages = known.averages[: len(points)][-reach:]
    warming = chronicle.warm.phase == "rising"
    return divergence(values, averages, start=chronicle.start, tau=chronicle.tau, warming=warming)
