"""What a process is told that is one of several twins."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ergoscope.errors import SettingError

VARIABLE = "ERGOSCOPE_TWIN"


@dataclass(frozen=True, slots=True)
class Asked:
    """How this process differs from its twins.

    replace: examples that twins may differ in. draw: which ones this twin replaces; None replaces none.
    every: steps between two looks. seed: of everything that draws. path: the file for what was seen.
    """

    replace: int
    draw: int | None
    every: int
    seed: int
    path: str

    def environment(self) -> dict[str, str]:
        """Give the variable that tells it to a process."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Asked | None":
        """Read what the environment says; None where the process is nobody's twin.

        Raises:
            SettingError: the variable holds something else.
        """
        text = environment.get(VARIABLE)
        if not text:
            return None
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError):
            raise SettingError(
                f"{VARIABLE} is {text!r:.80}; `ergoscope twins` sets it for the processes that it starts, so unset it"
            ) from None
