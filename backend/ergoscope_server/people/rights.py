"""What a caller may do, and in which projects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Right(StrEnum):
    """What there is to be allowed; they are named like the scopes of tokens."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


ALL_RIGHTS = frozenset(Right)
NO_RIGHTS: frozenset[Right] = frozenset()
ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.READ}),
    "member": frozenset({Right.READ, Right.WRITE}),
    "admin": ALL_RIGHTS,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    name: for people, such as "token 1a2b3c4d5e6f" or "ada". account: of whom is logged in; else empty.
    everywhere: what it may do in all projects, and with what belongs to none.
    projects: what else it may do in some of them. runs: what it may read beside.
    """

    name: str
    everywhere: frozenset[Right] = NO_RIGHTS
    projects: Mapping[str, frozenset[Right]] = field(default_factory=dict)
    account: str = ""
    runs: frozenset[str] = frozenset()

    def may(self, rights: frozenset[Right], project: str) -> bool:
        """Say whether it has any of some rights in a project."""
        return bool(rights & (self.everywhere | self.projects.get(project, NO_RIGHTS)))

    def may_of(self, rights: frozenset[Right], run: str, project: str) -> bool:
        """Say whether it has any of some rights over a run of a project."""
        return self.may(rights, project) or (Right.READ in rights and run in self.runs)

    def may_everywhere(self, rights: frozenset[Right]) -> bool:
        """Say whether it has any of some rights in all projects."""
        return bool(rights & self.everywhere)

    def may_somewhere(self, rights: frozenset[Right]) -> bool:
        """Say whether it has any of some rights in some project."""
        held = [self.everywhere, *self.projects.values(), *([frozenset({Right.READ})] if self.runs else [])]
        return any(rights & one for one in held)

    def where(self, rights: frozenset[Right]) -> frozenset[str] | None:
        """Give the projects in which it has any of some rights; None for all."""
        if self.may_everywhere(rights):
            return None
        return frozenset(project for project, held in self.projects.items() if rights & held)


OPEN = Caller("anybody who reaches the service", everywhere=ALL_RIGHTS)  # where nobody is asked who they are


def expand(scopes: Iterable[str]) -> frozenset[Right]:
    """Give the rights that scopes stand for: admin has all of them.

    Raises:
        ValueError: there is no such scope.
    """
    rights = frozenset(Right(scope) for scope in scopes)
    return ALL_RIGHTS if Right.ADMIN in rights else rights
