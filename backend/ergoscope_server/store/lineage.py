"""Where a run comes from: the run that it was forked from, at which step, and so on back to the first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, select

from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.tables import run as table

MOST_ANCESTORS = 16  # that are looked up; each is read by itself

Admit: TypeAlias = Callable[[str, str], bool]  # run, project -> whether it may be read

_HEAD = (table.c.cursor, table.c.project, table.c.fork_run, table.c.fork_step)
_ONE = select(*_HEAD).where(table.c.id == bindparam("run"))


@dataclass(frozen=True, slots=True)
class Head:
    """A run's newest arrival, its project, and where it was forked from; an empty `parent` is nowhere."""

    cursor: int
    project: str
    parent: str
    step: int


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A run of which another one has the history up to a step, that step included."""

    run: str
    last: int


def read_head(connection: Connection, run: str) -> Head:
    """Give where a run stands and comes from.

    Raises:
        UnknownRunError: there is no such run.
    """
    found = _head(connection, run)
    if found is None:
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
    return found


def ancestors(connection: Connection, run: str, head: Head, admit: Admit) -> Iterator[Ancestor]:
    """Give the runs that a run comes from, the nearest first.

    They end at a run that is not there, was met before, or may not be read: what lies behind such a one is not shown,
    or there would be a gap that nobody could explain.
    """
    met, last = {run}, head.step
    while head.parent and head.parent not in met and len(met) <= MOST_ANCESTORS:
        parent, last = head.parent, min(last, head.step)
        found = _head(connection, parent)
        if found is None or not admit(parent, found.project):
            return
        yield Ancestor(parent, last)
        met.add(parent)
        head = found


def _head(connection: Connection, run: str) -> Head | None:
    row = connection.execute(_ONE, {"run": run}).first()
    return None if row is None else Head(row.cursor, row.project, row.fork_run, row.fork_step)
