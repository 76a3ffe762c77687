"""Projects that do not keep every point for ever: what they want, and the thinning of what is older.

Chunks are thinned from a stream's first one on, so a stream's row says all about it. What several ranks speak for
together is kept whole: it is made of all their points, as extremes of parts are not parts of extremes. How old a chunk
is follows from when its points arrived: the series of times tells of an age the number of the arrival, which every
chunk has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from sqlalchemy import Connection, and_, bindparam, delete, or_, select

from ergoscope_contract.answers import Retention
from ergoscope_server.store import chunks, streams
from ergoscope_server.store.chunks import Placed
from ergoscope_server.store.entry import WALL
from ergoscope_server.store.folding import FoldState, advance, read_state
from ergoscope_server.store.packing import CHUNK, Packed
from ergoscope_server.store.points import HIGHEST
from ergoscope_server.store.ranks import read_crew
from ergoscope_server.store.streams import StreamState
from ergoscope_server.store.tables import chunk, stream
from ergoscope_server.store.tables import retention as table
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.thinning import thin
from ergoscope_server.store.writing import Writer

DAY_S = 86_400.0
PIECE = 256  # chunks that one transaction thins

_save = Writer(table, update=True)
_ALL = select(table.c.project, table.c.days, table.c.ended).order_by(table.c.project)
_DELETE = delete(table).where(table.c.project == bindparam("of_project"))
_OLD = runs.c.last_seen <= bindparam("now") - table.c.days * DAY_S
_WHOLE = stream.c.points >= CHUNK * (stream.c.thinned + 1)
_DUE = (
    select(runs.c.id)
    .join(table, table.c.project == runs.c.project)
    .where(
        or_(_OLD, table.c.ended == 0),
        select(stream.c.stream).where(stream.c.run == runs.c.id, stream.c.metric != WALL, _WHOLE).exists(),
    )
    .order_by(runs.c.id)
)
_WANTED = (
    select(table.c.days, table.c.ended, runs.c.last_seen)
    .join(runs, table.c.project == runs.c.project)
    .where(runs.c.id == bindparam("run"))
)
_FIRST_WHOLE = (
    select(chunk.c.stream, chunk.c.arrived)
    .join(stream, and_(stream.c.run == chunk.c.run, stream.c.stream == chunk.c.stream))
    .where(chunk.c.run == bindparam("run"), chunk.c.number == stream.c.thinned, stream.c.metric != WALL)
)


@dataclass(frozen=True, slots=True)
class Thinned:
    """A step of thinning: chunks as they will be, and the rows of their streams."""

    before: FoldState
    chunks: list[Placed]
    streams: list[StreamState]


def read_policies(connection: Connection) -> list[Retention]:
    """Give what the projects want that want anything, by name."""
    rows = connection.execute(_ALL)
    return [Retention(row.project, row.days, bool(row.ended)) for row in rows]


def save_policy(connection: Connection, policy: Retention) -> None:
    """Keep what a project wants in place of what it wanted."""
    _save(connection, [(policy.project, policy.days, int(policy.ended))])


def drop_policy(connection: Connection, project: str) -> None:
    """Let a project keep everything from now on; what is thinned stays thinned."""
    connection.execute(_DELETE, {"of_project": project})


def read_due(connection: Connection, *, now: float) -> list[str]:
    """Give the runs that may have points which their projects do not keep any more."""
    return list(connection.execute(_DUE, {"now": now}).scalars())


def prepare_thinning(connection: Connection, run: str, *, now: float) -> Thinned | None:
    """Work out the next step of thinning a run; None when nothing of it is old enough."""
    states = streams.load(connection, run)
    reach = _reach(connection, run, states, now)
    if not reach:
        return None
    whole = {row.stream: row.arrived for row in connection.execute(_FIRST_WHOLE, {"run": run})}
    crew = read_crew(connection, run)
    ripe = [s for s in states if whole.get(s.number, HIGHEST + 1) <= reach[s.number] and crew.alone(s.metric)]
    if not ripe:
        return None
    made = Thinned(read_state(connection, run), [], [])
    for state in ripe:
        room = PIECE - len(made.chunks)
        if room == 0:
            break
        placed = chunks.read_chunks(connection, run, [state.number], state.thinned, state.thinned + room)
        old = list(takewhile(lambda one: one.packed.arrived <= reach[one.stream], placed))
        made.chunks.extend(replace(one, packed=thin(one.packed)) for one in old)
        state.thinned, state.thinned_to = old[-1].place + 1, old[-1].packed.last
        made.streams.append(state)
    return made


def write_thinning(connection: Connection, run: str, made: Thinned) -> bool:
    """Write a step of thinning; False, and nothing is written, when a fold came in between."""
    if not advance(connection, run, made.before, made.before):
        return False
    chunks.replace_chunks(connection, run, made.chunks)
    streams.save(connection, run, made.streams)
    return True


def _reach(connection: Connection, run: str, states: Sequence[StreamState], now: float) -> dict[int, int]:
    """Give by stream the newest arrival whose points are not kept any more; nothing where all are kept."""
    wanted = connection.execute(_WANTED, {"run": run}).first()
    if wanted is None:
        return {}
    limit = now - wanted.days * DAY_S
    if wanted.last_seen <= limit:
        return dict.fromkeys((state.number for state in states), HIGHEST)
    if wanted.ended:
        return {}
    times = [state for state in states if state.metric == WALL and state.lane == 0]
    senders = {(one.attempt, one.rank): _arrived_by(connection, run, one, limit) for one in times}
    return {state.number: senders.get((state.attempt, state.rank), 0) for state in states}


def _arrived_by(connection: Connection, run: str, times: StreamState, limit: float) -> int:
    """Give an arrival up to which all points of a sender were measured by a time; 0 where chunks tell of none.

    A chunk knows the newest arrival of the fold that made it, which may reach beyond the chunk. The fold before ended
    within it, or earlier.
    """

    def look(number: int) -> Packed:
        return chunks.read_chunks(connection, run, [times.number], number, number + 1)[0].packed

    low, high = 0, times.chunks  # chunks below low are old; high and those above are not
    while low < high:
        middle = (low + high) // 2
        if float(look(middle).values()[-1]) <= limit:
            low = middle + 1
        else:
            high = middle
    arrivals = (look(number).arrived for number in range(low - 1, -1, -1))
    newest = next(arrivals, 0)
    return next((arrived for arrived in arrivals if arrived < newest), 0)
