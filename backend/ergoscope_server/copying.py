"""Copies all that one database holds into another, and says how far it is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ergoscope_server.store.transfer import Moved

SAY_S = 5.0  # of a long run, how often it is said that it goes on


class Mover(Protocol):
    """What moves a run at a time."""

    def runs(self) -> list[str]:
        """Give the ids of the source's runs."""
        ...

    def move(self, run: str) -> Moved:
        """Make a run in the target what it is in the source."""
        ...

    def move_service(self) -> Moved:
        """Make what belongs to no run in the target what it is in the source."""
        ...


@dataclass(slots=True)
class Copied:
    """What became of all runs.

    kept: those that were left as they are in the target, each with the reason.
    live: those that had not ended, each with the batch that they are copied up to.
    late: how many came into being meanwhile.
    """

    copied: int = 0
    same: int = 0
    rows: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    live: dict[str, int] = field(default_factory=dict)
    late: int = 0

    @property
    def whole(self) -> bool:
        """Whether the target has all that the source had."""
        return not self.kept


class Progress:
    """Says which run is being copied, and of a long one how much is done."""

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float]) -> None:
        self._say, self._clock = say, clock
        self._where, self._bytes, self._said = "", 0, clock()

    def begin(self, where: str) -> None:
        """Note what is copied now."""
        self._where, self._bytes, self._said = where, 0, self._clock()

    def wrote(self, size: int) -> None:
        """Note that so many bytes more are written."""
        self._bytes += size
        if self._clock() - self._said >= SAY_S:
            self._said = self._clock()
            self._say(f"{self._where}: {self._bytes / 2**20:.0f} MiB so far")

    def end(self, moved: Moved) -> None:
        """Say what became of it."""
        said = {
            "copied": f"{moved.rows:,} rows copied and checked",
            "same": "the same already",
            "kept": f"left as it is: {moved.reason}",
        }[moved.how]
        more = f", up to batch {moved.cursor:,}; it has not ended" if moved.live else ""
        self._say(f"{self._where}: {said}{more}")


def copy(mover: Mover, progress: Progress) -> Copied:
    """Copy run after run, and what belongs to none; StoreError where it cannot go on."""
    done = Copied()
    runs = mover.runs()
    for number, run in enumerate(runs, 1):
        progress.begin(f"[{number}/{len(runs)}] {run}")
        moved = mover.move(run)
        progress.end(moved)
        _count(done, moved)
        if moved.live and moved.how != "kept":
            done.live[run] = moved.cursor
    progress.begin("tokens, people and rules of projects")
    moved = mover.move_service()
    progress.end(moved)
    done.rows += moved.rows
    done.late = len(set(mover.runs()) - set(runs))
    return done


def _count(done: Copied, moved: Moved) -> None:
    done.copied += moved.how == "copied"
    done.same += moved.how == "same"
    done.rows += moved.rows
    if moved.how == "kept":
        done.kept[moved.run] = moved.reason
