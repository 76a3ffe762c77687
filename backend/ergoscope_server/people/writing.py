"""Whether a caller may write a batch: into the project that its run is in, and into the one that the batch names."""

from collections.abc import Callable, Collection
from typing import Protocol

from ergoscope_server.people.rights import Caller, Right
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.runs import UNKNOWN

_WRITE = frozenset({Right.WRITE})


class NotAllowedError(PermissionError):
    """The caller may not do it; the text says where it may."""


class ProjectStore(Protocol):
    """Where it stands which project a run belongs to."""

    def projects(self, runs: Collection[str]) -> dict[str, str]:
        """Give the project of each run; those that are not there are left out."""
        ...


def holding(caller: Caller, store: ProjectStore) -> Callable[[Arrival], None] | None:
    """Give what holds a batch against a caller; None where it may write everywhere.

    A batch that comes before the description of its run is taken: it belongs to no project yet.
    """
    if caller.may_everywhere(_WRITE):
        return None

    def hold(batch: Arrival) -> None:
        projects = set(store.projects([batch.run]).values()) - {UNKNOWN}
        if batch.about is not None:
            projects.add(batch.about.project)
        for project in projects:
            if not caller.may(_WRITE, project):
                own = ", ".join(repr(one) for one in sorted(caller.where(_WRITE) or ()))
                raise NotAllowedError(
                    f"{caller.name} may not write into the project of run {batch.run!r}, which is another one; it may "
                    f"write into {own}. Give the job that project (ERGOSCOPE_PROJECT), or a token for its own"
                )

    return hold
