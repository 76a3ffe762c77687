"""Signals that end a job at once, noted on disk on the way.

A handler in Python would run only when the interpreter comes by: a job that hangs in C would not die of SIGTERM any
more. The handler of `faulthandler` is C: it writes where the job was, puts the system's own handling back and raises
the signal again, so the job dies then and there, and of the signal. What has a handler of the user's is left alone.
"""

import contextlib
import faulthandler
import os
import re
import signal
from pathlib import Path
from typing import BinaryIO

NAMES = ("SIGTERM", "SIGHUP", "SIGXCPU")
SUFFIX = ".trace"
_PLACE = re.compile(r'File "([^"]*)", line (\d+) in (\S+)')
_LOOKED_AT = 4096  # bytes; the innermost frame comes first

_notes: dict[str, tuple[Path, BinaryIO]] = {}  # one for the process, as a signal's handler is


def note_signals(folder: Path) -> None:
    """Have deadly signals noted in a run's folder from now on; several runs of a process share one note.

    Nothing is taken back at the end of the run: the handler does no more than write before the job dies.
    """
    if not hasattr(faulthandler, "register"):
        return
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) is not signal.SIG_DFL:
            continue
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            _note(name, number, folder / (name + SUFFIX))


def _note(name: str, number: int, path: Path) -> None:
    if name in _notes:
        with contextlib.suppress(OSError):  # the first run's folder may be gone, or on another disk
            os.link(_notes[name][0], path)
            return
    file = path.open("wb", buffering=0)
    faulthandler.register(number, file=file, all_threads=False, chain=True)
    if name in _notes:
        _notes[name][1].close()
    _notes[name] = path, file


def signal_seen(folder: Path, *, since: float) -> str:
    """Say which signal ended a job, and where it was; empty when none was noted.

    Args:
        folder: The run's.
        since: Unix time; an older note is of something that the job survived.

    Returns:
        Words such as "terminated by SIGTERM in step (train.py, line 12)".
    """
    for name in NAMES:
        path = folder / (name + SUFFIX)
        try:
            with path.open("rb") as file:
                text = file.read(_LOOKED_AT).decode(errors="replace")
                changed = os.fstat(file.fileno()).st_mtime
        except OSError:
            continue
        if text and changed >= since:
            place = _PLACE.search(text)
            where = f" in {place[3]} ({Path(place[1]).name}, line {place[2]})" if place else ""
            return f"terminated by {name}{where}"
    return ""


def _forget() -> None:
    """In a forked child: what ends a worker is no word on the job."""
    for name in _notes:
        number = getattr(signal, name)
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.unregister(number)
    _notes.clear()


os.register_at_fork(after_in_child=_forget)
