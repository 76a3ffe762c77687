"""Series of a run that was forked from another: what that one had up to the step, then its own.

It is put together when it is read: a run that is forked a hundred times is kept once. As with attempts, a newer run
speaks for a series from its first point on, so what it logged of steps before the fork counts, and not its parent's.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ergoscope_server.store.ends import EVERYTHING, Listed, list_series
from ergoscope_server.store.increments import read_since
from ergoscope_server.store.lineage import Admit, Ancestor, ancestors, read_head
from ergoscope_server.store.points import HIGHEST, join
from ergoscope_server.store.ranks import TOGETHER, read_together
from ergoscope_server.store.series import (
    Holding,
    Query,
    SeriesAnswer,
    SeriesData,
    bucketed,
    read_holdings,
    read_series,
)


def read_answer(connection: Connection, run: str, query: Query, admit: Admit | None) -> SeriesAnswer:
    """Answer a query; of a run that was forked with the history of those that may be read, or its own part only.

    Raises:
        UnknownRunError: there is no such run.
    """
    head = read_head(connection, run)
    if query.since is not None:
        return SeriesAnswer(run, head.cursor, read_since(connection, run, query, query.since))
    if admit is None or not head.parent:
        return SeriesAnswer(run, head.cursor, read_own(connection, run, query))
    inherited = list(ancestors(connection, run, head, admit))
    series = read_with_ancestors(connection, run, query, inherited)
    return SeriesAnswer(run, head.cursor, series, inherited)


def list_answer(connection: Connection, run: str, admit: Admit | None) -> list[Listed]:
    """Give every series of a run; of one that was forked also those that it shows and has nothing of itself, without
    figures, as those of the run that has them are not of the steps that are shown.

    Raises:
        UnknownRunError: there is no such run.
    """
    head, listed = read_head(connection, run), list_series(connection, run)
    known = {one.key for one in listed}
    for source in ancestors(connection, run, head, admit) if admit is not None else ():
        found = read_holdings(connection, source.run, EVERYTHING, None)
        shown = [held for held in found if held.metric not in known and min(held.firsts().values()) <= source.last]
        listed += [Listed(held.metric, held.rank, 0, inherited=source.run) for held in shown]
        known.update(held.metric for held in shown)
    return listed


def read_with_ancestors(
    connection: Connection, run: str, query: Query, inherited: Sequence[Ancestor]
) -> list[SeriesData]:
    """Answer a query that asks for everything between two steps, with what a run has of its ancestors.

    Args:
        connection: A snapshot.
        run: The run.
        query: What is asked of it.
        inherited: Those that it comes from, the nearest first.
    """
    parts: dict[tuple[str, int], list[SeriesData]] = {}
    ends: dict[str, int] = {}  # the last step that is still an older run's, by series
    for source in (Ancestor(run, HIGHEST), *inherited):
        firsts = _firsts(connection, source.run, query)
        for data in _read(connection, source, query, firsts.keys(), ends, whole=source.run == run):
            parts.setdefault((data.metric, data.rank), []).insert(0, data)
        for metric, first in firsts.items():
            ends[metric] = min(ends.get(metric, HIGHEST), first - 1)
    return [_joined(several, query.buckets) for several in parts.values()]


def read_own(connection: Connection, run: str, query: Query) -> list[SeriesData]:
    """Answer it with what the run itself logged."""
    return (read_together if query.rank == TOGETHER else read_series)(connection, run, query)


def _firsts(connection: Connection, run: str, query: Query) -> dict[str, int]:
    """Give the first step of each series that is asked for, whatever its attempt and rank."""
    firsts: dict[str, int] = {}
    rank = None if query.rank == TOGETHER else query.rank
    for holding in read_holdings(connection, run, query.metrics, rank):
        for first in holding.firsts().values():
            firsts[holding.metric] = min(first, firsts.get(holding.metric, first))
    return firsts


def _read(
    connection: Connection,
    source: Ancestor,
    query: Query,
    names: Collection[str],
    ends: dict[str, int],
    *,
    whole: bool,
) -> list[SeriesData]:
    """Read the series of one run, those together that end at the same step: nearly always all of them."""
    if whole:
        return read_own(connection, source.run, query)
    groups: dict[int, list[str]] = {}
    for name in names:
        groups.setdefault(min(source.last, ends.get(name, HIGHEST)), []).append(name)
    found: list[SeriesData] = []
    for last, some in groups.items():
        if last >= query.first:
            found += read_own(connection, source.run, replace(query, metrics=some, last=min(last, query.last)))
    return [data for data in found if data.count]


def _joined(parts: Sequence[SeriesData], buckets: int | None) -> SeriesData:
    """Make one series of parts whose steps follow each other."""
    if len(parts) == 1:
        return parts[0]
    points = join([part.points for part in parts])
    inside = [part.cells for part in parts if part.cells is not None]
    joined = bucketed(Holding(parts[0].metric, parts[0].rank, [], {}), points, inside, buckets)
    thinned = [part.thinned_to for part in parts if part.thinned_to is not None]
    return replace(joined, thinned_to=max(thinned, default=None))
