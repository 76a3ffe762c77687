"""What the server answers.

Numbers that JSON cannot say are the strings "NaN", "Infinity" and "-Infinity" (see `jsonable`).
"""

from typing import Literal

from msgspec import Struct, field

from ergoscope_contract.records import Fork, JsonObject
from ergoscope_contract.slices import SliceRequest

State = Literal["UNDECIDED", "WARMUP", "DESCENDING", "PLATEAU", "PLATEAU-INVARIANT", "STATIONARY-POINT", "DRIFTING"]
Flag = Literal["NONFINITE", "DIVERGING", "EDGE"]
Status = Literal["running", "silent", "finished", "failed", "crashed"]
RankStatus = Literal["running", "silent", "finished", "failed", "crashed", "never seen"]
Severity = Literal["info", "warn", "crit"]
SliceState = Literal["open", "measuring", "done", "refused"]


class Refusal(Struct, frozen=True, omit_defaults=True):
    """One value or record of a batch that was not kept, and why."""

    where: str
    reason: str


class Receipt(Struct, frozen=True, omit_defaults=True):
    """The answer to a batch. `stored` says that what was not refused is durable; `duplicate` that it already was.

    requests: slices that somebody waits for; repeated with each receipt until a whole or refused grid answers them.
    """

    stored: bool
    duplicate: bool = False
    values: int = 0
    refused: list[Refusal] = field(default_factory=list)
    requests: list[SliceRequest] = field(default_factory=list)


class Reading(Struct, frozen=True, omit_defaults=True):
    """One measured or estimated quantity with its uncertainty and its age.

    value, low, high: the estimate and its interval, in the catalogue's unit; None when absent.
    n: independent observations behind it, where that has a meaning.
    step: the last step it was measured at.
    how: how it was obtained, in words ("overlapping batch means, 95 %").
    absent: why there is no value; empty when there is one.
    """

    id: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: float | None = None
    step: int | None = None
    how: str = ""
    absent: str = ""


class Phrase(Struct, frozen=True, omit_defaults=True):
    """A piece of the evidence sentence; `reading` names the catalogue entry that defines the number in it."""

    text: str
    reading: str = ""


class Spell(Struct, frozen=True):
    """A stretch of the run's life in one state, flags before states: what the ribbon draws."""

    state: str
    first: int
    last: int


class Mark(Struct, frozen=True, omit_defaults=True):
    """Something to mark on the ribbon and the charts."""

    step: int
    kind: str
    text: str


class Verdict(Struct, frozen=True):
    """What a colleague would say of a run, with the evidence; written out in full, so that "UNDECIDED" is said too.

    lagging: ranks that are behind the others, while the run goes on.
    """

    run: str
    step: int
    state: State = "UNDECIDED"
    flags: list[Flag] = field(default_factory=list)
    headline: str = ""
    sentence: str = ""
    evidence: list[Phrase] = field(default_factory=list)
    since: int | None = None
    readings: list[Reading] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    lagging: list[int] = field(default_factory=list)


class Alert(Struct, frozen=True, omit_defaults=True):
    """One firing of a rule on a run."""

    id: str
    rule: str
    run: str
    severity: Severity
    state: Literal["firing", "resolved"]
    text: str
    first_step: int | None
    last_step: int | None
    started: float
    ended: float | None = None
    metric: str = ""
    value: float | None = None
    threshold: float | None = None


class Series(Struct, frozen=True, omit_defaults=True):
    """One series of one run: packed int64 steps and float64 values at full resolution, or buckets.

    points: how many points the asked range holds at full resolution.
    cursor: the run's arrival number up to which this answer is complete; ask for more with `since`.
    """

    run: str
    metric: str
    cursor: int
    points: int
    rank: int = 0
    steps: bytes = b""
    values: bytes = b""
    buckets: "Buckets | None" = None


class Buckets(Struct, frozen=True):
    """A series cut into stretches of steps; packed arrays of one length. No extreme is ever lost.

    first, last: steps of the first and last point (int64); low, high, mean, final: of the finite values (float64,
    NaN where there is none; `final` is the newest value as it is); count, nonfinite: points and those not finite.
    """

    first: bytes
    last: bytes
    low: bytes
    high: bytes
    mean: bytes
    final: bytes
    count: bytes
    nonfinite: bytes


class RankSummary(Struct, frozen=True, omit_defaults=True):
    """How one rank of an attempt stands, or several that were never seen.

    status: as of a run; "silent" when no batch came for `patience` seconds, though it has not ended; "never seen" when
        none ever came, though the job has such a rank. It may watch nothing, by choice, so this is no trouble.
    last_seen: when its newest batch came, Unix seconds by the service's clock; 0 when none did.
    behind: steps behind the foremost rank of the attempt; None while it has told no step.
    lags: whether it is further behind than late batches account for.
    lost: records that its ring could not take.
    upto: the last of several ranks that were never seen, of which `rank` is the first; None for one rank.
    """

    rank: int
    attempt: int
    status: RankStatus
    last_seen: float
    last_step: int | None = None
    behind: int | None = None
    lags: bool = False
    lost: int = 0
    host: str = ""
    patience: float = 10.0
    upto: int | None = None


class RunSummary(Struct, frozen=True, omit_defaults=True):
    """A row of the runs list, and the head of a run's page.

    ranks: of its newest attempt. While it goes on, of the ranks that have not ended: `ranks_silent` send nothing,
    `ranks_lagging` are further behind than late batches account for, and the hindmost is `behind` steps behind.
    archived: it is set aside, and not listed unless asked for.
    fork: the run that it was forked from, which may be there no more, and at which step.
    """

    id: str
    project: str
    name: str
    status: Status
    created: float
    last_seen: float
    last_step: int | None = None
    cursor: int = 0
    attempts: int = 1
    ranks: int = 1
    ranks_silent: int = 0
    ranks_lagging: int = 0
    behind: int = 0
    lost: int = 0
    config: JsonObject = field(default_factory=dict)
    system: JsonObject = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    group: str = ""
    job_type: str = ""
    notes: str = ""
    reason: str = ""
    state: State = "UNDECIDED"
    flags: list[Flag] = field(default_factory=list)
    headline: str = ""
    spells: list[Spell] = field(default_factory=list)
    latest: dict[str, float] = field(default_factory=dict)
    archived: bool = False
    fork: Fork | None = None


class Retention(Struct, frozen=True):
    """What a project keeps: of points older than so many days few are left; of runs that are over only, if `ended`."""

    project: str
    days: float
    ended: bool = False


class Share(Struct, frozen=True, omit_defaults=True):
    """A link by which whoever has it reads one run, until it expires or is taken back.

    who: made it. created, expires: Unix seconds.
    path: what follows the server's address in the link; told once, when it is made.
    """

    id: str
    run: str
    who: str
    created: float
    expires: float
    path: str = ""


class Landscape(Struct, frozen=True, omit_defaults=True):
    """What a slice has shown: a `Grid` with its numbers as lists, and the quadratic prediction beside them.

    predicted: as `values`, what slopes and curvatures at the centre predict; empty when they are not known.
    misfit: root mean square of values less predicted, over that of the larger of both less the centre: 0 for a
        quadratic, 1 where the prediction says nothing. None while rows are missing, without a prediction, or when both
        are flat to a millionth of the loss.
    """

    step: int
    axes: list[str]
    scales: list[float]
    offsets: list[list[float]]
    values: list[float]
    running: list[float] = field(default_factory=list)
    mode: str = ""
    predicted: list[float] = field(default_factory=list)
    misfit: float | None = None
    curvatures: list[float] = field(default_factory=list)
    slopes: list[float] = field(default_factory=list)
    update: float | None = None
    batch: str = ""
    how: str = "exact"


class Slice(Struct, frozen=True, omit_defaults=True):
    """A slice of the loss that somebody asked for, and what has come of it.

    state: open until the job begins with it, then measuring, then done or refused.
    asked: Unix seconds.
    request: as asked; None of a slice that another service was asked for.
    reason: why it was refused.
    landscape: as far as measured.
    """

    id: str
    state: SliceState
    asked: float
    request: SliceRequest | None = None
    reason: str = ""
    landscape: Landscape | None = None
