"""What the agent sends.

Numbers travel as struct of arrays: a batch names each series once in its key table, and a block holds the steps of
some rows once and the values of its series column by column. Packed arrays are little-endian.
Times are Unix seconds. A step is the number of optimizer steps done, counted by the job.
"""

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ergoscope_contract.errors import ShapeError
from ergoscope_contract.slices import MOST_POINTS

JsonObject = dict[str, object]  # what JSON can say, under string keys
Time = Annotated[float, Meta(ge=0, le=1e11)]  # Unix seconds; a time that is not finite is refused too
Count = Annotated[int, Meta(ge=0, le=2**53)]  # a number that every reader, JavaScript included, keeps exactly
Step = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[^\x00]*$")]
Label = Annotated[str, Meta(max_length=256)]
LONGEST_REASON = 2048  # characters
Reason = Annotated[str, Meta(max_length=LONGEST_REASON)]


class Fork(Struct, frozen=True):
    """Where a run begins: with what another run had done by a step, that step included."""

    run: str
    step: Step


class Run(Struct, frozen=True, omit_defaults=True):
    """Who a run is; sent with the first batch of an attempt and again when something of it changes.

    presumed: which of `project` and `name` nobody has given; there another attempt's word counts.
    fork: where it goes on from, if it was forked from another run; the first word on that stands.
    """

    id: str
    project: str
    name: str
    created: Time
    config: JsonObject = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    group: str = ""
    job_type: str = ""
    notes: str = ""
    presumed: list[str] = field(default_factory=list)
    fork: Fork | None = None


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One life of a run's process; a resumed run has several.

    `number` is the start in Unix milliseconds, so that attempts of one run are ordered without asking anyone.
    `parts` says on how many ranks the parameters' norms are taken, each of what it holds: 1 when rank 0 has them whole.
    """

    number: Count
    started: Time
    rank: Count = 0
    world_size: Count = 1
    parts: Count = 1
    host: str = ""
    pid: Count = 0
    system: JsonObject = field(default_factory=dict)


class Pulse(Struct, frozen=True, omit_defaults=True):
    """Sign of life of a rank: sent with every batch, and alone when there is nothing else to say."""

    wall: Time
    last_step: Step | None = None
    lost: Count = 0  # records that the ring could not take, since the attempt began


class Ending(Struct, frozen=True, omit_defaults=True):
    """How an attempt ended on one rank."""

    how: Literal["finished", "failed", "crashed"]
    wall: Time
    last_step: Step | None = None
    reason: str = ""


class Block(Struct, frozen=True, omit_defaults=True):
    """Rows that share the same series: steps once, values column by column.

    keys: indices into the batch's key table, one a column.
    steps: packed int64, one a row; JSON and hand-written senders may give a list of integers.
    values: packed columns one after the other, in the type `dtype`; or a list of columns, each a list of numbers.
    wall: time of the first and of the last row.
    """

    keys: list[int]
    steps: bytes | list[int]
    values: bytes | list[list[object]]
    dtype: Literal["f4", "f8"] = "f8"
    wall: tuple[float, float] | None = None


class Histogram(Struct, frozen=True, omit_defaults=True):
    """Counts of a tensor's entries by sign and binary exponent; two of them add.

    Bin j of `positive` and `negative` counts entries with floor(log2|x|) equal to low + j; the first and last bins
    also take what lies beyond. `zeros` and `nonfinite` are counted apart, so all counts add to the number of entries.
    """

    key: Name
    step: Step
    low: Step
    positive: list[Count]
    negative: list[Count]
    zeros: Count = 0
    nonfinite: Count = 0
    sampled: Count | None = None  # entries looked at when not all were


class Sketch(Struct, frozen=True, omit_defaults=True):
    """A linear CountSketch of a vector: `values` is packed float32; equal seeds make two sketches comparable."""

    key: Name
    step: Step
    seed: int
    values: bytes

    def __post_init__(self) -> None:
        _whole("values", self.values, 4, "float32")


class Spectrum(Struct, frozen=True, omit_defaults=True):
    """Quadrature nodes and weights of an operator's spectral density, packed float64, with how they were obtained."""

    key: Name
    step: Step
    nodes: bytes
    weights: bytes
    residuals: bytes = b""
    how: str = "exact"

    def __post_init__(self) -> None:
        _whole("nodes", self.nodes, 8, "float64")
        if len(self.weights) != len(self.nodes):
            raise ShapeError(f"weights hold {len(self.weights)} bytes, nodes {len(self.nodes)}; give one weight a node")
        if self.residuals and len(self.residuals) != len(self.nodes):
            raise ShapeError(
                f"residuals hold {len(self.residuals)} bytes, nodes {len(self.nodes)}; give one a node or none"
            )


class Grid(Struct, frozen=True, omit_defaults=True):
    """A slice of the loss: L(w + a u + b v) at offsets a, b, sent when finished or refused, and as rows come in.

    axes: what u and v are, in words; one or two.
    scales: the norms of u and v, which turn offsets into distances in weight norm; 1 for unit vectors.
    offsets: packed float64, one array an axis, in ascending order.
    values: packed float64, one an offset of u; with two axes row by row, row i at the i-th offset of u and along it
        every offset of v. NaN where not measured yet.
    running: as `values`, with the normalisation layers on their running statistics; empty for a model without such.
    mode: "batch statistics" when `values` were measured in that mode of such layers, else empty.
    curvatures, slopes: u'Hu (, v'Hv, and u'Hv unless it is 0) and g'u (, g'v) at the centre, of u and v as long as
        `scales` says: the quadratic prediction is L(w) + g'u a + u'Hu a^2 / 2.
    update: norm of the last update.
    batch: identity of the probe batch.
    partial: more rows will come; a later grid of the same request replaces this one.
    refused: why nothing was measured; then there are no offsets and values.
    """

    key: Name
    step: Step
    request: Name
    axes: Annotated[list[Label], Meta(max_length=2)]
    scales: Annotated[list[float], Meta(max_length=2)]
    offsets: list[bytes]
    values: bytes
    running: bytes = b""
    mode: Label = ""
    curvatures: Annotated[list[float], Meta(max_length=3)] = field(default_factory=list)
    slopes: Annotated[list[float], Meta(max_length=2)] = field(default_factory=list)
    update: float | None = None
    batch: Label = ""
    how: Label = "exact"
    partial: bool = False
    refused: Reason = ""

    def __post_init__(self) -> None:
        self._check_numbers()
        if self.refused:
            self._check_refusal()
        else:
            self._check_axes()
            self._check_values()

    def _check_numbers(self) -> None:
        for what, given in (("scales", self.scales), ("curvatures", self.curvatures), ("slopes", self.slopes)):
            for number, seen in enumerate(given):
                if not math.isfinite(seen):
                    raise ShapeError(f"{what}[{number}] is {seen}; it must be finite")
        if self.update is not None and not math.isfinite(self.update):
            raise ShapeError(f"update is {self.update}; it must be finite, or left out")

    def _check_refusal(self) -> None:
        if self.partial:
            raise ShapeError("the slice is refused and partial; a refusal is final")
        if any(self.offsets) or self.values or self.running:
            raise ShapeError("the slice is refused, yet holds offsets or values; leave them empty")

    def _check_axes(self) -> None:
        axes = len(self.axes)
        if axes not in (1, 2):
            raise ShapeError(f"{axes} axes; allowed: 1 or 2")
        for what, seen in (("scales", self.scales), ("offsets", self.offsets)):
            if len(seen) != axes:
                raise ShapeError(f"{len(seen)} {what} for {axes} axes; give one an axis")
        for what, given, allowed in (
            ("curvatures", self.curvatures, (0, 1) if axes == 1 else (0, 2, 3)),
            ("slopes", self.slopes, (0, axes)),
        ):
            if len(given) not in allowed:
                raise ShapeError(f"{len(given)} {what} for {axes} axes; allowed: {_or(allowed)}")

    def _check_values(self) -> None:
        size = 8
        for number, offsets in enumerate(self.offsets):
            _whole(f"offsets[{number}]", offsets, 8, "float64")
            points = len(offsets) // 8
            if not 1 <= points <= MOST_POINTS:
                raise ShapeError(f"offsets[{number}] hold {points} points; allowed: 1 to {MOST_POINTS}")
            size *= points
        if len(self.values) != size:
            raise ShapeError(f"values hold {len(self.values)} bytes; these offsets need {size}")
        if self.running and len(self.running) != size:
            raise ShapeError(f"running holds {len(self.running)} bytes; these offsets need {size}, or none")


class Event(Struct, frozen=True, omit_defaults=True):
    """Something that happened at a step, to be marked on the charts: lr_change, resume, agent, lost, note, ...

    data: of kind "agent" the `quantities` that it is of; `how` they are obtained, as part of a sentence; and `absent`,
        true where the text says why they are not measured.
    """

    kind: Name
    wall: Time
    step: Step | None = None
    text: str = ""
    data: JsonObject = field(default_factory=dict)


class Batch(Struct, frozen=True, omit_defaults=True):
    """One delivery. (run, attempt, rank, seq) names it for ever, so a replay is recognised."""

    version: int
    run: str
    attempt: Count
    rank: Count
    seq: Count
    keys: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)
    sketches: list[Sketch] = field(default_factory=list)
    spectra: list[Spectrum] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    about: Run | None = None
    begun: Attempt | None = None
    pulse: Pulse | None = None
    ended: Ending | None = None


def _whole(what: str, packed: bytes, size: int, dtype: str) -> None:
    if len(packed) % size:
        raise ShapeError(f"{what} hold {len(packed)} bytes; packed {dtype} needs a multiple of {size}")


def _or(numbers: tuple[int, ...]) -> str:
    return " or ".join(map(str, numbers))
