"""Reading series of a run whose process is many: what its ranks measured, as one series.

A run of one process, and a series for which one rank speaks, are read as they are; the others are read whole, every
rank at full resolution, as extremes of parts are not parts of extremes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from ergoscope_contract.catalogue import Reduce
from ergoscope_server.store import feeds
from ergoscope_server.store.arrivals import Logged
from ergoscope_server.store.attempts import reaches
from ergoscope_server.store.points import LOWEST, NO_POINTS, IntArray, Points, join
from ergoscope_server.store.reduce import ADDED, RATIOS, how, ratio, spoken, together
from ergoscope_server.store.series import (
    Holding,
    Query,
    SeriesData,
    answer,
    bucketed,
    read_attempts,
    read_holdings,
    read_series,
    thinned_to,
)

TOGETHER = -2  # in the place of a rank: all of them as one
REACH = 2048  # steps before the first one asked within which a rank's newest size is looked for


@dataclass(frozen=True, slots=True)
class Crew:
    """The senders of a run.

    lead: the lowest rank that sent anything.
    many: whether there are several.
    parts: on how many ranks the norms are taken, by attempt.
    """

    lead: int
    many: bool
    parts: Mapping[int, int]

    def alone(self, metric: str) -> bool:
        """Whether one rank speaks for a series in every attempt."""
        return not self.many or all(how(metric, parts=parts) is Reduce.FIRST for parts in self.parts.values())

    def adds(self, metric: str) -> bool:
        """Whether a series is known only where every rank's part of it is, in some attempt."""
        return any(how(metric, parts=parts) in ADDED for parts in self.parts.values())

    def speaker(self, holdings: Sequence[Holding]) -> Holding | None:
        """Give what the one rank has that speaks for a series in every attempt; None where there are several.

        Args:
            holdings: What each rank has of the series, by rank.
        """
        if not self.alone(holdings[0].metric):
            return None
        lowest: dict[int, Holding] = {}
        for holding in holdings:
            for attempt in holding.firsts():
                lowest.setdefault(attempt, holding)
        return holdings[0] if len({holding.rank for holding in lowest.values()}) < 2 else None


def read_crew(connection: Connection, run: str) -> Crew:
    """Give the senders of a run."""
    senders = feeds.read_parts(connection, run)
    parts: dict[int, int] = {}
    for attempt, _, count in senders:
        parts[attempt] = max(count, parts.get(attempt, 1))
    ranks = {rank for _, rank, _ in senders} or {0}
    # One rank that says it has a part of a norm has not the norm.
    return Crew(min(ranks), len(ranks) > 1 or max(parts.values(), default=1) > 1, parts)


def read_together(connection: Connection, run: str, query: Query) -> list[SeriesData]:
    """Answer a query that asks for everything between two steps, of all ranks as one."""
    crew = read_crew(connection, run)
    if not crew.many:
        return [as_one(data) for data in read_series(connection, run, replace(query, rank=crew.lead))]
    held = by_name(read_holdings(connection, run, query.metrics, None))
    alone = [one for holdings in held.values() if (one := crew.speaker(holdings)) is not None]
    found = {data.metric: data for data in answer(connection, run, alone, query)}
    for metric, points in read_points(connection, run, crew, [n for n in held if n not in found], query).items():
        data = bucketed(Holding(metric, 0, [], {}), points, [], query.buckets)
        found[metric] = replace(data, thinned_to=thinned_to(held[metric], query))
    return [as_one(found[name]) for name in held]


def by_name(holdings: Iterable[Holding]) -> dict[str, list[Holding]]:
    """Sort holdings by series, in the order of the names; each rank's in turn."""
    found: dict[str, list[Holding]] = {}
    for holding in holdings:
        found.setdefault(holding.metric, []).append(holding)
    return found


def reach(holdings: Iterable[Holding]) -> dict[int, int]:
    """Give the last step that each attempt speaks for: until any rank has a newer attempt's point."""
    firsts: dict[int, int] = {}
    for holding in holdings:
        for attempt, first in holding.firsts().items():
            firsts[attempt] = min(first, firsts.get(attempt, first))
    return reaches(firsts)


def read_points(connection: Connection, run: str, crew: Crew, names: Sequence[str], query: Query) -> dict[str, Points]:
    """Give series of all ranks as one, at full resolution, between the query's steps."""
    if not names:
        return {}
    companions = dict.fromkeys(name for metric in names for name in _companions(metric))
    holdings = read_holdings(connection, run, list(dict.fromkeys([*names, *companions])), None)
    heads = {metric.partition("/") for metric in names}
    sizes = {f"{RATIOS[head][1]}{slash}{layer}" for head, slash, layer in heads if head in RATIOS}
    wide = replace(query, first=max(query.first - REACH, LOWEST) if query.first > LOWEST + REACH else LOWEST)
    found = read_attempts(connection, run, [held for held in holdings if held.metric not in sizes], query)
    found |= read_attempts(connection, run, [held for held in holdings if held.metric in sizes], wide)
    limits = {name: reach(held) for name, held in by_name(holdings).items()}
    complete = {head: _complete(found.get(head, {}), crew) for head in {head for head, _, _ in heads}}
    return {name: _join(name, found, complete[name.partition("/")[0]], crew, limits[name], query) for name in names}


Found = Mapping[str, Mapping[int, Mapping[int, Points]]]  # by metric, attempt and rank


def _companions(metric: str) -> list[str]:
    head, slash, layer = metric.partition("/")
    return [f"{name}{slash}{layer}" for name in RATIOS.get(head, ())] + ([head] if slash else [])


def waiting(crew: Crew, names: Iterable[str], there: Iterable[str]) -> list[str]:
    """Give the series of which points may become known when points of other series arrive.

    Args:
        crew: Who sends.
        names: Series that arrived.
        there: Every series of the run that is asked for.
    """
    arrived = set(names)
    return [n for n in there if n not in arrived and not arrived.isdisjoint(_companions(n)) and crew.adds(n)]


def _complete(whole: Mapping[int, Mapping[int, Points]], crew: Crew) -> dict[int, IntArray]:
    """Give by attempt the steps at which every part of a quantity of the whole model was measured."""
    return {attempt: spoken(ranks, crew.parts.get(attempt, 1)) for attempt, ranks in whole.items()}


def _join(
    metric: str,
    found: Found,
    complete: Mapping[int, IntArray],
    crew: Crew,
    limits: Mapping[int, int],
    query: Query,
) -> Points:
    pieces = []
    for attempt in sorted(limits):
        steps = complete.get(attempt, NO_POINTS.steps)
        points = _of_attempt(metric, attempt, found, steps, crew.parts.get(attempt, 1))
        pieces.append(points.within(query.first, min(query.last, limits[attempt])))
    return join(pieces).settled()


def _of_attempt(metric: str, attempt: int, found: Found, complete: IntArray, parts: int) -> Points:
    kind, (head, slash, layer) = how(metric, parts=parts), metric.partition("/")

    def of(name: str) -> Mapping[int, Points]:
        return found.get(name, {}).get(attempt, {})

    ranks = of(metric)
    if kind is Reduce.FIRST and ranks:  # also where it has no point between the steps asked
        ranks = {min(ranks): ranks[min(ranks)]}
    if kind in ADDED and not all(map(len, ranks.values())):
        return NO_POINTS  # a rank that has a part of it elsewhere
    if kind is Reduce.RATIO:
        above, below = (of(f"{name}{slash}{layer}") for name in RATIOS[head])
        return ratio(ranks, above, below, complete=complete)
    return together(kind, ranks, complete=complete)


def _arrived(log: Iterable[Logged], names: Iterable[str]) -> dict[str, list[IntArray]]:
    """Give the steps at which rows of the log have points of series, whatever their rank, block by block."""
    pieces: dict[str, list[IntArray]] = {name: [] for name in names}
    for row in log:
        for name, found in row.entry.series().items():
            if name in pieces:
                pieces[name].extend(steps for steps, _ in found)
    return pieces


class _Union:
    """Brings steps together; series of one block have the very same ones, so the work is done once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], IntArray] = {}

    def __call__(self, pieces: Sequence[IntArray]) -> IntArray:
        """Give the steps of all pieces, which are kept by the caller, rising and each once."""
        different = {id(piece): piece for piece in pieces}
        key = tuple(different)
        if key not in self._known:
            self._known[key] = np.unique(np.concatenate(list(different.values())))
        return self._known[key]


def read_changed(
    connection: Connection, run: str, crew: Crew, log: Sequence[Logged], names: Sequence[str], query: Query
) -> list[SeriesData]:
    """Give series of all ranks as one at the steps at which rows of the log say something new of them."""
    arrived = _arrived(log, [*names, *(name for metric in names for name in _companions(metric))])
    changed, union = {}, _Union()
    for name in names:
        # A part of a norm that was there may count only now that what it waited for is there.
        steps = [one for n in (name, *(_companions(name) if crew.adds(name) else ())) for one in arrived[n]]
        if any(map(len, steps)):
            changed[name] = union(steps)
    if not changed:
        return []
    first = max(query.first, min(int(steps[0]) for steps in changed.values()))
    last = min(query.last, max(int(steps[-1]) for steps in changed.values()))
    found = read_points(connection, run, crew, list(changed), replace(query, first=first, last=last))
    answers = []
    for name, points in found.items():
        kept = points
        if not np.array_equal(points.steps, changed[name]):
            new = np.isin(points.steps, changed[name])
            kept = Points(points.steps[new], points.values[new])
        if len(kept):
            answers.append(bucketed(Holding(name, 0, [], {}), kept, [], query.buckets))
    return answers


def between(connection: Connection, run: str, crew: Crew, metric: str, steps: IntArray) -> Points:
    """Give a series of all ranks as one from the first to the last of steps, which rise; there is at least one."""
    query = Query([metric], first=int(steps[0]), last=int(steps[-1]))
    return read_points(connection, run, crew, [metric], query)[metric]


def as_one(data: SeriesData) -> SeriesData:
    """Give a rank's series as that of all: they are labelled 0."""
    return replace(data, rank=0)
