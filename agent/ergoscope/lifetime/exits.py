"""How a job leaves: by its end, with an exit status, or by an exception that nobody caught.

The interpreter calls no hook for `sys.exit(1)`. So while a run is open, `sys.exit` raises a `Departure`, a SystemExit
like any other, whose `code` notices who asks for it: when no Python code is left to ask, nobody has caught it and the
interpreter is about to end with it. After a SystemExit that is raised by hand (`raise SystemExit(2)`) it is known only
that the script was broken off, see `ExitWatch.unsure` and `ergoscope.lifetime.status`. A text in its place the
interpreter writes on standard error, where it is overheard.
"""

import atexit
import builtins
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn, cast

from ergoscope.lifetime.script import Script


class ExitWatch:
    """Calls `leave` with the reason when the interpreter ends; the reason is empty when nothing went wrong."""

    def __init__(self, leave: Callable[[str], None]) -> None:
        self._leave = leave
        self._reason = ""
        self._told = False  # whether it was said why the interpreter ends, if only that all is well
        self._script: Script | None = None
        self._overheard: list[str] = []
        self._previous = sys.excepthook

    @property
    def reason(self) -> str:
        """Why the interpreter is about to end, as far as it is known that something went wrong."""
        last: BaseException | None = getattr(sys, "last_value", None)
        if last and self.unsure and self._script and self._script.is_left_by(last.__traceback__):
            self.note(describe(last))  # somebody's excepthook did not call ours
        match self._overheard:
            case [text, "\n", *_] if self.unsure and text.strip():  # complaints of a __del__ come in other pieces
                self.note(describe(SystemExit(text)))
        return self._reason

    @property
    def unsure(self) -> bool:
        """Whether the script was broken off, and nobody has said by what: the process may still end well, or not."""
        return not self._told and self._script is not None and self._script.broken_off

    def install(self) -> None:
        """Begin to watch; an excepthook that is there already still runs."""
        self._script = Script()
        self._previous = sys.excepthook
        sys.excepthook = self._on_exception
        atexit.register(self._on_exit)
        _statuses.add(self)

    def remove(self) -> None:
        """Stop watching. When somebody has hooked in after us, our hook stays as a pass-through."""
        atexit.unregister(self._on_exit)
        _statuses.discard(self)
        self._script = None
        if sys.excepthook == self._on_exception:
            sys.excepthook = self._previous

    def note(self, reason: str) -> None:
        """Say why the interpreter would end now; empty when all is well again."""
        self._reason, self._told = reason, True

    def overhear(self, text: str) -> None:
        """Take a piece of what the interpreter writes on standard error when no Python code is left to write it."""
        if self.unsure:
            self._overheard.append(text)

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.note(describe(error))
        self._previous(kind, error, trace)

    def _on_exit(self) -> None:
        self._leave(self.reason)


_CODE = vars(SystemExit)["code"]  # the descriptor of the attribute that is hidden below


class Departure(SystemExit):
    """The exception of `sys.exit` while a run is open; to everyone who reads or pickles it, a SystemExit."""

    @property
    def code(self) -> str | int | None:
        """The exit status; the interpreter itself asks for it last."""
        if sys._getframe().f_back is None:
            _statuses.tell(describe(self))
        status: str | int | None = _CODE.__get__(self)
        return status

    @code.setter
    def code(self, value: str | int | None) -> None:
        _CODE.__set__(self, value)

    def __reduce__(self) -> tuple[type[SystemExit], tuple[object, ...]]:
        """Be a plain SystemExit in another process."""
        return SystemExit, self.args


Departure.__module__, Departure.__name__, Departure.__qualname__ = "builtins", "SystemExit", "SystemExit"


class _Statuses:
    """Puts our `sys.exit`, and the `exit` of beginners, in place as long as somebody watches, and an ear on stderr.

    One for the process, as `sys.exit` is one for the process.
    """

    def __init__(self) -> None:
        self._watches: list[ExitWatch] = []
        self._placed: list[tuple[object, str, object, object]] = []  # where, name, theirs, ours
        self._ear: tuple[object, object] | None = None  # the stream, and its `write` that listens

    def add(self, watch: ExitWatch) -> None:
        if not self._watches:
            self._place(sys, "exit")
            quitter = type(getattr(builtins, "exit", None))
            if quitter.__module__ == "_sitebuiltins":
                self._place(quitter, "__call__")
            self._listen(sys.stderr)
        self._watches.append(watch)

    def discard(self, watch: ExitWatch) -> None:
        self._watches = [other for other in self._watches if other is not watch]
        if self._watches:
            return
        for holder, name, theirs, ours in self._placed:
            if getattr(holder, name) is ours:
                setattr(holder, name, theirs)
        self._placed.clear()
        if self._ear is not None:
            stream, write = self._ear
            if vars(stream).get("write") is write:
                del vars(stream)["write"]
            self._ear = None

    def tell(self, reason: str) -> None:
        for watch in self._watches:
            watch.note(reason)

    def _listen(self, stream: object) -> None:
        """Hear what goes through a stream's `write` that no Python code gave it; one that has been changed is left."""
        theirs = getattr(stream, "write", None)
        if theirs is None or "write" in getattr(stream, "__dict__", {}):
            return

        def write(*given: str) -> object:
            if sys._getframe().f_back is None:
                for watch in self._watches:
                    watch.overhear(*given)
            return theirs(*given)

        with contextlib.suppress(AttributeError, TypeError):  # streams without room for it
            setattr(stream, "write", write)  # noqa: B010  # mypy knows streams by their methods
            self._ear = stream, write

    def _place(self, holder: object, name: str) -> None:
        theirs = cast("Callable[..., None]", getattr(holder, name))
        owner = os.getpid()

        def leave(*given: object) -> NoReturn:
            """Exit the interpreter by raising SystemExit(status)."""
            try:
                theirs(*given)
            except SystemExit as error:
                # A thread's SystemExit is known by its very type, and a child's is not this job's end.
                if type(error) is not SystemExit or not self._watches or os.getpid() != owner or not _in_main_thread():
                    raise
                status = error.args
            raise Departure(*status)

        setattr(holder, name, leave)
        self._placed.append((holder, name, theirs, leave))


_statuses = _Statuses()


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def describe(error: BaseException) -> str:
    """Say in one line what an exception says; empty for an exit that means success.

    Example:
        >>> describe(ValueError("no luck")), describe(SystemExit(3)), describe(SystemExit())
        ('ValueError: no luck', 'exit status 3', '')
    """
    if isinstance(error, SystemExit):
        return _describe_exit(error)
    try:
        text = str(error)
    except Exception:  # foreign exceptions may fail at this
        text = ""
    first = text.strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _describe_exit(error: SystemExit) -> str:
    status = error.args[0] if len(error.args) == 1 else error.args or None
    if status is None or status == 0:
        return ""
    if isinstance(status, int):
        cause = error.__context__
        behind = f" after {describe(cause)}" if isinstance(cause, Exception) else ""
        return f"exit status {int(status)}{behind}"
    return f"exit: {str(status).strip().partition(chr(10))[0][:300]}"
