"""Where a live reader stands: the arrival number of each run, as one string.

    a1b2:17,c3d4:5@1790000000.25

After the `@` stands the time up to which alerts are known; it may be missing.
"""

import re
from dataclasses import dataclass, field

_ONE = re.compile(r"(?:(?P<run>[A-Za-z0-9][A-Za-z0-9_.-]*):)?(?P<number>[0-9]{1,18})")


class CursorError(ValueError):
    """A cursor that cannot be read."""


@dataclass(slots=True)
class Cursors:
    """Arrival number by run, and the time (Unix seconds) up to which alerts are known."""

    numbers: dict[str, int] = field(default_factory=dict)
    time: float | None = None

    def __str__(self) -> str:
        numbers = ",".join(f"{run}:{number}" for run, number in self.numbers.items())
        return numbers if self.time is None else f"{numbers}@{self.time:.6f}"


def read_cursors(text: str, runs: list[str]) -> Cursors:
    """Read a cursor; of one run it may be the bare number.

    Raises:
        CursorError: it is not of that form.

    Example:
        >>> read_cursors("7", ["a"]).numbers, str(read_cursors("a:7,b:1", ["a", "b"]))
        ({'a': 7}, 'a:7,b:1')
    """
    head, _, tail = text.partition("@")
    try:
        cursors = Cursors(time=float(tail) if tail else None)
    except ValueError:
        raise CursorError(_fault(text)) from None
    for part in filter(None, head.split(",")):
        match = _ONE.fullmatch(part)
        run = match["run"] or (runs[0] if len(runs) == 1 else "") if match else ""
        if match is None or not run:
            raise CursorError(_fault(text))
        cursors.numbers[run] = int(match["number"])
    return cursors


def _fault(text: str) -> str:
    return f"the cursor is {text[:80]!r}; it must be RUN:NUMBER, several with commas, as the last answer gave it"
