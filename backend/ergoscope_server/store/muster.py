"""The ranks of a run's newest attempt: how each stands, how many are silent or behind, and which were never seen.

Which ranks watch is the job's choice: often rank 0 alone, or one a machine. So a rank of which nothing ever came is
listed, but counted nowhere and told to nobody.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
from sqlalchemy import Connection, bindparam, select

from ergoscope_contract.answers import RankStatus, RankSummary
from ergoscope_contract.records import Attempt
from ergoscope_server.store.quiet import LATE_S, patience
from ergoscope_server.store.tables import feed, run

_attempt = msgspec.msgpack.Decoder(Attempt)
_OF_NEWEST = feed.join(run, (run.c.id == feed.c.run) & (run.c.attempt == feed.c.attempt))
_ONE = select(feed).select_from(_OF_NEWEST).where(feed.c.run == bindparam("run")).order_by(feed.c.rank)
_MANY = (
    select(feed.c.run, feed.c.last_step, feed.c.last_seen, feed.c.gap, feed.c.how)
    .select_from(_OF_NEWEST)
    .where(feed.c.run.in_(bindparam("runs", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Muster:
    """Of the ranks that have not ended: how many are silent, and the most steps that one is behind the foremost."""

    silent: int = 0
    behind: int = 0


def read_ranks(connection: Connection, run_id: str, *, now: float, lagging: Collection[int]) -> list[RankSummary]:
    """Give how each rank of a run's newest attempt stands, by rank; none when there is no such run.

    Neighbours that were never seen are one summary, so that a job of thousands in which one rank watches is short.

    Args:
        connection: Where to read.
        run_id: The run.
        now: The service's clock, Unix seconds.
        lagging: Ranks that the watch found to lag.
    """
    rows = connection.execute(_ONE, {"run": run_id}).all()
    foremost = _foremost(row.last_step for row in rows)
    told = {row.rank: _attempt.decode(row.begun) for row in rows if row.begun}
    found = never_seen([row.rank for row in rows], list(told.values()), now=now)
    for row in rows:
        found.append(
            RankSummary(
                rank=row.rank,
                attempt=row.attempt,
                status=_status(row.how, row.last_seen, row.gap, now),
                last_seen=row.last_seen,
                last_step=row.last_step,
                behind=None if foremost is None or row.last_step is None else foremost - row.last_step,
                lags=row.rank in lagging and not row.how,
                lost=row.lost,
                host=told[row.rank].host if row.rank in told else "",
                patience=patience(row.gap),
            )
        )
    return sorted(found, key=lambda rank: rank.rank)


def never_seen(seen: Sequence[int], told: Sequence[Attempt], *, now: float) -> list[RankSummary]:
    """Give the ranks of an attempt of which nothing came within a minute of its start, a stretch of them at a time.

    Args:
        seen: The ranks that sent something, rising.
        told: What they said of the attempt.
        now: Unix seconds; its start is by the job's clock.

    Example:
        >>> [(r.rank, r.upto) for r in never_seen([0, 3], [Attempt(number=7, started=0.0, world_size=8)], now=99.0)]
        [(1, 2), (4, 7)]
    """
    if not told or now - min(one.started for one in told) <= LATE_S:
        return []
    ends = [*seen, max(one.world_size for one in told)]
    gaps = [(before + 1, after - 1) for before, after in zip([-1, *seen], ends, strict=True) if after - before > 1]
    number = told[0].number
    return [RankSummary(first, number, "never seen", 0.0, upto=last if last > first else None) for first, last in gaps]


def count_ranks(connection: Connection, runs: Collection[str], *, now: float) -> dict[str, Muster]:
    """Say of the newest attempt of each of some runs how many ranks are silent, and how far they are apart."""
    if not runs:
        return {}
    foremost: dict[str, int | None] = {}
    live: dict[str, list[tuple[int | None, bool]]] = {}
    for name, step, seen, gap, how in connection.execute(_MANY, {"runs": sorted(runs)}):
        foremost[name] = _foremost([foremost.get(name), step])
        if not how:
            live.setdefault(name, []).append((step, _status(how, seen, gap, now) == "silent"))
    return {
        name: Muster(
            silent=sum(silent for _, silent in ranks),
            behind=max([(foremost[name] or 0) - step for step, _ in ranks if step is not None], default=0),
        )
        for name, ranks in live.items()
    }


def _status(how: str, seen: float, gap: float, now: float) -> RankStatus:
    if how:
        return cast("RankStatus", how)
    return "silent" if now - seen > patience(gap) else "running"


def _foremost(steps: Iterable[int | None]) -> int | None:
    return max((step for step in steps if step is not None), default=None)
