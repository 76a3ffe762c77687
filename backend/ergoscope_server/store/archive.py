"""Setting runs aside: they are not listed unless asked for, and read as before."""

from sqlalchemy import Connection, bindparam, update

from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.tables import run as runs

_SET = update(runs).where(runs.c.id == bindparam("of_run")).values(archived=bindparam("at"))


def set_archived(connection: Connection, run: str, at: float) -> None:
    """Set a run aside since a moment (Unix seconds), or take it back with 0.

    Raises:
        UnknownRunError: there is no such run.
    """
    if connection.execute(_SET, {"of_run": run, "at": at}).rowcount == 0:
        raise UnknownRunError(f"there is no run {run!r}; the runs list has those there are")
