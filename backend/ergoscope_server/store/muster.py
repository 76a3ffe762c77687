"""The ranks of a run's newest attempt: how each stands, and how many are silent or behind."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast

import msgspec
from sqlalchemy import Connection, bindparam, select

from ergoscope_contract.answers import RankSummary, Status
from ergoscope_contract.records import Attempt
from ergoscope_server.store.quiet import patience
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

    Args:
        connection: Where to read.
        run_id: The run.
        now: The service's clock, Unix seconds.
        lagging: Ranks that the watch found to lag.
    """
    rows = connection.execute(_ONE, {"run": run_id}).all()
    foremost = _foremost(row.last_step for row in rows)
    found = []
    for row in rows:
        begun = _attempt.decode(row.begun) if row.begun else None
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
                host=begun.host if begun is not None else "",
                patience=patience(row.gap),
            )
        )
    return found


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


def _status(how: str, seen: float, gap: float, now: float) -> Status:
    if how:
        return cast("Status", how)
    return "silent" if now - seen > patience(gap) else "running"


def _foremost(steps: Iterable[int | None]) -> int | None:
    return max((step for step in steps if step is not None), default=None)
