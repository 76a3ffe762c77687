"""The exit status of the process, noted on disk by the C library after the last of Python is gone.

When the interpreter ends because of a `raise SystemExit(2)`, it drops the exception before it calls anybody: no Python
code can learn the status any more. The C library can: what is given to `on_exit` is called with the status, and with
`fputc` for it the status becomes a byte in a file. It is asked for only by a process that is ending for a reason that
is not known, so nothing is held open while it trains. Where there is no `on_exit`, nothing is noted.
"""

import contextlib
import os
from pathlib import Path

FILE = "status"
_UNBUFFERED = 2  # _IONBF


def await_status(folder: Path) -> bool:
    """Have the status of this process noted in a run's folder when it exits, and whoever reads it wait for that.

    Returns:
        Whether it will be.
    """
    path = folder / FILE
    try:
        import ctypes  # late: a job that ends as expected needs none of it

        library = ctypes.CDLL(None)
        library.fopen.restype = ctypes.c_void_p
        stream = ctypes.c_void_p(library.fopen(os.fsencode(path), b"we"))  # "e": not for children
        if not stream:
            return False
        library.setvbuf(stream, None, _UNBUFFERED, ctypes.c_size_t(0))
        if library.on_exit(library.fputc, stream) == 0:
            return True
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, a C library without on_exit
        pass
    with contextlib.suppress(OSError):  # nobody should wait for it
        path.unlink(missing_ok=True)
    return False


def status_awaited(folder: Path) -> bool:
    """Say whether a job's exit status is still to come, or has come."""
    return (folder / FILE).exists()


def status_seen(folder: Path) -> int | None:
    """Give the exit status of a job that is gone; None when it was not noted, as after a signal."""
    try:
        noted = (folder / FILE).read_bytes()
    except OSError:
        return None
    return noted[0] if noted else None
