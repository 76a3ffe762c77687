"""One process at a time: who writes a spool, and who sends it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

WRITER = "writer.lock"
SENDER = "sender.lock"


class FileLock:
    """A lock that ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def acquire(self) -> bool:
        """Try to get it, without waiting.

        Returns:
            Whether it is ours. A file system that knows no locks gives it to everyone: replay is harmless.
        """
        if self._handle >= 0:
            return True
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        except OSError:
            pass
        self._handle = handle
        return True

    def release(self) -> None:
        """Let others have it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> "FileLock":
        """Use as a context after `acquire`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release."""
        self.release()
