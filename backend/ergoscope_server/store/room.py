"""How many runs a project may have: new ones are counted when they come, and no others.

What two transactions add at the same moment neither of them sees, so a project may get as many runs more as come in
that moment.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, func, select

from ergoscope_server.store.tables import run as table

_COUNTS = (
    select(table.c.project, func.count())
    .where(table.c.project.in_(bindparam("projects", expanding=True)))
    .group_by(table.c.project)
)


def without_room(connection: Connection, wanted: Mapping[str, str], *, most: int) -> dict[str, str]:
    """Give those of some new runs for which there is no room, with the reason.

    Args:
        connection: Where to count.
        wanted: The project of each new run, those first that are to be let in first.
        most: Runs that a project may have, 0 for any number.
    """
    if not most or not wanted:
        return {}
    projects = sorted(set(wanted.values()))
    counts = {project: int(n) for project, n in connection.execute(_COUNTS, {"projects": projects})}
    refused: dict[str, str] = {}
    for run, project in wanted.items():
        known = counts.get(project, 0)
        if known < most:
            counts[project] = known + 1
        else:
            refused[run] = (
                f"project {project!r:.80} has {known:,} runs, and may have {most:,}; run {run!r} is not let in. Delete "
                "runs of it, name another project, or have ERGOSCOPE_PROJECT_RUNS raised at the service; what is kept "
                "until then is taken afterwards"
            )
    return refused
