"""The rows of runs, as a transaction that takes batches in reads and writes them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.room import without_room
from ergoscope_server.store.tables import deletion
from ergoscope_server.store.tables import run as table
from ergoscope_server.store.writing import Row as TableRow
from ergoscope_server.store.writing import Writer

UNKNOWN = "unknown"  # project of a run whose description has not arrived


@dataclass(slots=True)
class RunState:
    """A run's row while a transaction works on it."""

    project: str = UNKNOWN
    name: str = ""
    created: float = 0.0
    about: bytes = b""
    system: bytes = b""
    latest: dict[str, float] = field(default_factory=dict)
    cursor: int = 0
    attempt: int = -1
    attempts: int = 0
    status: str = "running"
    reason: str = ""
    last_seen: float = 0.0
    gap: float = 0.0
    last_step: int | None = None
    lost: int = 0
    ranks: int = 1
    stepped: float = 0.0
    archived: float = 0.0
    fork_run: str = ""
    fork_step: int = 0


_LOCK = select(table).where(table.c.id.in_(bindparam("ids", expanding=True))).order_by(table.c.id).with_for_update()
_HOLD = select(table.c.id).where(table.c.id == bindparam("run")).with_for_update(read=True)
_DELETED = select(deletion.c.run).where(deletion.c.run.in_(bindparam("ids", expanding=True)))
_save = Writer(table, update=True)
_insert = Writer(table, keep=True)
_latest = msgspec.msgpack.Decoder(dict[str, float])
_pack = msgspec.msgpack.encode


@dataclass(frozen=True, slots=True)
class Locked:
    """The rows of batches' runs, and of those that get none as their projects are full, the reason.

    A run that was deleted is in neither.
    """

    states: dict[str, RunState]
    barred: dict[str, str]


def lock(connection: Connection, batches: Sequence[Arrival], *, most: int = 0) -> Locked:
    """Give the rows of the batches' runs, locked until the transaction ends; a run that is new gets a row.

    Args:
        connection: A transaction.
        batches: Whose runs.
        most: Runs that a project may have, 0 for any number.
    """
    seen = {batch.run: batch.received for batch in batches}
    barred: dict[str, str] = {}
    states = _load(connection, sorted(seen))
    missing = sorted(seen.keys() - states.keys())
    if missing:  # looked up only now: what is deleted meanwhile has held its row until its deletion could be seen
        gone = deleted(connection, missing)
        projects = _projects(batches)
        barred = without_room(connection, {run: projects[run] for run in missing if run not in gone}, most=most)
        missing = [run for run in missing if run not in gone and run not in barred]
    if missing:
        # Another process may insert the same run first: then nothing is inserted here, and its row is locked below.
        fresh = {run: RunState(name=run, created=seen[run], last_seen=seen[run]) for run in missing}
        _insert(connection, [_row(run, state) for run, state in fresh.items()])
        states |= _load(connection, missing)
    return Locked(states, barred)


def _projects(batches: Iterable[Arrival]) -> dict[str, str]:
    """Give the project that each run is said to be of."""
    projects: dict[str, str] = {}
    for batch in batches:
        if batch.about is not None or batch.run not in projects:
            projects[batch.run] = UNKNOWN if batch.about is None else batch.about.project
    return projects


def save(connection: Connection, states: Mapping[str, RunState]) -> None:
    """Write rows back."""
    _save(connection, [_row(run, states[run]) for run in sorted(states)])


def deleted(connection: Connection, ids: Collection[str]) -> set[str]:
    """Give those of some runs that were deleted."""
    return set(connection.execute(_DELETED, {"ids": sorted(ids)}).scalars())


def hold(connection: Connection, run: str) -> bool:
    """Keep a run from being deleted until the transaction ends; False when there is none."""
    return connection.execute(_HOLD, {"run": run}).first() is not None


def read_latest(data: bytes) -> dict[str, float]:
    """Read the newest values of the headline metrics."""
    return _latest.decode(data) if data else {}


def _load(connection: Connection, ids: list[str]) -> dict[str, RunState]:
    return {row.id: _state(row) for row in connection.execute(_LOCK, {"ids": ids}).all()}


def _state(row: Row[tuple[object, ...]]) -> RunState:
    return RunState(
        project=row.project,
        name=row.name,
        created=row.created,
        about=row.about,
        system=row.system,
        latest=read_latest(row.latest),
        cursor=row.cursor,
        attempt=row.attempt,
        attempts=row.attempts,
        status=row.status,
        reason=row.reason,
        last_seen=row.last_seen,
        gap=row.gap,
        last_step=row.last_step,
        lost=row.lost,
        ranks=row.ranks,
        stepped=row.stepped,
        archived=row.archived,
        fork_run=row.fork_run,
        fork_step=row.fork_step,
    )


def _row(run: str, state: RunState) -> TableRow:
    return (
        run,
        state.project,
        state.name,
        state.created,
        state.about,
        state.system,
        _pack(state.latest),
        state.cursor,
        state.attempt,
        state.attempts,
        state.status,
        state.reason,
        state.last_seen,
        state.gap,
        state.last_step,
        state.lost,
        state.ranks,
        state.stepped,
        state.archived,
        state.fork_run,
        state.fork_step,
    )
