"""What the catalogue says of one quantity."""

import re
from dataclasses import dataclass, fields
from enum import Enum
from typing import Literal

Kind = Literal["probe", "indicator", "service"]
Shape = Literal["global", "layer", "group", "histogram", "sketch", "spectrum", "grid", "state"]

_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TIERS = (0, 1, 2, 3)
_MAY_BE_EMPTY = ("unit", "source", "absent")  # a pure number has no unit; what we defined ourselves has no source


class Family(Enum):
    """Which question a quantity helps to answer."""

    ST = "stationarity"
    LS = "loss stabilization"
    SB = "stability"
    GE = "generalization"
    CA = "capacity and structure"
    OP = "operations"


class Cost(Enum):
    """What one value costs the training job."""

    NONE = "nothing: the number is there already"
    PASS = "passes over the parameters"
    FORWARD = "forward runs of a batch"
    GRADIENT = "gradients of extra batches"
    PRODUCTS = "Hessian-vector products"
    SERVER = "nothing: computed by the service from stored series"
    RUNS = "whole extra runs"
    OFFLINE = "work done apart from the training steps"


class Reduce(Enum):
    """How the values of several ranks become one."""

    SQUARES = "root of the sum of squares over shards"
    SUM = "sum"
    MEAN = "mean"
    MAX = "maximum"
    RATIO = "ratio of its parts, each brought together first"
    COUNTS = "counts added bin by bin"
    FIRST = "rank 0"
    SERIES = "none: computed from stored series"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One quantity: what it is called, what it means, how it is made, how it fails.

    id: its name on the wire, in snake_case; a layer's own series is "id/parameter name".
    name, symbol, unit: for axes and tables; `unit` is empty for pure numbers.
    shape: "global" one number a step; "layer" also one for each parameter, "group" one for each group of them; else
        what a record of it holds.
    range: the values it can take.
    family, also: the question it belongs to, and a second one where it serves two.
    tooltip: what it says, in plain words; formula: how it is computed; failure: how it misleads.
    source: where it comes from; empty when the definition is ours or everybody's.
    cost, tier: what one value costs; 0 every step, 1 every few tens, 2 every few hundred, 3 by epoch or on demand.
    reduce: how ranks are brought together.
    test: the case with a known answer that holds it.
    kind: who makes it: a probe in the job, an indicator in the service, or the service itself on arrival.
    made: this version measures it; otherwise `absent` says why there is no value.

    Raises:
        ValueError: the id is not snake_case, the tier is not 0 to 3, a text is empty, or `absent` contradicts `made`.
    """

    id: str
    name: str
    symbol: str
    unit: str = ""
    shape: Shape = "global"
    range: str
    family: Family
    also: Family | None = None
    tooltip: str
    formula: str
    failure: str
    source: str = ""
    cost: Cost
    tier: int
    reduce: Reduce
    test: str
    kind: Kind
    made: bool = False
    absent: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"catalogue id is {self.id!r}; it must be snake_case, such as 'grad_norm'")
        if self.tier not in _TIERS:
            raise ValueError(f"{self.id}: tier is {self.tier}; it must be 0, 1, 2 or 3")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str) and field.name not in _MAY_BE_EMPTY and not value.strip():
                raise ValueError(f"{self.id}: {field.name} is empty; say it in words")
        if self.made and self.absent:
            raise ValueError(
                f"{self.id}: it is made, so it cannot be absent because {self.absent!r}; drop one of the two"
            )
        if not self.made and not self.absent.strip():
            raise ValueError(f"{self.id}: it is not made; 'absent' must say why")
