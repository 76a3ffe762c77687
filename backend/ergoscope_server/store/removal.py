"""Deleting a run: at once for everybody who asks, and then row by row, in pieces between which others write.

The first transaction leaves a note that the run is deleted and takes its own row, and with it everything that others
change of it: who takes batches in, folds or judges finds nothing to go on from. What is left then is nobody's, and can
be deleted in any number of steps, by whoever comes by.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Delete, Select, Table, bindparam, delete, select, tuple_, update

from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.runs import deleted
from ergoscope_server.store.tables import alert, deletion, folding, metadata, slice_, verdict
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.writing import Writer

PIECE = 500  # rows of a table that one transaction deletes at most

_AT_ONCE = (folding, verdict, alert, slice_)  # in this order: a verdict is locked before its alerts are written
_LATER = [table for table in metadata.sorted_tables if "run" in table.c and table not in (*_AT_ONCE, deletion)]


@dataclass(frozen=True, slots=True)
class _Steps:
    """How a table's rows of one run are deleted: where the next piece ends, a piece, and all."""

    end: Select[tuple[object, ...]]
    piece: Delete
    all: Delete


def _steps(table: Table) -> _Steps:
    keys = [column for column in table.primary_key if column.name != "run"] or [table.c.run]
    of_run = table.c.run == bindparam("of_run")
    ends = [bindparam(f"end_{i}", type_=column.type) for i, column in enumerate(keys)]
    return _Steps(
        end=select(*keys).where(of_run).order_by(*keys).offset(bindparam("piece")).limit(1),
        piece=delete(table).where(of_run, tuple_(*keys) < tuple_(*ends)),
        all=delete(table).where(of_run),
    )


_STEPS = [_steps(table) for table in _LATER]
_note = Writer(deletion, keep=True)
_DELETE_RUN = delete(runs).where(runs.c.id == bindparam("of_run"))
_DELETE_FIRST = [delete(table).where(table.c.run == bindparam("of_run")) for table in _AT_ONCE]
_UNDONE = select(deletion.c.run).where(deletion.c.done == 0).order_by(deletion.c.run)
_DONE = update(deletion).where(deletion.c.run == bindparam("of_run")).values(done=1)


def remove(connection: Connection, run: str, *, now: float) -> None:
    """Delete a run for everybody who asks; `take_piece` deletes the rest. To do it twice does no harm.

    Raises:
        UnknownRunError: there is no such run, and none was deleted.
    """
    found = connection.execute(_DELETE_RUN, {"of_run": run}).rowcount
    if not found:
        if run in deleted(connection, [run]):
            return
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
    _note(connection, [(run, now, 0)])
    for statement in _DELETE_FIRST:
        connection.execute(statement, {"of_run": run})


def take_piece(connection: Connection, run: str) -> bool:
    """Delete some of the rows of a deleted run; False when none is left."""
    for steps in _STEPS:
        end = connection.execute(steps.end, {"of_run": run, "piece": PIECE}).first()
        if end is not None:
            connection.execute(steps.piece, {"of_run": run, **{f"end_{i}": value for i, value in enumerate(end)}})
            return True
        connection.execute(steps.all, {"of_run": run})
    connection.execute(_DONE, {"of_run": run})
    return False


def undone(connection: Connection) -> list[str]:
    """Give the deleted runs of which rows may be left."""
    return list(connection.execute(_UNDONE).scalars())
