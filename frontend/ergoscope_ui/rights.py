"""Who looks, and what they may do: what they may not is not offered to them.

The service holds every request against the same rights; here they only decide what is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ergoscope_contract.records import JsonObject

Right = Literal["read", "write", "admin"]
RIGHTS: tuple[Right, ...] = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in all projects, and in some.

    account: of whom is logged in; empty where nobody is asked who they are, or a token or a link says it.
    name: for people, also of those.
    """

    account: str = ""
    name: str = ""
    everywhere: frozenset[str] = frozenset()
    projects: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def may(self, right: Right, project: str) -> bool:
        """Say whether they have a right in a project.

        Example:
            >>> ada = Rights("ada", projects={"digits": frozenset({"read", "write"})})
            >>> ada.may("write", "digits"), ada.may("admin", "digits"), ada.may("write", "other")
            (True, False, False)
        """
        return right in self.everywhere or right in self.projects.get(project, frozenset())


NOTHING = Rights()


def read_rights(answer: JsonObject) -> Rights:
    """Read what the service says of whoever asks."""
    told = answer.get("projects")
    projects = {name: _held(rights) for name, rights in told.items()} if isinstance(told, dict) else {}
    account, name = (str(answer.get(key, "")) for key in ("account", "name"))
    return Rights(account, name, _held(answer.get("everywhere")), projects)


def _held(told: object) -> frozenset[str]:
    return frozenset(map(str, told)) if isinstance(told, Sequence) and not isinstance(told, str) else frozenset()
