"""Slices of the loss: asked for by a person, carried to the job by receipts, answered by grids."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select, tuple_, update

from ergoscope_contract.answers import SliceState
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.errors import (
    AnsweredSliceError,
    EndedRunError,
    OpenSliceError,
    UnknownRunError,
    UnknownSliceError,
)
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.tables import slice_ as table
from ergoscope_server.store.writing import Writer

MOST_KEPT = 100  # of a run
WAITED = ("open", "measuring")
WITHDRAWN = "withdrawn"
CUT_SHORT = "the run ended before it was measured"
TAKEN_BACK = "it was withdrawn"


@dataclass(frozen=True, slots=True)
class Asked:
    """A slice as it stands: what was asked when, and the newest grid, None while none has come.

    request: None of a grid that nobody asked for here, such as one from a run that another service watched.
    """

    id: str
    request: SliceRequest | None
    asked: float
    state: SliceState
    reason: str
    grid: Grid | None


_save = Writer(table, update=True)
_KEY = tuple_(table.c.run, table.c.id)
_LOAD = select(table.c.run, table.c.id, table.c.asked, table.c.state, table.c.request).where(
    _KEY.in_(bindparam("keys", expanding=True))
)
_OPEN = (
    select(table.c.run, table.c.request)
    .where(table.c.run.in_(bindparam("runs", expanding=True)), table.c.state.in_(WAITED))
    .order_by(table.c.run, table.c.asked)
)
_STATUS = select(runs.c.status).where(runs.c.id == bindparam("run"))
_NEWEST = (
    select(table)
    .where(table.c.run == bindparam("run"))
    .order_by(table.c.asked.desc(), table.c.id)
    .limit(bindparam("limit"))
)
_STATE = select(table.c.state).where(table.c.run == bindparam("run"), table.c.id == bindparam("id"))
_WITHDRAW = (
    update(table).where(table.c.run == bindparam("of_run"), table.c.id == bindparam("of_id")).values(state=WITHDRAWN)
)
_SURPLUS = (
    select(table.c.id)
    .where(table.c.run == bindparam("run"))
    .order_by(
        table.c.state.in_(WAITED).desc(),
        (func.length(table.c.request) > 0).desc(),
        table.c.asked.desc(),
        table.c.id,
    )
    .offset(MOST_KEPT)
)
_DELETE = delete(table).where(table.c.run == bindparam("of_run"), table.c.id == bindparam("of_id"))
_pack = msgspec.msgpack.encode
_request = msgspec.msgpack.Decoder(SliceRequest)
_grid = msgspec.msgpack.Decoder(Grid)


def ask(connection: Connection, run: str, request: SliceRequest, *, now: float) -> None:
    """Keep a request until a grid answers it.

    The run's row is locked, so that of two that ask at once one is told of the other.

    Raises:
        UnknownRunError: there is no such run.
        EndedRunError: the run has ended.
        OpenSliceError: a slice of the run is waited for already.
    """
    status = connection.execute(_STATUS.with_for_update(), {"run": run}).scalar()
    if status is None:
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
    if status != "running":
        raise EndedRunError("the run has ended; nothing can measure it")
    waited = read_open(connection, [run]).get(run)
    if waited:
        raise OpenSliceError(
            f"slice {waited[0].id!r} of this run is waited for; ask again when it is there, or withdraw it"
        )
    _save(connection, [(run, request.id, now, "open", _pack(request), b"")])
    _prune(connection, run)


def withdraw(connection: Connection, run: str, name: str) -> None:
    """Wait no more for a slice, and take no grid of it; what was measured of it stays.

    Raises:
        UnknownRunError: there is no such run.
        UnknownSliceError: the run has no such slice.
        AnsweredSliceError: it is measured or refused already.
    """
    if connection.execute(_STATUS.with_for_update(), {"run": run}).scalar() is None:
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
    state = connection.execute(_STATE, {"run": run, "id": name}).scalar()
    if state is None:
        raise UnknownSliceError(f"the run has no slice {name!r}; the list of its slices has those there are")
    if state not in (*WAITED, WITHDRAWN):
        raise AnsweredSliceError(f"slice {name!r} is answered already; there is nothing to withdraw")
    connection.execute(_WITHDRAW, {"of_run": run, "of_id": name})


def write(connection: Connection, taken: Sequence[tuple[int, Arrival]]) -> None:
    """Keep the grids of batches, each in place of an earlier one of its request.

    What is whole, refused or withdrawn stays as it is. Of a run with more than MOST_KEPT slices the oldest go, and
    those first that nobody asked for here.
    """
    newest: dict[tuple[str, str], tuple[Grid, float]] = {}
    for _, batch in taken:
        for grid in batch.grids:
            before = newest.get((batch.run, grid.request))
            if before is None or before[0].partial:
                newest[batch.run, grid.request] = grid, batch.received
    if not newest:
        return
    known = {(row.run, row.id): row for row in connection.execute(_LOAD, {"keys": sorted(newest)})}
    rows = []
    for (run, name), (grid, received) in newest.items():
        row = known.get((run, name))
        asked, request = (received, b"") if row is None else (row.asked, row.request)
        if row is None or row.state in WAITED:
            rows.append((run, name, asked, _state(grid), request, _pack(grid)))
    _save(connection, rows)
    for run in sorted({run for run, name in newest if (run, name) not in known}):
        _prune(connection, run)


def _prune(connection: Connection, run: str) -> None:
    surplus = connection.execute(_SURPLUS, {"run": run}).scalars().all()
    if surplus:
        connection.execute(_DELETE, [{"of_run": run, "of_id": name} for name in surplus])


def read_open(connection: Connection, names: Collection[str]) -> dict[str, list[SliceRequest]]:
    """Give by run the requests that are waited for, the oldest first."""
    found: dict[str, list[SliceRequest]] = {}
    for run, request in connection.execute(_OPEN, {"runs": sorted(names)}):
        if request:
            found.setdefault(run, []).append(_request.decode(request))
    return found


def read(connection: Connection, run: str, *, limit: int) -> list[Asked]:
    """Give the newest `limit` slices of a run, the newest first; when the run has ended, none is waited for.

    Raises:
        UnknownRunError: there is no such run.
    """
    status = connection.execute(_STATUS, {"run": run}).scalar()
    if status is None:
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
    found = []
    for row in connection.execute(_NEWEST, {"run": run, "limit": limit}):
        grid = _grid.decode(row.grid) if row.grid else None
        reason = grid.refused if grid is not None else ""
        state = row.state
        if state == WITHDRAWN:
            state, reason = "refused", TAKEN_BACK
        elif state in WAITED and status != "running":
            state, reason = "refused", CUT_SHORT
        found.append(
            Asked(row.id, _request.decode(row.request) if row.request else None, row.asked, state, reason, grid)
        )
    return found


def _state(grid: Grid) -> SliceState:
    if grid.refused:
        return "refused"
    return "measuring" if grid.partial else "done"
