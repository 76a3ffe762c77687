"""What housekeeping does beside folding: delete the rest of deleted runs, and thin what projects do not keep.

It is done in turns of bounded length, so that folding, for which others wait, is never held up for long.
"""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from ergoscope_server.store.errors import StoreError
from ergoscope_server.work.rounds import Rounds

TURN_S = 1.0
CLEAR_EVERY_S = 30.0
THIN_EVERY_S = 600.0

log = logging.getLogger(__name__)


class Chore(Protocol):
    """Does something to a run for so long at most, and says whether nothing is left to do."""

    def __call__(self, run: str, *, within_s: float) -> bool: ...


class UpkeepStore(Protocol):
    """What there is to do, and how it is done."""

    def uncleared(self) -> list[str]: ...
    def clear(self, run: str, *, within_s: float) -> bool: ...
    def overdue(self) -> list[str]: ...
    def thin(self, run: str, *, within_s: float) -> bool: ...


class Chores:
    """The chores of one worker; its rounds say of which runs."""

    def __init__(self, upkeep: UpkeepStore, rounds: Rounds, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._upkeep, self._rounds, self._clock = upkeep, rounds, clock
        self._cleared = self._thinned = float("-inf")  # when it was last looked what there is
        self._gone: list[str] = []
        self._old: list[str] = []

    def turn(self) -> None:
        """Do some of what there is to do, at most some TURN_S long.

        Raises:
            StoreError: the database cannot be asked now.
        """
        now = self._clock()
        if now - self._cleared >= CLEAR_EVERY_S:
            self._gone = self._mine(self._upkeep.uncleared())
            self._cleared = now
        if now - self._thinned >= THIN_EVERY_S:
            self._old = self._mine(self._upkeep.overdue())
            self._thinned = now
        self._work_off(self._gone, self._upkeep.clear, until=now + TURN_S)
        self._work_off(self._old, self._upkeep.thin, until=now + TURN_S)

    def _work_off(self, runs: list[str], do: Chore, *, until: float) -> None:
        while runs and (left := until - self._clock()) > 0:
            run = runs.pop()
            try:
                done = do(run, within_s=left)
            except StoreError:
                runs.append(run)
                raise
            except Exception:  # one run that cannot be dealt with must not keep all others from it
                log.exception("cannot look after run %s", run)
                done = True
            if not done:
                runs.append(run)

    def _mine(self, runs: list[str]) -> list[str]:
        return [run for run in runs if self._rounds.mine(run)]
