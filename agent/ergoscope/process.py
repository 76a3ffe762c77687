"""Which process is meant, although numbers of processes are used again."""

import os
import select
from pathlib import Path


def birth(pid: int) -> int:
    """Give when a process started, in clock ticks since boot; 0 when that cannot be told here."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The second field is the command in parentheses and may hold anything; field 22 is the start time.
    return int(stat.rpartition(")")[2].split()[19])


def lives(pid: int, born: int) -> bool:
    """Say whether the process that had this number and birth is still running.

    Args:
        pid: Its number.
        born: What `birth` said of it; 0 accepts any process of that number.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it exists, under another user
    if _is_zombie(pid):
        return False
    now = birth(pid)
    return not (born and now) or born == now


def _is_zombie(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in {"Z", "X"}


class Witness:
    """Notices at once that a process is gone, where the system can say so."""

    def __init__(self, pid: int, born: int) -> None:
        self._pid, self._born = pid, born
        self._handle = -1
        if hasattr(os, "pidfd_open"):
            try:
                self._handle = os.pidfd_open(pid)
            except OSError:
                self._handle = -1
        self.gone = not lives(pid, born)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process, at most this long.

        Returns:
            Whether it is gone.
        """
        if self.gone:
            return True
        if self._handle >= 0:
            self.gone = bool(select.select([self._handle], [], [], seconds)[0])
        else:
            select.select([], [], [], seconds)
            self.gone = not lives(self._pid, self._born)
        return self.gone

    def close(self) -> None:
        """Let go of the process."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
