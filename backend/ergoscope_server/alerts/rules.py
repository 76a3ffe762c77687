"""The rules that are on by default. Thresholds are choices of ours, calibrated on noise alone."""

from ergoscope_server.alerts.notices import NOTICES
from ergoscope_server.alerts.rule import Facts, Observed, Rule
from ergoscope_server.indicators.numerals import count, plain, ranks

NONFINITE, DIVERGENCE, NO_DATA, RANK_SILENT = "nonfinite", "divergence", "no_data", "rank_silent"


def not_finite(facts: Facts) -> Observed | None:
    """Hold when a loss or gradient norm since the last look was NaN or infinite."""
    if facts.bad is None or facts.step is None:
        return None
    offence = facts.offence
    if offence is None:
        return Observed(False, float(facts.bad), 1.0, facts.step, facts.step)
    name = {"loss": "Loss", "grad_norm": "The gradient norm"}.get(offence.metric, offence.metric)
    words = {"what": name, "became": offence.became, "step": count(offence.step), "where": _where(facts)}
    return Observed(True, float(max(1, facts.bad)), 1.0, facts.step, offence.step, offence.metric, words)


def _where(facts: Facts) -> str:
    if facts.places is None:
        return ""
    step, layers = facts.places
    others = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
    return f" The first gradient that was not finite: {layers[0]}{others}, at step {count(step)}."


def diverging(facts: Facts) -> Observed | None:
    """Hold when the smoothed loss is beyond its limit and rising."""
    if facts.divergence is None or facts.step is None:
        return None
    d = facts.divergence
    words = {"level": plain(d.level), "limit": plain(d.limit), "step": count(facts.step)}
    return Observed(d.holds, d.level, d.limit, facts.step, facts.step, "loss", words)


def silent(facts: Facts) -> Observed | None:
    """Hold when a running job has logged no step for longer than it may."""
    if facts.silence is None:
        return None
    s = facts.silence
    alive = " Its process still reports, so the job itself stands still." if s.alive else ""
    words = {"limit": count(s.limit), "step": count(s.last_step), "alive": alive}
    return Observed(s.seconds > s.limit, s.seconds, s.limit, facts.now, s.last_step, "wall", words)


def missing(facts: Facts) -> Observed | None:
    """Hold when ranks of a running job have sent nothing for longer than they may, while others go on."""
    if facts.missing is None:
        return None
    m = facts.missing
    if not m.ranks:
        return Observed(False, 0.0, m.limit, facts.now, None)
    last = "" if m.last_step is None else f" The last step was {count(m.last_step)}."
    others = f"{m.others} other{'s go' if m.others != 1 else ' goes'} on"
    words = {"ranks": ranks(m.ranks), "limit": count(m.limit), "last": last, "others": others}
    return Observed(m.seconds > m.limit, m.seconds, m.limit, facts.now, m.last_step, "", words)


DEFAULT = (
    Rule(
        id=NONFINITE,
        title="not a number",
        severity="crit",
        condition=not_finite,
        persistence=1,
        cooldown=100,
        clock="steps",
        clear=0.8,
        text="{what} became {became} at step {step}.{where}",
    ),
    Rule(
        id=DIVERGENCE,
        title="divergence",
        severity="crit",
        condition=diverging,
        persistence=2,
        cooldown=200,
        clock="steps",
        clear=0.8,
        text="The loss is diverging: {level} on average over 50 steps at step {step}, above its limit of {limit}.",
    ),
    Rule(
        id=NO_DATA,
        title="no data",
        severity="warn",
        condition=silent,
        persistence=1,
        cooldown=60,
        clock="seconds",
        clear=0.8,
        text="No step for more than {limit} s while the job is running; the last was {step}.{alive}",
    ),
    Rule(
        id=RANK_SILENT,
        title="rank silent",
        severity="warn",
        condition=missing,
        persistence=1,
        cooldown=60,
        clock="seconds",
        clear=0.8,
        text="Nothing from {ranks} for more than {limit} s, while {others}.{last}",
        renews=True,
    ),
    *NOTICES,
)
