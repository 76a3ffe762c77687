"""Everything that was logged of a run, series by series at full resolution, in pieces that fit into memory.

Unlike a chart it has every attempt whole, also what a newer one has replaced. Of several points that one attempt and
rank logged at one step, the last is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ergoscope_server.store.cells import Cells
from ergoscope_server.store.chunks import read_chunks, read_fragments, read_pyramid
from ergoscope_server.store.ends import EVERYTHING
from ergoscope_server.store.errors import UnknownSeriesError
from ergoscope_server.store.increments import read_cursor
from ergoscope_server.store.names import is_pattern
from ergoscope_server.store.points import HIGHEST, LOWEST, NO_POINTS, Points, join
from ergoscope_server.store.pyramid import unpack_rows
from ergoscope_server.store.series import Holding, read_holdings
from ergoscope_server.store.streams import StreamState

PIECE = 64  # chunks that are read at once


@dataclass(frozen=True, slots=True)
class Extract:
    """Points of one series, in step order within it; or, where these are thinned, the cells that are left of them."""

    metric: str
    attempt: int
    rank: int
    points: Points = NO_POINTS
    cells: Cells | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """The parts of a run in the order of its series; `thinned` says whether cells are among them."""

    thinned: bool
    parts: Iterator[Extract]


def extract(connection: Connection, run: str, metrics: Sequence[str], rank: int | None) -> Extraction:
    """Begin to read a run; its parts are read as they are asked for, all from the connection's snapshot.

    Args:
        connection: A snapshot, kept open until the last part is read.
        run: Its id.
        metrics: Names and patterns; none for everything.
        rank: Of one rank, or of each with None.

    Raises:
        UnknownRunError: there is no such run.
        UnknownSeriesError: it has no series of one of the names.
    """
    read_cursor(connection, run)
    holdings = read_holdings(connection, run, metrics or EVERYTHING, rank)
    missing = [held.metric for held in holdings if not held.attempts() and not is_pattern(held.metric)]
    if missing:
        raise UnknownSeriesError(f"run {run!r} has no series {missing[0]!r}; its list of metrics has those there are")
    thinned = any(state.thinned for held in holdings for state in held.streams)
    return Extraction(thinned, (part for held in holdings for part in _parts(connection, run, held)))


def _parts(connection: Connection, run: str, held: Holding) -> Iterator[Extract]:
    for attempt in sorted(held.attempts()):
        lanes = [state for state in held.streams if state.attempt == attempt]
        for state in lanes:
            for cells in _cells(connection, run, state):
                yield Extract(held.metric, attempt, held.rank, cells=cells)
        sources = [_points(connection, run, state) for state in lanes]
        if attempt in held.logged:
            sources.append(iter([held.logged[attempt].settled()]))
        for points in merged(sources):
            yield Extract(held.metric, attempt, held.rank, points)


def _cells(connection: Connection, run: str, state: StreamState) -> Iterator[Cells]:
    for low in range(0, state.thinned, PIECE):
        high = min(low + PIECE, state.thinned)
        rows = read_pyramid(connection, run, [state.number], level=1, low=low, high=high)
        yield unpack_rows([row.body for row in rows], 1)


def _points(connection: Connection, run: str, state: StreamState) -> Iterator[Points]:
    for low in range(state.thinned, state.chunks, PIECE):
        high = min(low + PIECE, state.chunks)
        yield join([one.packed.points() for one in read_chunks(connection, run, [state.number], low, high)])
    if state.tail:
        yield join([one.packed.points() for one in read_fragments(connection, run, [state.number])])


def merged(sources: Sequence[Iterator[Points]]) -> Iterator[Points]:
    """Give one point a step, in step order, holding of each source little more than it gives at once.

    Args:
        sources: Points whose steps never fall; of one step that counts which a later source, or the same one later,
            has.
    """
    held = [NO_POINTS for _ in sources]
    live = set(range(len(sources)))
    reached = LOWEST  # below this, every point was given
    while live:
        for i in sorted(live):
            if not len(held[i]) or int(held[i].steps[-1]) <= reached:
                more = next(sources[i], None)
                if more is None:
                    live.remove(i)
                else:
                    held[i] = join([held[i], more]) if len(held[i]) else more
        if live:
            reached = min(int(held[i].steps[-1]) for i in live)
            ready = join([_below(points, reached) for points in held]).settled()
            held = [points.within(reached, HIGHEST) for points in held]
            if len(ready):
                yield ready
    rest = join(held).settled()
    if len(rest):
        yield rest


def _below(points: Points, step: int) -> Points:
    """Give the points before a step; steps never fall."""
    end = int(points.steps.searchsorted(step))
    return Points(points.steps[:end], points.values[:end])
