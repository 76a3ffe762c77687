"""Streams: points of one metric, attempt and rank whose steps never fall; see lanes."""

import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, delete, func, select

from ergoscope_server.store.packing import CHUNK
from ergoscope_server.store.tables import stream
from ergoscope_server.store.writing import Row, Writer

MANY_NAMES = 200  # from here on one scan of the run's streams is quicker than a look-up a name


@dataclass(slots=True)
class StreamState:
    """A stream's row.

    points: how many it has, in chunks of CHUNK and in the fragments after them.
    arrived: the newest arrival in it.
    newest: its last value.
    tail: how many points each of its fragments has.
    thinned: how many of its chunks, from the first on, are thinned; `thinned_to` is the last step of these.
    """

    number: int
    metric: str
    attempt: int
    rank: int
    lane: int
    points: int = 0
    first_step: int = 0
    last_step: int = 0
    arrived: int = 0
    newest: float = 0.0
    tail: list[int] = field(default_factory=list)
    thinned: int = 0
    thinned_to: int = 0

    @property
    def chunks(self) -> int:
        """Whole chunks."""
        return self.points // CHUNK


_OF_RUN = select(stream).where(stream.c.run == bindparam("run")).order_by(stream.c.stream)
_NAMED = _OF_RUN.where(stream.c.metric.in_(bindparam("metrics", expanding=True)))
_NAMES = (
    select(stream.c.metric)
    .where(stream.c.run == bindparam("run"))
    .group_by(stream.c.metric)
    .order_by(func.min(stream.c.stream))
)
_DELETE = delete(stream).where(stream.c.run == bindparam("of_run"), stream.c.stream == bindparam("number"))
_save = Writer(stream, update=True)
_NEWEST = struct.Struct("<d")


def load(connection: Connection, run: str, metrics: Collection[str] | None = None) -> list[StreamState]:
    """Give a run's streams, of some metrics where named, in the order of their numbers."""
    if metrics is None or len(metrics) > MANY_NAMES:
        states = (_state(*row) for row in connection.execute(_OF_RUN, {"run": run}))
        return [state for state in states if metrics is None or state.metric in metrics]
    return [_state(*row) for row in connection.execute(_NAMED, {"run": run, "metrics": sorted(metrics)})]


def names(connection: Connection, run: str) -> list[str]:
    """Give the metrics of a run's streams, in the order they were first folded."""
    return list(connection.execute(_NAMES, {"run": run}).scalars())


def save(connection: Connection, run: str, states: Iterable[StreamState]) -> None:
    """Write rows, new ones too."""
    _save(connection, [_row(run, state) for state in states])


def remove(connection: Connection, run: str, numbers: Collection[int]) -> None:
    """Delete streams' rows."""
    if numbers:
        connection.execute(_DELETE, [{"of_run": run, "number": number} for number in numbers])


def _state(
    _run: str,
    number: int,
    metric: str,
    attempt: int,
    rank: int,
    lane: int,
    points: int,
    first: int,
    last: int,
    arrived: int,
    newest: bytes,
    tail: bytes,
    thinned: int,
    thinned_to: int,
) -> StreamState:
    value: float = _NEWEST.unpack(newest)[0]
    sizes = list(struct.unpack(f"<{len(tail) // 2}H", tail))
    return StreamState(
        number, metric, attempt, rank, lane, points, first, last, arrived, value, sizes, thinned, thinned_to
    )


def _row(run: str, state: StreamState) -> Row:
    return (
        run,
        state.number,
        state.metric,
        state.attempt,
        state.rank,
        state.lane,
        state.points,
        state.first_step,
        state.last_step,
        state.arrived,
        _NEWEST.pack(state.newest),
        struct.pack(f"<{len(state.tail)}H", *state.tail),
        state.thinned,
        state.thinned_to,
    )
