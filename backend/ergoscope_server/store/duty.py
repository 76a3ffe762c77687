"""Since when the service is whole, and so when a run was heard of as far as anybody listened.

A pause of the service is nobody's: while no process takes batches in, or none judges, a run's silence says nothing, and
afterwards it counts from when both were there again.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, bindparam, select, text

from ergoscope_server.store.tables import duty, run

Role = Literal["serve", "work"]
ROLES: tuple[Role, ...] = get_args(Role)
REPORT_S = 5.0  # how often each process reports
AWAY_S = 15.0  # without a report from which on a role is not filled

_REPORT = text(
    "INSERT INTO duty (role, since, seen) VALUES (:role, :now, :now) ON CONFLICT (role) DO UPDATE SET "
    "since = CASE WHEN ABS(:now - duty.seen) > :away THEN :now ELSE duty.since END, seen = :now"
)
_DUTY = select(duty.c.role, duty.c.since, duty.c.seen)
_RUN = select(run.c.last_step, run.c.stepped, run.c.last_seen).where(run.c.id == bindparam("run"))


@dataclass(frozen=True, slots=True)
class Heard:
    """When a run was heard of, Unix seconds by the service's clock, so that a job's clock does not matter.

    step, since: its newest step and when that came; sign_since: when its last sign of life came.
    first: since when the service listens; neither of the others is before it.
    """

    step: int | None
    since: float
    sign_since: float
    first: float


def report(connection: Connection, role: Role, *, now: float) -> None:
    """Note that a process fills a role; the first one after a pause, or a leap of the clock, begins it anew."""
    connection.execute(_REPORT, {"role": role, "now": now, "away": AWAY_S})


def read_heard(connection: Connection, run_id: str, *, now: float) -> Heard | None:
    """Say when a run was heard of; None while a role is not filled, or where there is no such run."""
    present = {role: since for role, since, seen in connection.execute(_DUTY) if abs(now - seen) <= AWAY_S}
    row = connection.execute(_RUN, {"run": run_id}).first()
    if row is None or not present.keys() >= set(ROLES):
        return None
    first = max(present[role] for role in ROLES)
    return Heard(row.last_step, max(row.stepped, first), max(row.last_seen, first), first)
