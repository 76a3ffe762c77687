"""What the watcher remembers of a run between two looks, and the verdict it amounts to."""

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ergoscope_contract.answers import Alert, Flag, Mark, Phrase, Reading, Spell, State, Verdict
from ergoscope_server.alerts.engine import QUIET, RuleState
from ergoscope_server.alerts.rules import DIVERGENCE, NONFINITE
from ergoscope_server.history.roll import Roll
from ergoscope_server.indicators.edge import Edge, anew
from ergoscope_server.indicators.numerals import count, plain
from ergoscope_server.indicators.parting import Retest
from ergoscope_server.indicators.schedule import Change
from ergoscope_server.indicators.spells import cut, paint
from ergoscope_server.indicators.true_gradient import Peak
from ergoscope_server.indicators.verdict import Standing
from ergoscope_server.indicators.warmup import WarmUp

VERSION = 2
MARKS = 200
FLAGS: dict[str, Flag] = {NONFINITE: "NONFINITE", DIVERGENCE: "DIVERGING"}  # the gravest first


class Plateau(Struct, frozen=True):
    """The plateau that was told of last: as what, its first step, the last one it was seen at, and whether it is over.

    One that is taken up again after a doubt, or after a fall that turned out to be none, is the same.
    """

    state: State
    first: int
    last: int
    over: bool = False


class Chronicle(Struct, frozen=True, omit_defaults=True):
    """A run's history so far, as of `step`.

    origin: first step of the run; judged: step of the last assessment; stride: steps between two losses, 0 if unknown.
    reset, cause, change: first step of the stretch that is judged, what began it, and the learning-rate change if any.
    start: level of the loss at the start; highest: highest smoothed gradient norm; tau: last autocorrelation time.
    peak: what the gradient without noise was at the start and at its highest.
    climbing: whether a loss beyond its limit still rises. met: resets from events that were taken into account.
    edge: whether the run is at the edge of stability.
    plateau: what was told of a settled loss since the last change; tested: what the newest judgement makes of it.
    roll: what was told of the run's ranks.
    """

    version: int = VERSION
    origin: int | None = None
    step: int = -1
    judged: int = -1
    stride: int = 0
    reset: int = 0
    cause: str = ""
    change: Change | None = None
    warm: WarmUp = field(default_factory=WarmUp)
    start: float | None = None
    highest: float = 0.0
    peak: Peak = field(default_factory=Peak)
    tau: float = 1.0
    climbing: bool = False
    standing: Standing = field(default_factory=Standing)
    edge: Edge = field(default_factory=Edge)
    plateau: Plateau | None = None
    tested: Retest | None = None
    met: list[tuple[int, str]] = field(default_factory=list)
    roll: Roll = field(default_factory=Roll)
    rules: dict[str, RuleState] = field(default_factory=dict)
    spells: list[Spell] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    headline: str = ""
    evidence: list[Phrase] = field(default_factory=list)

    def firing(self, rule: str) -> Alert | None:
        """Give the alert of a rule while it lasts."""
        return self.rules.get(rule, QUIET).firing

    @property
    def flag(self) -> tuple[Flag, Alert] | None:
        """The gravest flag that an alert stands for, with the alert."""
        return next(((flag, alert) for rule, flag in FLAGS.items() if (alert := self.firing(rule))), None)

    @property
    def flags(self) -> list[Flag]:
        """All flags, the gravest first."""
        fired = [flag for rule, flag in FLAGS.items() if self.firing(rule)]
        return [*fired, "EDGE"] if self.edge.since is not None else fired

    @property
    def flagged_from(self) -> int | None:
        """The first step that the gravest flag is known for; None where nobody knows, or there is no flag."""
        return self.flag[1].first_step if self.flag else self.edge.since


def pack(chronicle: Chronicle) -> bytes:
    """Give the chronicle as bytes that a store keeps without looking."""
    return msgspec.msgpack.encode(chronicle)


def unpack(memory: bytes | None) -> Chronicle:
    """Give the chronicle back; a fresh one when there is none, or it is of another version or damaged.

    A fresh one is no loss: the history is played again from the stored series.
    """
    if not memory:
        return Chronicle()
    try:
        chronicle = msgspec.msgpack.decode(memory, type=Chronicle)
    except msgspec.DecodeError:
        return Chronicle()
    return chronicle if chronicle.version == VERSION else Chronicle()


def mark(chronicle: Chronicle, step: int, kind: str, text: str) -> Chronicle:
    """Put a mark at a step."""
    return replace(chronicle, marks=[*chronicle.marks, Mark(step, kind, text)][-MARKS:])


def begin(chronicle: Chronicle, step: int, cause: str, text: str, *, change: Change | None = None) -> Chronicle:
    """Start a new stretch at `step`: what was decided before does not speak about it."""
    spells = chronicle.spells
    if spells and spells[-1].last < step - 1:
        spells = paint(spells, spells[-1].state, first=spells[-1].first, last=step - 1)
    marked = replace(mark(chronicle, step, cause, text), spells=spells)
    return replace(
        marked,
        reset=step,
        cause=cause,
        change=change,
        standing=Standing(),
        edge=anew(chronicle.edge),
        plateau=None,
        tested=None,
        judged=-1,
    )


def rewind(chronicle: Chronicle, step: int) -> Chronicle:
    """Forget what came after a step, as when a run resumes from a checkpoint before its end."""
    return replace(
        chronicle,
        step=step,
        judged=-1,
        reset=min(chronicle.reset, step + 1),
        standing=Standing(),
        edge=anew(chronicle.edge, upto=step),
        plateau=None,
        tested=None,
        peak=replace(chronicle.peak, last=min(chronicle.peak.last, step)),
        spells=cut(chronicle.spells, after=step),
        marks=[m for m in chronicle.marks if m.step <= step],
    )


def verdict(chronicle: Chronicle, *, run: str, newest: int | None) -> Verdict:
    """Give the verdict; the ribbon reaches to the newest step, the readings say the step they were measured at.

    Args:
        chronicle: What is known.
        run: The run's id.
        newest: The newest step logged.
    """
    told = _flagged(chronicle)
    headline, evidence = told or (chronicle.headline, chronicle.evidence)
    last = max(chronicle.step, -1 if newest is None else newest)
    spells = chronicle.spells
    if spells and last > spells[-1].last:
        spells = paint(spells, spells[-1].state, first=spells[-1].first, last=last)
    words = "".join(phrase.text for phrase in evidence)
    return Verdict(
        run=run,
        step=max(0, last),
        state=chronicle.standing.state,
        flags=chronicle.flags,
        headline=headline,
        sentence=f"{headline} {words}".strip(),
        evidence=evidence,
        since=chronicle.standing.since,
        readings=chronicle.readings,
        spells=spells,
        marks=sorted(chronicle.marks, key=lambda m: m.step),
        lagging=chronicle.roll.named("lags"),
    )


def _flagged(chronicle: Chronicle) -> tuple[str, list[Phrase]] | None:
    if chronicle.flag is None:
        return None
    flag, alert = chronicle.flag
    if flag == "NONFINITE":
        first, full_stop, rest = alert.text.partition(". ")
        return first + "." if full_stop else first, [Phrase(rest, "nonfinite_count")] if rest else []
    step = count(alert.first_step or 0)
    headline = "The loss is diverging." if chronicle.climbing else f"The loss diverged at step {step}."
    return headline, [
        Phrase("Its average over 50 steps passed "),
        Phrase(plain(alert.threshold or 0.0), "loss"),
        Phrase(f", the limit that its own past sets, at step {step}."),
    ]
