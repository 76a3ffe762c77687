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
from ergoscope_server.store.points import LOWEST, Points, join
from ergoscope_server.store.reduce import ADDED, RATIOS, how, ratio, spoken, together
from ergoscope_server.store.series import (
    Holding,
    Query,
    SeriesData,
    bucketed,
    read_attempts,
    read_holdings,
    read_names,
    read_series,
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
    lead = replace(query, rank=crew.lead)
    if not crew.many:
        return [_as_one(data) for data in read_series(connection, run, lead)]
    names = read_names(connection, run, query.metrics)
    alone = [name for name in names if crew.alone(name)]
    found = {data.metric: data for data in read_series(connection, run, replace(lead, metrics=alone))} if alone else {}
    for metric, points in read_points(connection, run, crew, [n for n in names if n not in found], query).items():
        found[metric] = bucketed(Holding(metric, 0, [], {}), points, [], query.buckets)
    return [_as_one(found[name]) for name in names]


def read_points(connection: Connection, run: str, crew: Crew, names: Sequence[str], query: Query) -> dict[str, Points]:
    """Give series of all ranks as one, at full resolution, between the query's steps."""
    if not names:
        return {}
    companions = dict.fromkeys(name for metric in names for name in _companions(metric))
    wide = replace(query, first=max(query.first - REACH, LOWEST) if query.first > LOWEST + REACH else LOWEST)
    holdings = read_holdings(connection, run, list(dict.fromkeys([*names, *companions])), None)
    found = read_attempts(connection, run, holdings, wide)
    return {name: _join(name, found, crew, query) for name in names}


Found = Mapping[str, Mapping[int, Mapping[int, Points]]]  # by metric, attempt and rank


def _companions(metric: str) -> list[str]:
    head, slash, layer = metric.partition("/")
    return [f"{name}{slash}{layer}" for name in RATIOS.get(head, ())] + ([head] if slash else [])


def _join(metric: str, found: Found, crew: Crew, query: Query) -> Points:
    limits = reaches(
        {attempt: min(int(p.steps[0]) for p in ranks.values()) for attempt, ranks in found[metric].items()}
    )
    pieces = []
    for attempt in sorted(limits):
        points = _of_attempt(metric, attempt, found, crew.parts.get(attempt, 1))
        pieces.append(points.within(query.first, min(query.last, limits[attempt])))
    return join(pieces).settled()


def _of_attempt(metric: str, attempt: int, found: Found, parts: int) -> Points:
    kind, (head, slash, layer) = how(metric, parts=parts), metric.partition("/")

    def of(name: str) -> Mapping[int, Points]:
        return found.get(name, {}).get(attempt, {})

    ranks = of(metric)
    complete = spoken(of(head), parts) if kind in ADDED else spoken({}, 1)
    if kind is Reduce.RATIO:
        above, below = (of(f"{name}{slash}{layer}") for name in RATIOS[head])
        return ratio(ranks, above, below, complete=complete)
    return together(kind, ranks, complete=complete)


def touched(log: Iterable[Logged], metric: str) -> Points:
    """Give the points that rows of the log hold of a series, whatever their rank."""
    return join([Points(steps, values) for row in log for steps, values in row.entry.find(metric)])


def read_changed(
    connection: Connection, run: str, crew: Crew, log: Sequence[Logged], names: Sequence[str], query: Query
) -> list[SeriesData]:
    """Give series of all ranks as one at the steps at which rows of the log say something new of them."""
    changed = {name: np.unique(touched(log, name).steps) for name in names}
    changed = {name: steps for name, steps in changed.items() if len(steps)}
    if not changed:
        return []
    first = max(query.first, min(int(steps[0]) for steps in changed.values()))
    last = min(query.last, max(int(steps[-1]) for steps in changed.values()))
    found = read_points(connection, run, crew, list(changed), replace(query, first=first, last=last))
    answers = []
    for name, points in found.items():
        new = np.isin(points.steps, changed[name])
        kept = points if new.all() else Points(points.steps[new], points.values[new])
        answers.append(bucketed(Holding(name, 0, [], {}), kept, [], query.buckets))
    return answers


def between(connection: Connection, run: str, crew: Crew, metric: str, lead: Points) -> Points:
    """Give a series of all ranks as one over the stretch of steps of the lead's points."""
    if not len(lead):
        return lead
    query = Query([metric], first=int(lead.steps[0]), last=int(lead.steps[-1]))
    return read_points(connection, run, crew, [metric], query)[metric]


def _as_one(data: SeriesData) -> SeriesData:
    return replace(data, rank=0)
