"""How a job leaves: by its end, or by an exception that nobody caught."""

import atexit
import sys
from collections.abc import Callable
from types import TracebackType


class ExitWatch:
    """Calls `leave` with the reason when the interpreter ends; the reason is empty when no exception ended it."""

    def __init__(self, leave: Callable[[str], None]) -> None:
        self._leave = leave
        self._reason = ""
        self._previous = sys.excepthook

    def install(self) -> None:
        """Begin to watch; an excepthook that is there already still runs."""
        self._previous = sys.excepthook
        sys.excepthook = self._on_exception
        atexit.register(self._on_exit)

    def remove(self) -> None:
        """Stop watching. When somebody has hooked in after us, our hook stays as a pass-through."""
        atexit.unregister(self._on_exit)
        if sys.excepthook == self._on_exception:
            sys.excepthook = self._previous

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._reason = describe(error)
        self._previous(kind, error, trace)

    def _on_exit(self) -> None:
        self._leave(self._reason)


def describe(error: BaseException) -> str:
    """Say in one line what an exception says."""
    try:
        text = str(error)
    except Exception:  # foreign exceptions may fail at this
        text = ""
    first = text.strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
