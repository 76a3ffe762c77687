"""The arrival log: what intake hands over, and how rows go in and out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, select

from ergoscope_contract.records import Attempt, Ending, Grid, Pulse, Run
from ergoscope_server.store.entry import Entry, read_entry
from ergoscope_server.store.tables import arrival
from ergoscope_server.store.writing import Writer


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """A histogram, sketch or spectrum as it is stored."""

    kind: str
    metric: str
    step: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """One batch, checked: everything in it can be stored.

    entry: packed points; empty when there are none.
    last_step: newest optimizer step it tells of.
    latest: newest value of the headline metrics it holds.
    events: packed records.
    """

    run: str
    attempt: int
    rank: int
    seq: int
    received: float
    entry: bytes = b""
    last_step: int | None = None
    latest: dict[str, float] = field(default_factory=dict)
    shapes: list[ShapeRow] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    about: Run | None = None
    begun: Attempt | None = None
    pulse: Pulse | None = None
    ended: Ending | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of the log as readers want it."""

    number: int
    attempt: int
    rank: int
    entry: Entry


_insert = Writer(arrival)
_AFTER = (
    select(arrival.c.number, arrival.c.attempt, arrival.c.rank, arrival.c.data)
    .where(arrival.c.run == bindparam("run"), arrival.c.number > bindparam("after"))
    .order_by(arrival.c.number)
    .limit(bindparam("limit"))
)


def append(connection: Connection, numbered: Iterable[tuple[int, Arrival]]) -> None:
    """Write rows under the numbers they were given."""
    _insert(connection, [(a.run, number, a.attempt, a.rank, a.seq, a.received, a.entry) for number, a in numbered])


def read_after(connection: Connection, run: str, after: int, *, limit: int = 1_000_000) -> list[Logged]:
    """Give the rows of a run numbered above `after`, oldest first, at most `limit`."""
    rows = connection.execute(_AFTER, {"run": run, "after": after, "limit": limit})
    return [Logged(number, attempt, rank, read_entry(data)) for number, attempt, rank, data in rows]
