"""The thread that folds the log, and deletes what is folded and old.

What it is told of, it folds when enough has come. What nobody told it of, it finds in the log itself by and by.
"""

import logging
import time
from collections.abc import Callable
from threading import Condition, Thread
from typing import Protocol

from ergoscope_server.gauges import Gauges
from ergoscope_server.store.errors import StoreError
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.due import Due
from ergoscope_server.work.rounds import Rounds

TICK_S = 1.0
LOOK_S = 10.0
SWEEP_S = 30.0

log = logging.getLogger(__name__)


class HouseStore(Protocol):
    """What housekeeping does to the store."""

    def fold(self, run: str) -> int | None: ...
    def unfolded(self) -> list[str]: ...
    def untidy(self) -> list[str]: ...
    def tidy(self, run: str) -> None: ...


class Housekeeping:
    """Keeps the log short while batches arrive; one thread."""

    def __init__(
        self,
        store: HouseStore,
        gauges: Gauges,
        rounds: Rounds,
        *,
        tend: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread; it looks after the runs of its rounds.

        Args:
            store: The log.
            gauges: Counts what is folded.
            rounds: Whose runs these are.
            tend: Does whatever else there is to do, for a short time; called every second or so.
            clock: Gives seconds.
        """
        self._tend = tend
        self._store = store
        self._gauges = gauges
        self._rounds = rounds
        self._clock = clock
        self._wake = Condition()
        self._due = Due()
        self._looked = float("-inf")
        self._swept = clock()
        self._closed = False
        self._thread = Thread(target=self._work, name="ergoscope-housekeeping", daemon=True)
        self._thread.start()

    def arrived(self, run: str, announced: Announced) -> None:
        """Note batches that were stored; from any thread."""
        with self._wake:
            if self._due.arrived(run, announced, now=self._clock()):
                self._wake.notify()

    def look(self) -> None:
        """Look soon what the log holds, as when the rounds have changed; from any thread."""
        with self._wake:
            self._looked = float("-inf")
            self._wake.notify()

    @property
    def waiting(self) -> int:
        """Of how many runs something waits to be folded."""
        return len(self._due)

    def close(self) -> None:
        """End the thread after the fold it is at; the log keeps the rest for the next start."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                if not self._closed and not self._due.due(now=self._clock()):
                    self._wake.wait(TICK_S)
                if self._closed:
                    return
            try:
                self._look()
                with self._wake:
                    due = self._due.due(now=self._clock())
                for run in due:
                    self._fold(run)
                self._sweep()
                self._tend()
            except StoreError as error:  # the log keeps everything; try again with the next tick
                log.warning("housekeeping waits: %s", error)
                time.sleep(TICK_S)
            except Exception:  # nor may anything else end the thread, on which all that is taken in depends
                log.exception("housekeeping waits")
                time.sleep(TICK_S)

    def _look(self) -> None:
        """Find what was stored without our hearing of it."""
        if self._clock() - self._looked < LOOK_S:
            return
        with self._wake:
            self._looked = self._clock()
        found = [run for run in self._store.unfolded() if self._rounds.mine(run)]
        with self._wake:
            self._due.found(found)

    def _fold(self, run: str) -> None:
        with self._wake:
            self._due.folding(run)
        began = time.perf_counter()
        try:
            with self._rounds.folding(run):
                points = self._store.fold(run)
        except StoreError:
            with self._wake:
                self._due.missed(run)
            raise
        except Exception:  # one run that cannot be folded must not keep all others from it; it is found again
            log.exception("cannot fold run %s", run, extra={"run": run})
            return
        if points:
            lasted = time.perf_counter() - began
            self._gauges.folds.inc(points)
            self._gauges.fold_seconds.observe(lasted)
            log.info("folded", extra={"run": run, "points": points, "duration_s": round(lasted, 6)})

    def _sweep(self) -> None:
        if self._clock() - self._swept < SWEEP_S:
            return
        self._swept = self._clock()
        for run in self._store.untidy():
            if self._rounds.mine(run):
                self._store.tidy(run)
