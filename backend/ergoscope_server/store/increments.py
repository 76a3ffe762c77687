"""What arrived after a cursor: for live readers, batch by batch, and for those who ask now and then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from ergoscope_server.store import streams
from ergoscope_server.store.arrivals import Logged, read_after
from ergoscope_server.store.chunks import read_chunks, read_fragments
from ergoscope_server.store.ends import list_names
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.folding import read_state
from ergoscope_server.store.names import choose, is_pattern
from ergoscope_server.store.points import HIGHEST, LOWEST, Points, join
from ergoscope_server.store.ranks import (
    TOGETHER,
    Crew,
    as_one,
    read_changed,
    read_crew,
    read_together,
    waiting,
)
from ergoscope_server.store.series import (
    Holding,
    Query,
    SeriesData,
    bucketed,
    hold,
    in_order,
    read_holdings,
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
    arrived = list(dict.fromkeys(name for row in log for name in row.entry.metrics()))
    late = any(row.attempt < newest for row in log)
    if rank == TOGETHER:
        changed = _of_crew(connection, run, log, arrived, metrics, late=late)
    else:
        changed = _of_rank(connection, run, log, choose(arrived, metrics), rank, late=late)
    reached = log[-1].number
    return Increment(reached, changed, more=reached < cursor)


def _of_rank(
    connection: Connection, run: str, log: Sequence[Logged], names: Sequence[str], rank: int | None, *, late: bool
) -> list[SeriesData]:
    limits = _limits(connection, run, names, rank) if late else {}
    held = hold([], log, names, rank)
    return [_logged(one, limits.get((one.metric, one.rank), {}), Query(names)) for one in held]


def _of_crew(
    connection: Connection,
    run: str,
    log: Sequence[Logged],
    arrived: Sequence[str],
    metrics: Sequence[str],
    *,
    late: bool,
) -> list[SeriesData]:
    crew = read_crew(connection, run)
    if not crew.many:
        of_lead = _of_rank(connection, run, log, choose(arrived, metrics), crew.lead, late=late)
        return [as_one(data) for data in of_lead]
    names = _news(connection, run, crew, arrived, metrics)
    speakers = _speakers(connection, run, crew, log, names)
    several = [name for name in names if name not in speakers]
    found = read_changed(connection, run, crew, log, several, Query(metrics))
    for rank in sorted(set(speakers.values())):
        some = [name for name in names if speakers.get(name) == rank]
        found += [as_one(data) for data in _of_rank(connection, run, log, some, rank, late=late) if data.count]
    return found


def _news(connection: Connection, run: str, crew: Crew, arrived: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """Give the series asked for of which points arrived, or became known as what they waited for arrived."""
    names = choose(arrived, metrics)
    if any(map(crew.adds, arrived)):
        names += waiting(crew, arrived, choose(list_names(connection, run), metrics))
    return list(dict.fromkeys(names))


def _speakers(
    connection: Connection, run: str, crew: Crew, log: Sequence[Logged], names: Sequence[str]
) -> dict[str, int]:
    """Give the rank that speaks for each series, where one does in every attempt."""
    lead: set[tuple[int, str]] = set()
    others: set[tuple[int, str]] = set()
    for row in log:
        (lead if row.rank == crew.lead else others).update((row.attempt, name) for name in row.entry.metrics())
    known, doubtful = {name for _, name in lead}, {name for _, name in others - lead}
    alone = [name for name in names if crew.alone(name)]
    # The lowest rank speaks for what it has; only of what it did not send now must be looked up who has it.
    speakers = {name: crew.lead for name in alone if name in known and name not in doubtful}
    unsure = [name for name in alone if name not in speakers]
    return speakers | _lowest(connection, run, unsure) if unsure else speakers


def _lowest(connection: Connection, run: str, names: Sequence[str]) -> dict[str, int]:
    """Give the lowest rank that has each series, where it is the same one in every attempt."""
    log = read_after(connection, run, read_state(connection, run).upto)
    there = [(s.metric, s.attempt, s.rank) for s in streams.load(connection, run, set(names))]
    there += [(name, row.attempt, row.rank) for row in log for name in row.entry.metrics()]
    ranks: dict[str, dict[int, int]] = {name: {} for name in names}
    for name, attempt, rank in there:
        if name in ranks:
            ranks[name][attempt] = min(rank, ranks[name].get(attempt, rank))
    return {name: min(by.values(), default=0) for name, by in ranks.items() if len(set(by.values())) < 2}


def read_since(connection: Connection, run: str, query: Query, since: int) -> list[SeriesData]:
    """Give what arrived after a cursor and lies between two steps.

    A cursor that is older than the log is answered from whole chunks: nothing is missing, but points of the first
    chunk, and of fragments that were merged since, may have been given before.
    """
    if query.rank == TOGETHER:
        return _together_since(connection, run, query, since)
    state = read_state(connection, run)
    log = read_after(connection, run, since if since >= state.kept else state.upto)
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


def _together_since(connection: Connection, run: str, query: Query, since: int) -> list[SeriesData]:
    """The same of all ranks as one; everything of what several ranks speak for where the log does not reach back."""
    crew = read_crew(connection, run)
    if not crew.many:
        return [as_one(data) for data in read_since(connection, run, replace(query, rank=crew.lead), since)]
    state = read_state(connection, run)
    whole = since >= state.kept
    log = read_after(connection, run, since if whole else state.upto)
    states = [] if whole else [s for s in streams.load(connection, run) if s.arrived > since]
    names = _news(connection, run, crew, list(dict.fromkeys(in_order(states, log))), query.metrics)
    speakers = _speakers(connection, run, crew, log if whole else [], names)
    several = [name for name in names if name not in speakers]
    if whole:
        found = read_changed(connection, run, crew, log, several, query)
    else:
        found = read_together(connection, run, replace(query, metrics=several)) if several else []
    for rank in sorted(set(speakers.values())):
        some = [name for name in names if speakers.get(name) == rank]
        of_rank = read_since(connection, run, replace(query, metrics=some, rank=rank), since)
        found += [as_one(data) for data in of_rank if data.count or data.metric in query.metrics]
    return found


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
