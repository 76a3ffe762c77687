"""What arrived after a cursor: for live readers, batch by batch, and for those who ask now and then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from ergoscope_server.store import streams
from ergoscope_server.store.arrivals import Logged, read_after
from ergoscope_server.store.chunks import read_chunks, read_fragments
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.folding import read_state
from ergoscope_server.store.names import choose, is_pattern
from ergoscope_server.store.points import HIGHEST, LOWEST, Points, join
from ergoscope_server.store.ranks import TOGETHER, read_changed, read_crew, read_together
from ergoscope_server.store.series import (
    Holding,
    Query,
    SeriesData,
    bucketed,
    hold,
    in_order,
    read_holdings,
    read_names,
)
from ergoscope_server.store.tables import run as runs_table

MOST_ROWS = 256  # batches of one increment


@dataclass(frozen=True, slots=True)
class Increment:
    """What arrived after a cursor, up to `cursor`.

    torn: the cursor asked from was too old to go on from; what came in between must be read again.
    more: there is more after `cursor`.
    """

    cursor: int
    series: list[SeriesData]
    torn: bool = False
    more: bool = False


_CURSOR = select(runs_table.c.cursor, runs_table.c.attempt).where(runs_table.c.id == bindparam("run"))


def read_cursor(connection: Connection, run: str) -> tuple[int, int]:
    """Give the number of a run's newest arrival, and its newest attempt.

    Raises:
        UnknownRunError: there is no such run.
    """
    row = connection.execute(_CURSOR, {"run": run}).first()
    if row is None:
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
    return row.cursor, row.attempt


def read_increment(connection: Connection, run: str, since: int, metrics: Sequence[str], rank: int | None) -> Increment:
    """Give what arrived after a cursor, at most MOST_ROWS batches of it."""
    cursor, newest = read_cursor(connection, run)
    if cursor <= since:
        return Increment(cursor, [])
    if since < read_state(connection, run).kept:
        return Increment(cursor, [], torn=True)
    log = read_after(connection, run, since, limit=MOST_ROWS)
    names = choose((name for row in log for name in row.entry.metrics()), metrics)
    changed: list[SeriesData] = []
    if rank == TOGETHER:
        crew = read_crew(connection, run)
        changed = read_changed(connection, run, crew, log, [n for n in names if not crew.alone(n)], Query(metrics))
        names, rank = [n for n in names if crew.alone(n)], crew.lead
    held = hold([], log, names, rank)
    late = any(row.attempt < newest for row in log)
    limits = _limits(connection, run, names, rank) if late else {}
    found = [_logged(h, limits.get((h.metric, h.rank), {}), Query(metrics)) for h in held]
    reached = log[-1].number
    return Increment(reached, changed + found, more=reached < cursor)


def read_since(connection: Connection, run: str, query: Query, since: int) -> list[SeriesData]:
    """Give what arrived after a cursor and lies between two steps.

    A cursor that is older than the log is answered from whole chunks: nothing is missing, but points of the first
    chunk, and of fragments that were merged since, may have been given before.
    """
    state = read_state(connection, run)
    log = read_after(connection, run, since if since >= state.kept else state.upto)
    if query.rank == TOGETHER:
        return _together_since(connection, run, query, since, log if since >= state.kept else None)
    exact = None if any(map(is_pattern, query.metrics)) else query.metrics
    states = [s for s in streams.load(connection, run, exact) if s.arrived > since] if since < state.kept else []
    names = choose(in_order(states, log), query.metrics)
    limits = _limits(connection, run, names, query.rank)
    found = []
    for held in hold(states, log, names, query.rank):
        older = {s.number: _older(connection, run, s.number, s.chunks, since) for s in held.streams}
        merged = dict(held.logged)
        for attempt in sorted({s.attempt for s in held.streams}):
            pieces = [older[s.number] for s in held.streams if s.attempt == attempt]
            logged = [held.logged[attempt]] if attempt in held.logged else []
            merged[attempt] = join([*pieces, *logged])
        whole = Holding(held.metric, held.rank, [], {a: p for a, p in merged.items() if len(p)})
        found.append(_logged(whole, limits.get((held.metric, held.rank), {}), query))
    return found


def _together_since(
    connection: Connection, run: str, query: Query, since: int, log: Sequence[Logged] | None
) -> list[SeriesData]:
    """The same of all ranks as one; everything of what several ranks speak for where the log does not reach back."""
    crew = read_crew(connection, run)
    names = read_names(connection, run, query.metrics)
    alone = [name for name in names if crew.alone(name)]
    found = read_since(connection, run, replace(query, metrics=alone, rank=crew.lead), since) if alone else []
    several = [name for name in names if not crew.alone(name)]
    if log is not None:
        return found + read_changed(connection, run, crew, log, several, query)
    return found + (read_together(connection, run, replace(query, metrics=several)) if several else [])


def _older(connection: Connection, run: str, stream: int, chunks: int, since: int) -> Points:
    placed = read_chunks(connection, run, [stream], 0, chunks, since=since)
    placed += [p for p in read_fragments(connection, run, [stream]) if p.packed.arrived > since]
    return join([p.packed.points() for p in placed])


def _limits(
    connection: Connection, run: str, names: Sequence[str], rank: int | None
) -> dict[tuple[str, int], dict[int, int]]:
    return {(h.metric, h.rank): h.limits() for h in read_holdings(connection, run, names, rank)}


def _logged(held: Holding, limits: dict[int, int], query: Query) -> SeriesData:
    limits = limits or held.limits()
    pieces = [
        points.within(max(query.first, LOWEST), min(query.last, limits.get(attempt, HIGHEST)))
        for attempt, points in sorted(held.logged.items())
    ]
    return bucketed(held, join(pieces).settled(), [], query.buckets)
