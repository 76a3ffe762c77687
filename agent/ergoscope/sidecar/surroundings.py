"""Finds out, beside the job, what it runs on and with which code; once an attempt."""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from ergoscope.capture.code import describe_code
from ergoscope.capture.job import Source
from ergoscope.capture.machine import describe_machine
from ergoscope.capture.packages import describe_packages
from ergoscope_contract.records import Event, JsonObject

DONE = "described"
_log = logging.getLogger("ergoscope.sidecar")


class Surroundings(threading.Thread):
    """Looks around in a thread of its own: git may take seconds, and the ring must be read meanwhile.

    A sidecar that takes over from another one of the attempt has nothing to do once what was found is in the spool;
    before, it looks again, since what its predecessor held in memory is lost.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        *,
        tell: Callable[[Event], None],
        describe: Callable[[JsonObject], None],
        clock: Callable[[], float],
        written: Callable[[], int],
    ) -> None:
        """Prepare to look.

        Args:
            folder: The spool's.
            source: Where to look.
            tell: Takes an event for the next batch.
            describe: Takes what was found for the next batch.
            clock: Gives the time, in s.
            written: Gives how many batches are on disk.
        """
        super().__init__(name="ergoscope-surroundings", daemon=True)
        self._mark = folder / DONE
        self._source, self._tell, self._describe, self._clock = source, tell, describe, clock
        self._written = written
        self._due: int | None = None  # how many batches hold what was found

    def run(self) -> None:
        """Look, and hand over what was found."""
        if self._mark.exists():
            return
        try:
            code, diff = describe_code(self._source)
            packages = describe_packages(self._source.modules, self._source.paths)
            found = {**describe_machine(), "git": code, "packages": packages}
            self._describe({key: value for key, value in found.items() if value})
            if diff:
                self._tell(Event(kind="code", wall=self._clock(), text=_title(code), data={"diff": diff}))
            self._due = self._written() + 2  # the next one may have been packed before
        except Exception as error:  # whatever is odd here, the job's numbers matter more
            _log.warning("the surroundings could not be described: %s", error)

    def settle(self) -> None:
        """Mark it as done once it is on disk; to be called by whoever writes the batches, after each."""
        if self._due is not None and self._written() >= self._due:
            with contextlib.suppress(OSError):  # the disk is full; it is tried again
                self._mark.touch()
                self._due = None


def _title(code: JsonObject) -> str:
    return f"uncommitted: {code['changes']}, on commit {str(code['commit'])[:12]}"
