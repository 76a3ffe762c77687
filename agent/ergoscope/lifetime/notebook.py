"""Notebooks: which cell is running, and how cells end.

In a notebook an exception does not end the process, no excepthook is called, and a cell that begins a run is run again
and again. IPython is asked only where it is imported already.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ergoscope.lifetime.exits import describe


class Events(Protocol):
    """IPython's list of callbacks."""

    def register(self, event: str, function: Callable[..., None], /) -> None:
        """Have a function called."""
        ...

    def unregister(self, event: str, function: Callable[..., None], /) -> None:
        """Take it back."""
        ...


class Shell(Protocol):
    """What is needed of IPython's shell."""

    events: Events
    execution_count: int


class Result(Protocol):
    """What IPython says of a cell that has ended."""

    error_before_exec: BaseException | None
    error_in_exec: BaseException | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One execution of a cell; `name` is the same when the cell is run again, empty when that cannot be told."""

    name: str
    execution: int

    def repeats(self, earlier: "Cell") -> bool:
        """Say whether this is a later execution of the same cell."""
        return bool(self.name) and self.name == earlier.name and self.execution != earlier.execution


def running_shell() -> Shell | None:
    """Give IPython's shell where this process is one, in a notebook or a terminal."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    try:
        shell: Shell | None = ask() if callable(ask) else None
    except Exception:
        return None
    return shell if hasattr(shell, "events") and hasattr(shell, "execution_count") else None


def running_cell() -> Cell | None:
    """Give the cell that is running, None outside of notebooks.

    It is known by the id that Jupyter gives it and, where there is none, by its text.
    """
    shell = running_shell()
    if shell is None:
        return None
    return Cell(_cell_id(shell) or _cell_text(shell), shell.execution_count)


def _cell_id(shell: Shell) -> str:
    try:
        metadata = shell.get_parent()["metadata"]  # type: ignore[attr-defined]  # only a kernel's shell has one
        return str(metadata.get("cellId") or metadata.get("cell_id") or "")
    except Exception:
        return ""


def _cell_text(shell: Shell) -> str:
    try:
        return str(shell.history_manager.input_hist_raw[-1])  # type: ignore[attr-defined]  # absent without a history
    except Exception:
        return ""


class CellWatch:
    """Notes how the last cell ended that a run moved in: with an exception, or well."""

    def __init__(self, shell: Shell, *, note: Callable[[str], None], position: Callable[[], int]) -> None:
        """Watch from now on.

        Args:
            shell: IPython's.
            note: Takes the reason for which the run would end as failed; empty when the cell ended well.
            position: How far the run is: a number that changes when something is recorded.
        """
        self._shell, self._note, self._position = shell, note, position
        self._seen = -1  # the cell that begins a run counts as one that it moved in
        shell.events.register("post_run_cell", self._after)

    def remove(self) -> None:
        """Stop watching."""
        try:
            self._shell.events.unregister("post_run_cell", self._after)
        except Exception:  # it is gone already, or of another shell
            return

    def _after(self, result: Result | None = None) -> None:
        try:
            position = self._position()
            if position == self._seen or result is None:
                return
            self._seen = position
            error = result.error_in_exec or result.error_before_exec
            self._note(describe(error) if error is not None else "")
        except Exception:  # a note that cannot be taken is no trouble of the notebook's
            return
