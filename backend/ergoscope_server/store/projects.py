"""Which project a run belongs to."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select

from ergoscope_server.store.tables import run

_PROJECTS = select(run.c.id, run.c.project).where(run.c.id.in_(bindparam("ids", expanding=True)))


def read_projects(connection: Connection, runs: Collection[str]) -> dict[str, str]:
    """Give the project of each run; those that are not there are left out."""
    rows = connection.execute(_PROJECTS, {"ids": sorted(runs)}).all() if runs else []
    return {row.id: row.project for row in rows}
