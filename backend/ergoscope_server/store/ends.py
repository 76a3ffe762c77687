"""The ends of series: the list with their last points, and the newest or oldest few points of one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from ergoscope_server.store import streams
from ergoscope_server.store.arrivals import read_after
from ergoscope_server.store.chunks import find_chunk
from ergoscope_server.store.fetch import fetch
from ergoscope_server.store.folding import read_state
from ergoscope_server.store.packing import CHUNK
from ergoscope_server.store.points import HIGHEST, LOWEST, NO_POINTS, Points, join
from ergoscope_server.store.ranks import between, reach, read_crew
from ergoscope_server.store.series import Holding, read_holdings
from ergoscope_server.store.spans import FINEST, narrow, span

EVERYTHING = ["*"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A series in a run's list; the last step and value are the newest attempt's.

    inherited: the run that it is shown from, where it was forked from that and has nothing of it itself.
    """

    key: str
    rank: int
    points: int
    last_step: int | None = None
    last_value: float | None = None
    inherited: str = ""


def list_series(connection: Connection, run: str) -> list[Listed]:
    """Give every series of a run, in the order they were first sent."""
    return [_listed(holding) for holding in read_holdings(connection, run, EVERYTHING, None)]


def list_names(connection: Connection, run: str) -> list[str]:
    """Give the names of a run's series, in the order they were first sent."""
    log = read_after(connection, run, read_state(connection, run).upto)
    return list(dict.fromkeys([*streams.names(connection, run), *(n for row in log for n in row.entry.metrics())]))


def read_newest(connection: Connection, run: str, metric: str, n: int, *, after: int | None = None) -> Points:
    """Give the newest `n` points by step, of all ranks as one, those beyond a step where given, in step order."""
    first = LOWEST if after is None else after + 1
    points = _of_all(connection, run, metric, n, first=first, newest=True)
    return Points(points.steps[-n:], points.values[-n:])


def read_oldest(connection: Connection, run: str, metric: str, n: int) -> Points:
    """Give the first `n` points by step, of all ranks as one, in step order."""
    points = _of_all(connection, run, metric, n, first=LOWEST, newest=False)
    return Points(points.steps[:n], points.values[:n])


def _listed(holding: Holding) -> Listed:
    count = sum(s.points for s in holding.streams) + sum(map(len, holding.logged.values()))
    newest = max(holding.limits())
    # Folded first and newest lane last, so that of equal steps the one that arrived last is listed.
    ends = [(s.last_step, s.newest) for s in holding.streams if s.attempt == newest]
    if newest in holding.logged:
        points = holding.logged[newest].settled()
        ends.append((int(points.steps[-1]), float(points.values[-1])))
    step = max(last for last, _ in ends)
    value = [value for last, value in ends if last == step][-1]
    return Listed(holding.metric, holding.rank, count, step, value)


def _of_all(connection: Connection, run: str, metric: str, n: int, *, first: int, newest: bool) -> Points:
    """Read one end of a series of all ranks as one: over the outermost `n` steps at which any rank has a point.

    What adds up waits for the last of its parts, and is read over the steps of the rank that is least far at that end.
    """
    crew = read_crew(connection, run)
    holdings = read_holdings(connection, run, [metric], None if crew.many else crew.lead)
    alone = crew.speaker(holdings) if crew.many else holdings[0]
    if alone is not None:
        return _end(connection, run, alone, alone.limits(), n, first=first, newest=newest)
    limits = reach(holdings)
    ends = [_end(connection, run, held, limits, n, first=first, newest=newest).steps for held in holdings]
    ends = sorted((steps for steps in ends if len(steps)), key=lambda steps: int(steps[-1 if newest else 0]))
    if not ends:
        return NO_POINTS
    if crew.adds(metric):
        steps = ends[0 if newest else -1]
    else:
        every = np.unique(np.concatenate(ends))
        steps = every[-n:] if newest else every[:n]
    return between(connection, run, crew, metric, steps)


def _end(
    connection: Connection, run: str, holding: Holding, limits: Mapping[int, int], n: int, *, first: int, newest: bool
) -> Points:
    """Read from one end, twice as far each time, until there are `n` points or no more."""

    def find(stream: int, step: int) -> int | None:
        return find_chunk(connection, run, stream, step)

    whole = [one for s in holding.streams if (one := span(s, first, limits[s.attempt], find)) is not None]
    logged = {attempt: points.within(first, limits[attempt]) for attempt, points in holding.logged.items()}
    chunks = -(-n // CHUNK)
    while True:
        parts = [narrow(one, chunks, newest=newest) for one in whole]
        found = fetch(connection, run, parts, level=FINEST)
        read = {part.stream.number: found[part.stream.number].points for part in parts}
        points = _settle(holding, read, logged)
        cut = [read[part.stream.number].steps for part, one in zip(parts, whole, strict=True) if part != one]
        # Beyond the nearest cut there may be points that were not read.
        if newest:
            sure = points.within(max((int(steps[0]) + 1 for steps in cut), default=LOWEST), HIGHEST)
        else:
            sure = points.within(LOWEST, min((int(steps[-1]) - 1 for steps in cut), default=HIGHEST))
        if not cut or len(sure) >= n:
            return sure
        chunks *= 2


def _settle(holding: Holding, read: Mapping[int, Points], logged: Mapping[int, Points]) -> Points:
    pieces: list[Points] = []
    for attempt in sorted(holding.limits()):
        pieces.extend(read[s.number] for s in holding.streams if s.attempt == attempt and s.number in read)
        pieces.extend([logged[attempt]] if attempt in logged else [])
    return join(pieces).settled()
