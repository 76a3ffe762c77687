"""Reading series back: points at full resolution, or buckets.

A bucket's extremes and mean may include points that a later one at the same step has replaced: the pyramid is written
once. Points themselves are always the newest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ergoscope_server.store import streams
from ergoscope_server.store.arrivals import Logged, read_after
from ergoscope_server.store.attempts import reaches
from ergoscope_server.store.cells import Cells, cells_of, gather, join_cells
from ergoscope_server.store.chunks import find_chunk
from ergoscope_server.store.fetch import Found, fetch
from ergoscope_server.store.folding import read_state
from ergoscope_server.store.lineage import Ancestor
from ergoscope_server.store.names import choose, is_pattern
from ergoscope_server.store.points import HIGHEST, LOWEST, NO_POINTS, FloatArray, IntArray, Points, join
from ergoscope_server.store.spans import FINEST, Span, level_for, span
from ergoscope_server.store.streams import StreamState

FEW_NAMES = 8


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a run's series.

    metrics: names, and patterns with `*` for any characters.
    first, last: steps, both included.
    buckets: at most this many cells instead of points, where there are more points.
    since: only what arrived after this cursor.
    rank: of one rank, of each with None, or of all as one with `ranks.TOGETHER`.
    """

    metrics: Sequence[str]
    first: int = LOWEST
    last: int = HIGHEST
    buckets: int | None = None
    since: int | None = None
    rank: int | None = 0


@dataclass(frozen=True, slots=True)
class SeriesData:
    """One series: its points, or its cells when these were asked for and are fewer.

    count: points in the range; a step that was logged several times counts once only where points are given.
    thinned_to: the last step up to which retention has left few points of it, where the range begins before that.
    """

    metric: str
    rank: int
    count: int
    points: Points
    cells: Cells | None = None
    thinned_to: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """Series of one run, complete up to `cursor`.

    inherited: the runs whose history is shown before its own, the nearest first; None of a run that was not forked.
    """

    run: str
    cursor: int
    series: list[SeriesData]
    inherited: list[Ancestor] | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is of one series: its streams, and its points in the log, by attempt in the order they arrived."""

    metric: str
    rank: int
    streams: list[StreamState]
    logged: dict[int, Points]

    def attempts(self) -> set[int]:
        """Give the attempts that have any of it."""
        return {state.attempt for state in self.streams} | self.logged.keys()

    def firsts(self) -> dict[int, int]:
        """Give the first step of each attempt."""
        firsts: dict[int, int] = {}
        for state in self.streams:
            firsts[state.attempt] = min(state.first_step, firsts.get(state.attempt, HIGHEST))
        for attempt, points in self.logged.items():
            firsts[attempt] = min(int(points.steps.min()), firsts.get(attempt, HIGHEST))
        return firsts

    def limits(self) -> dict[int, int]:
        """Give the last step that each attempt speaks for."""
        return reaches(self.firsts())


def in_order(states: Iterable[StreamState], log: Sequence[Logged]) -> Iterator[str]:
    """Give the names of series in the order they were first sent, which for layers is the model's; some repeat."""
    yield from (state.metric for state in states)
    yield from (name for row in log for name in row.entry.metrics())


def hold(states: Iterable[StreamState], log: Sequence[Logged], names: Sequence[str], rank: int | None) -> list[Holding]:
    """Sort what there is by series, in the order of the names; a name without points on any rank has one of rank 0."""
    wanted = set(names)
    by_series: dict[tuple[str, int], list[StreamState]] = {}
    for state in states:
        if state.metric in wanted and rank in (None, state.rank):
            by_series.setdefault((state.metric, state.rank), []).append(state)
    logged: dict[tuple[str, int], dict[int, list[Points]]] = {}
    for row in log:
        if rank in (None, row.rank):
            for name, pieces in _found(row, wanted):
                kept = logged.setdefault((name, row.rank), {}).setdefault(row.attempt, [])
                kept.extend(Points(steps, values) for steps, values in pieces)
    ranks: dict[str, set[int]] = {}
    for name, one in [*by_series, *logged]:
        ranks.setdefault(name, set()).add(one)
    holdings = []
    for name in names:
        for one in sorted(ranks.get(name, {rank or 0})):
            joined = {attempt: join(pieces) for attempt, pieces in logged.get((name, one), {}).items()}
            # Lane order is arrival order, step by step.
            lanes = sorted(by_series.get((name, one), []), key=lambda state: (state.attempt, state.lane))
            holdings.append(Holding(name, one, lanes, joined))
    return holdings


def _found(row: Logged, wanted: Set[str]) -> Iterator[tuple[str, list[tuple[IntArray, FloatArray]]]]:
    if len(wanted) > FEW_NAMES:  # to look each name up would take longer than to take the batch apart
        yield from ((name, pieces) for name, pieces in row.entry.series().items() if name in wanted)
    else:
        found = ((name, list(row.entry.find(name))) for name in wanted)
        yield from ((name, pieces) for name, pieces in found if pieces)


def read_holdings(connection: Connection, run: str, metrics: Sequence[str], rank: int | None) -> list[Holding]:
    """Give what there is of the asked series, in one snapshot."""
    state = read_state(connection, run)
    log = read_after(connection, run, state.upto)
    if not any(map(is_pattern, metrics)):
        return hold(streams.load(connection, run, set(metrics)), log, choose((), metrics), rank)
    states = streams.load(connection, run)
    return hold(states, log, choose(in_order(states, log), metrics), rank)


def read_attempts(
    connection: Connection, run: str, holdings: Sequence[Holding], query: Query
) -> dict[str, dict[int, dict[int, Points]]]:
    """Give the points of holdings between the query's steps, by metric, attempt and rank, each in step order.

    An attempt and rank that has none between them, but elsewhere, is there without points.
    """
    spans = [one for h in holdings for one in _spans(connection, run, h, query)]
    fetched = fetch(connection, run, spans, level=FINEST)
    found: dict[str, dict[int, dict[int, Points]]] = {holding.metric: {} for holding in holdings}
    for holding in holdings:
        for attempt in holding.attempts():
            pieces = [fetched[s.number].points for s in holding.streams if s.attempt == attempt and s.number in fetched]
            if attempt in holding.logged:
                pieces.append(holding.logged[attempt].within(query.first, query.last))
            found[holding.metric].setdefault(attempt, {})[holding.rank] = join(pieces).settled()
    return found


def read_series(connection: Connection, run: str, query: Query) -> list[SeriesData]:
    """Answer a query that asks for everything between two steps."""
    return answer(connection, run, read_holdings(connection, run, query.metrics, query.rank), query)


def answer(connection: Connection, run: str, holdings: Sequence[Holding], query: Query) -> list[SeriesData]:
    """Give what holdings have between the query's steps, in its buckets, one series each."""
    spans = {id(h): _spans(connection, run, h, query) for h in holdings}
    levels: dict[int, list[Holding]] = {}
    for holding in holdings:
        level = FINEST
        least = sum(s.least for s in spans[id(holding)])
        if query.buckets is not None and least > query.buckets:
            level = level_for(least, query.buckets)
        levels.setdefault(level, []).append(holding)
    found: dict[int, Found] = {}
    for level, some in levels.items():
        asked = [s for h in some for s in spans[id(h)]]
        found |= fetch(connection, run, asked, level=level, cells=query.buckets is not None)
    return [_assemble(holding, found, query) for holding in holdings]


def _spans(connection: Connection, run: str, holding: Holding, query: Query) -> list[Span]:
    def find(stream: int, step: int) -> int | None:
        return find_chunk(connection, run, stream, step)

    near = [s for s in holding.streams if s.last_step >= query.first and s.first_step <= query.last]
    limits = holding.limits() if near else {}
    found = (span(s, query.first, min(query.last, limits[s.attempt]), find) for s in near)
    return [one for one in found if one is not None]


def _assemble(holding: Holding, found: Mapping[int, Found], query: Query) -> SeriesData:
    limits = holding.limits()
    pieces: list[Points] = []
    for attempt in sorted(limits):
        pieces.extend(found[s.number].points for s in holding.streams if s.attempt == attempt and s.number in found)
        if attempt in holding.logged:
            pieces.append(holding.logged[attempt].within(query.first, min(query.last, limits[attempt])))
    points = join(pieces).settled()
    inside = [cells for s in holding.streams if s.number in found for cells in found[s.number].cells]
    return replace(bucketed(holding, points, inside, query.buckets), thinned_to=thinned_to([holding], query))


def thinned_to(holdings: Iterable[Holding], query: Query) -> int | None:
    """Give the last step between the query's up to which anything of a series is thinned; None when nothing is."""
    thinned = (s for holding in holdings for s in holding.streams if s.thinned)
    ends = [s.thinned_to for s in thinned if s.first_step <= query.last and query.first <= s.thinned_to]
    return max(ends, default=None)


def bucketed(holding: Holding, points: Points, inside: list[Cells], buckets: int | None) -> SeriesData:
    """Give a series of points, and cells beside them, in at most so many buckets."""
    if not inside and (buckets is None or len(points) <= buckets):
        return SeriesData(holding.metric, holding.rank, len(points), points)
    assert buckets is not None
    cells = gather(join_cells([*inside, cells_of(points)]), buckets)
    return SeriesData(holding.metric, holding.rank, int(cells.count.sum()), NO_POINTS, cells)
