"""Play what is new of a run, beat by beat: schedule, flags, tests, state, ribbon.

Beats lie on a grid of steps, so what comes out depends on the series and hardly on when its points arrived.
"""

import dataclasses
import math
from collections.abc import Iterator

from msgspec.structs import replace

from ergoscope_contract.answers import Alert
from ergoscope_server.alerts.rule import Rule
from ergoscope_server.alerts.rules import DEFAULT
from ergoscope_server.history.chronicle import Chronicle, begin, rewind
from ergoscope_server.history.due import BEAT, FEWEST, judgement_due
from ergoscope_server.history.flags import Losses, losses, raise_flags
from ergoscope_server.history.notices import give_notices
from ergoscope_server.indicators.assessment import SQUARE, Assessment, RunData, assess
from ergoscope_server.indicators.edge import batch_ratio, follow_edge, sharpness_now
from ergoscope_server.indicators.level import START, Start, highest_level, starting_level
from ergoscope_server.indicators.nonfinite import nonfinite_steps
from ergoscope_server.indicators.numerals import plain
from ergoscope_server.indicators.parting import Retest, retest
from ergoscope_server.indicators.points import Points, spacing
from ergoscope_server.indicators.readings import NO_LOSS, readings
from ergoscope_server.indicators.schedule import jumps
from ergoscope_server.indicators.sentence import Situation, evidence, headline
from ergoscope_server.indicators.true_gradient import follow_peak
from ergoscope_server.indicators.verdict import SETTLED, Standing, joined, ribbon, settle
from ergoscope_server.indicators.warmup import follow

CATCH_UP = 400  # beats spent at most on what arrived all at once
CHANGES = ("lr", "warmup", "resume", "data", "level")  # marks of what began a new stretch
WARMING = "the learning rate is still warming up"


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """The history after the new points, and the alerts that began, went on or ended, each once, as it is now."""

    chronicle: Chronicle
    alerts: list[Alert]


@dataclasses.dataclass(frozen=True, slots=True)
class _Reel:
    """What every beat needs of the series, made once."""

    run: str
    data: RunData
    losses: Losses
    start: Start | None
    rules: tuple[Rule, ...]
    now: float
    stride: int


def play(
    chronicle: Chronicle,
    data: RunData,
    *,
    run: str,
    now: float,
    rules: tuple[Rule, ...] = DEFAULT,
    final: bool = False,
) -> Played:
    """Play the steps after the chronicle's.

    Args:
        chronicle: The history so far.
        data: The run's series, reaching back 10,000 losses before what is new.
        run: The run's id.
        now: Unix seconds, the time that alerts get.
        rules: The rules that are on.
        final: The run has ended: judge at its last step, wherever the grid lies.
    """
    newest = data.newest
    if newest is None:
        return Played(_worded_empty(chronicle, data), [])
    chronicle = _opened(_rewound(chronicle, data, newest), data)
    reel = _Reel(
        run, data, losses(data), starting_level(data.grad_head.finite().values), rules, now, spacing(data.loss.steps)
    )
    chronicle = replace(chronicle, stride=reel.stride)
    told: dict[str, Alert] = {}
    for step in _beats(chronicle, data, newest, reel.stride, final=final):
        chronicle, alerts = _beat(chronicle, reel, step, last=final and step == newest)
        told |= {alert.id: alert for alert in alerts}
    return Played(chronicle, list(told.values()))


def _rewound(chronicle: Chronicle, data: RunData, newest: int) -> Chronicle:
    """Go back when the series does: a resumed run lives some steps again."""
    earlier = [step - 1 for step, kind in data.resets if (step, kind) not in chronicle.met and step <= chronicle.step]
    if earlier and min(earlier) < newest:
        return rewind(chronicle, min(earlier))
    if newest < chronicle.step:  # resumed, though nobody said where: from here on at the latest
        return begin(rewind(chronicle, newest), newest, "resume", "resume")
    return chronicle


def _opened(chronicle: Chronicle, data: RunData) -> Chronicle:
    if chronicle.origin is not None:
        return chronicle
    first = [int(p.steps[0]) for p in (data.loss_head, data.grad_head, data.loss, data.grad) if len(p)]
    held = [int(p.steps[0]) for p in (data.loss, data.grad) if len(p)]
    return replace(chronicle, origin=min(first), reset=min(first), step=min(held) - 1)


def _beats(chronicle: Chronicle, data: RunData, newest: int, stride: int, *, final: bool) -> Iterator[int]:
    behind = newest - chronicle.step
    beat = max(BEAT * stride, math.ceil(behind / CATCH_UP))
    last = chronicle.step
    for step in range(chronicle.step + beat, newest + 1, beat):
        last = step
        yield step
    # A value that is not finite is news at once, and an end is an end.
    news = any(len(nonfinite_steps(p.since(last + 1))) for p in (data.loss, data.grad))
    if (last < newest and news) or (final and max(last, chronicle.judged) < newest) or (final and chronicle.judged < 0):
        yield newest


def _beat(chronicle: Chronicle, reel: _Reel, step: int, *, last: bool) -> tuple[Chronicle, list[Alert]]:
    chronicle = _scheduled(chronicle, reel.data, step)
    chronicle, alerts = raise_flags(
        chronicle, reel.data, reel.losses, step, run=reel.run, now=reel.now, rules=reel.rules
    )
    fresh = reel.data.grad.since(chronicle.step + 1).upto(step)
    if len(fresh) < START:
        fresh = reel.data.grad.upto(step).newest(START)
    chronicle = replace(chronicle, highest=max(chronicle.highest, highest_level(fresh.finite().values)))
    chronicle = replace(
        chronicle, edge=follow_edge(chronicle.edge, _edge_readings(chronicle, reel.data, step), step=step)
    )
    judged = _judged(chronicle, reel, step, last=last)
    noticed, more = give_notices(judged, step, before=chronicle, run=reel.run, now=reel.now, rules=reel.rules)
    chronicle = _beside(noticed, before=chronicle)
    spells = ribbon(
        chronicle.spells,
        chronicle.standing,
        flag=next(iter(chronicle.flags), ""),
        flagged_from=chronicle.flagged_from or step,
        first=chronicle.reset if chronicle.spells else (chronicle.origin or 0),
        last=step,
    )
    return replace(chronicle, step=step, spells=spells), [*alerts, *more]


def _beside(chronicle: Chronicle, *, before: Chronicle) -> Chronicle:
    """Begin a new stretch where a plateau ends because its loss took another level, though nothing tells why."""
    tested = chronicle.tested
    ends = before.standing.state in SETTLED and chronicle.standing.state not in SETTLED
    if not ends or tested is None or not tested.left or tested.at <= chronicle.reset:
        return chronicle
    return begin(chronicle, tested.at, "level", "loss takes another level")


def _edge_readings(chronicle: Chronicle, data: RunData, step: int) -> Points:
    held = data.recipe.held if data.recipe is not None else None
    if len(data.sharpness) or held is None:
        return data.sharpness
    sharp = data.measured("batch_sharpness").upto(step)
    return batch_ratio(sharp, data.lr.upto(step), held=held, after=max(chronicle.edge.last, chronicle.reset - 1))


def _scheduled(chronicle: Chronicle, data: RunData, step: int) -> Chronicle:
    """Follow the learning rate, and begin a new stretch where it jumps, its warm-up ends or the run resumes."""
    lr = data.lr.upto(step)
    before = chronicle.warm
    warm = follow(before, lr.since(chronicle.step + 1))
    after, chronicle = chronicle.step, replace(chronicle, warm=warm)
    if warm.phase == "rising":
        rising = Standing("WARMUP", "", chronicle.origin, "WARMUP")
        return chronicle if chronicle.standing.state == "WARMUP" else replace(chronicle, standing=rising)
    if before.phase == "rising" and warm.happened:
        chronicle = begin(chronicle, warm.risen + 1, "warmup", "warm-up ends")
    for change in jumps(lr, after=after):
        if change.step > chronicle.reset or not chronicle.cause:
            text = f"lr {plain(change.before)} → {plain(change.after)}"
            chronicle = begin(chronicle, change.step, "lr", text, change=change)
    for at, kind in data.resets:
        if at <= step and (at, kind) not in chronicle.met:
            chronicle = replace(begin(chronicle, at, kind, kind), met=[*chronicle.met, (at, kind)])
    return chronicle


def _judged(chronicle: Chronicle, reel: _Reel, step: int, *, last: bool) -> Chronicle:
    data = reel.data
    if chronicle.firing("nonfinite"):
        return chronicle
    if chronicle.standing.state == "WARMUP":
        return _worded(chronicle, reel, step, waiting=WARMING)
    if not len(data.loss):
        return _worded_empty(chronicle, data)
    if not (last or judgement_due(chronicle, first=step, last=step)):
        return chronicle
    return _worded(chronicle, reel, step)


def _worded(chronicle: Chronicle, reel: _Reel, step: int, *, waiting: str = "") -> Chronicle:
    """Assess the run unless it has to wait, and put what is known into readings and words."""
    found = None
    chronicle = replace(chronicle, peak=follow_peak(chronicle.peak, reel.data.measured(SQUARE).upto(step)))
    if not waiting:
        found, tested = _tested(chronicle, reel, step)
        tau = found.evidence.correlation.tau if found.evidence else chronicle.tau
        # Two looks at nearly the same data are one: only those far enough apart count towards a change of state.
        counts = chronicle.judged < 0 or step - chronicle.judged >= FEWEST * reel.stride
        if counts:
            standing = joined(settle(chronicle.standing, found), chronicle.spells, reset=chronicle.reset)
            chronicle = replace(chronicle, standing=standing)
        judged = step if found.evidence else -1
        chronicle = replace(chronicle, judged=judged, tau=tau, tested=tested)
    return _put(chronicle, reel, step, found, waiting=waiting)


def _tested(chronicle: Chronicle, reel: _Reel, step: int) -> tuple[Assessment, Retest | None]:
    """Put the run to all tests. A plateau is tested on itself: what came before says nothing of whether it lasts."""
    settled = chronicle.standing.state in SETTLED
    since = chronicle.standing.since if settled else None
    found = assess(
        reel.data,
        step=step,
        reset=max(chronicle.reset, since or 0),
        start=reel.start,
        highest=chronicle.highest,
        settled=settled,
        seed=step,
        peak=chronicle.peak,
        change=chronicle.reset,
    )
    if not settled:
        return found, None
    tested = retest(found, chronicle.tested, reel.data.loss.upto(step).finite().newest(found.have))
    return dataclasses.replace(found, left=tested is not None and tested.left), tested


def _put(chronicle: Chronicle, reel: _Reel, step: int, found: Assessment | None, *, waiting: str) -> Chronicle:
    lr, ratio = reel.data.lr.upto(step), reel.data.sharpness.upto(step)
    standing = chronicle.standing
    situation = Situation(
        standing.state,
        standing.why,
        standing.since,
        found,
        cause=chronicle.cause,
        change=chronicle.change,
        reset=chronicle.reset,
        lr=float(lr.values[-1]) if len(lr) else None,
        sharpness=sharpness_now(ratio.since(chronicle.reset)),
        edge=chronicle.edge.since is not None,
    )
    return replace(
        chronicle,
        readings=readings(
            found,
            reel.data.upto(step),
            since=chronicle.reset,
            changes=[mark.step for mark in chronicle.marks if mark.kind in CHANGES],
            waiting=waiting or NO_LOSS,
        ),
        headline=headline(situation),
        evidence=evidence(situation),
    )


def _worded_empty(chronicle: Chronicle, data: RunData) -> Chronicle:
    nothing = Situation("UNDECIDED", "short", None, None)
    known = readings(None, data, since=chronicle.reset)
    return replace(chronicle, readings=known, headline=headline(nothing), evidence=[])
