"""What a rule is, and what it sees."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ergoscope_contract.answers import Reading, Severity, State
from ergoscope_server.indicators.divergence import Divergence
from ergoscope_server.indicators.nonfinite import Offence


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a running job has logged no new step.

    seconds, limit: the silence and how long it may last, s; alive: whether its process was heard of within the limit.
    """

    seconds: float
    limit: float
    last_step: int
    alive: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """Ranks of a running job that send nothing while others do.

    ranks: which; none when all send.
    seconds, limit: the longest of their silences by the newest batch of all, and how long one may last, s.
    last_step: the newest step that one of them told; others: how many ranks go on.
    """

    ranks: Sequence[int] = ()
    seconds: float = 0.0
    limit: float = 0.0
    last_step: int | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """A loss that has settled, or that had, as the newest judgement has it.

    state: as what; another one where it no longer has. since: the first step of the plateau.
    news: whether the plateau is new, or now counts as settled in another way.
    loss, gradient, balance, slope: readings of the plateau, None where there is no value.
    falls: whether the slope is four standard errors below zero, however small.
    parted: p of two halves of the plateau being draws of one distribution; None at a look that did not test that.
    means: of the two halves, where they differ beyond chance.
    """

    state: State
    since: int
    news: bool = False
    loss: Reading | None = None
    gradient: Reading | None = None
    balance: Reading | None = None
    slope: Reading | None = None
    falls: bool = False
    parted: float | None = None
    means: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run at one moment; None where this moment says nothing of it.

    step: newest step; now: Unix seconds.
    offence: first value since the last look that is not finite; bad: such values among the newest 100 points.
    places: layers whose gradient was not finite first, and the step, when the offence is new.
    """

    now: float
    step: int | None = None
    offence: Offence | None = None
    bad: int | None = None
    places: tuple[int, list[str]] | None = None
    divergence: Divergence | None = None
    silence: Silence | None = None
    missing: Missing | None = None
    settled: Settled | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What a rule makes of the facts: whether its condition holds, the number, its threshold, and words for the text.

    at: the moment in the rule's clock. step: the step an alert would begin at.
    """

    holds: bool
    value: float
    threshold: float
    at: float
    step: int | None
    metric: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, as data.

    id, title, severity: how it is called and how much it matters.
    condition: reads the facts; None means that they say nothing of it, and changes nothing.
    persistence: observations in a row that must hold before it fires, and be clear before it resolves.
    cooldown: how long after an end it stays quiet, in its clock ("steps" of the job or "seconds").
    clear: share of the threshold that the value must fall below to count as clear; the threshold is that of the firing.
    below: whether it fires below its threshold; then the value must rise above the threshold divided by that share.
    text: what the alert says, with the observation's words in braces.
    renews: whether a lasting alert says what is so now, not what was when it began.
    """

    id: str
    title: str
    severity: Severity
    condition: Callable[[Facts], Observed | None]
    persistence: int
    cooldown: float
    clock: Literal["steps", "seconds"]
    clear: float
    text: str
    renews: bool = False
    below: bool = False
