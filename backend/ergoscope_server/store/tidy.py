"""The end of log rows: folded ones stay for a while, so that a live reader who was away goes on without a gap."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, delete, func, select

from ergoscope_server.store.folding import advance, read_state
from ergoscope_server.store.tables import arrival, folding, run

KEEP_S = 900.0
KEEP_BYTES = 16 * 1024 * 1024
KEEP_ROWS = 4_096

_UNFOLDED = (
    select(run.c.id)
    .outerjoin(folding, folding.c.run == run.c.id)
    .where(run.c.cursor > func.coalesce(folding.c.upto, 0))
    .order_by(run.c.id)
)
_HELD = (  # of one run; a subquery, so that SQLite does not begin with all of the log, most of which is folded
    select(func.sum(func.length(arrival.c.data)))
    .where(arrival.c.run == run.c.id, arrival.c.number > func.coalesce(folding.c.upto, 0))
    .correlate(run, folding)
    .scalar_subquery()
)
_OLDEST = (  # numbers have no gaps
    select(arrival.c.received)
    .where(arrival.c.run == run.c.id, arrival.c.number == func.coalesce(folding.c.upto, 0) + 1)
    .correlate(run, folding)
    .scalar_subquery()
)
_WAITING = (
    select(
        func.count(),
        func.coalesce(func.sum(run.c.cursor - func.coalesce(folding.c.upto, 0)), 0),
        func.coalesce(func.sum(_HELD), 0),
        func.min(_OLDEST),
    )
    .select_from(run)
    .outerjoin(folding, folding.c.run == run.c.id)
    .where(run.c.cursor > func.coalesce(folding.c.upto, 0))
)
_UNTIDY = select(folding.c.run).where(folding.c.kept < folding.c.upto).order_by(folding.c.run)
_FOLDED = (
    select(arrival.c.number, arrival.c.received, func.length(arrival.c.data))
    .where(arrival.c.run == bindparam("run"), arrival.c.number <= bindparam("upto"))
    .order_by(arrival.c.number.desc())
    .limit(KEEP_ROWS + 1)
)
_DELETE = delete(arrival).where(arrival.c.run == bindparam("of_run"), arrival.c.number <= bindparam("upto"))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be folded: of how many runs, how many batches of how many bytes, and when the oldest came."""

    runs: int = 0
    batches: int = 0
    size: int = 0
    oldest: float | None = None


def unfolded(connection: Connection) -> list[str]:
    """Give the runs whose log holds more than is folded."""
    return list(connection.execute(_UNFOLDED).scalars())


def read_backlog(connection: Connection) -> Backlog:
    """Give what the logs hold beyond what is folded."""
    runs, batches, size, oldest = connection.execute(_WAITING).one()
    return Backlog(int(runs), int(batches), int(size), oldest)


def untidy(connection: Connection) -> list[str]:
    """Give the runs whose log holds folded rows."""
    return list(connection.execute(_UNTIDY).scalars())


def tidy(connection: Connection, run_id: str, *, now: float) -> int:
    """Delete folded rows that are old, or too many, or too large together; give the number of the last one gone."""
    before = read_state(connection, run_id)
    rows = [(r[0], r[1], r[2]) for r in connection.execute(_FOLDED, {"run": run_id, "upto": before.upto})]
    gone = last_gone(rows, now=now)
    if gone is None or gone <= before.kept or not advance(connection, run_id, before, replace(before, kept=gone)):
        return before.kept
    connection.execute(_DELETE, {"of_run": run_id, "upto": gone})
    return gone


def last_gone(rows: Sequence[tuple[int, float, int]], *, now: float) -> int | None:
    """Say up to which number folded rows may go, given (number, received, bytes), newest first; None when all stay."""
    size = 0
    for kept, (number, received, length) in enumerate(rows):
        size += length
        if kept >= KEEP_ROWS or size > KEEP_BYTES or received < now - KEEP_S:
            return number
    return None
