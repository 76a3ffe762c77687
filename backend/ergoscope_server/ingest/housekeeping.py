"""The thread that folds the log, deletes what is folded and old, and notices runs that fall silent."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Protocol

from ergoscope_contract.answers import RunSummary
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.due import Due
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.errors import StoreError

TICK_S = 1.0
SWEEP_S = 30.0

log = logging.getLogger(__name__)


class HouseStore(Protocol):
    """What housekeeping does to the store."""

    def fold(self, run: str) -> int | None: ...
    def unfolded(self) -> list[str]: ...
    def untidy(self) -> list[str]: ...
    def tidy(self, run: str) -> None: ...
    def summary(self, run: str) -> RunSummary | None: ...


class Housekeeping:
    """Keeps the log short while batches arrive; one thread."""

    def __init__(
        self,
        store: HouseStore,
        gauges: Gauges,
        *,
        changed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread; `changed` is called there with a run whose status changed by the mere passing of time."""
        self._store = store
        self._gauges = gauges
        self._changed = changed
        self._clock = clock
        self._wake = Condition()
        self._due = Due(store.unfolded())
        self._swept = clock()
        self._closed = False
        self._thread = Thread(target=self._work, name="ergoscope-housekeeping", daemon=True)
        self._thread.start()

    def stored(self, batches: Sequence[Arrival]) -> None:
        """Note batches that were stored; from any thread."""
        now = self._clock()
        with self._wake:
            full = [self._due.arrived(batch.run, len(batch.entry), now=now) for batch in batches]
            self._gauges.unfolded.set(self._due.size)
            if any(full):
                self._wake.notify()

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
                due = self._due.due(now=self._clock())
            try:
                for run in due:
                    self._fold(run)
                self._sweep()
                self._look_for_silence()
            except StoreError as error:  # the log keeps everything; try again with the next tick
                log.warning("housekeeping waits: %s", error)
                time.sleep(TICK_S)

    def _fold(self, run: str) -> None:
        with self._wake:
            self._due.folding(run)
            self._gauges.unfolded.set(self._due.size)
        began = time.perf_counter()
        try:
            points = self._store.fold(run)
        except StoreError:
            with self._wake:
                self._due.missed(run)
            raise
        if points:
            self._gauges.folds.inc(points)
            self._gauges.fold_seconds.observe(time.perf_counter() - began)

    def _sweep(self) -> None:
        if self._clock() - self._swept < SWEEP_S:
            return
        self._swept = self._clock()
        for run in self._store.untidy():
            self._store.tidy(run)

    def _look_for_silence(self) -> None:
        with self._wake:
            quiet = list(self._due.quiet(now=self._clock()))
        for run in quiet:
            summary = self._store.summary(run)
            if summary is None or summary.status != "running":
                with self._wake:
                    self._due.silent(run)
                self._changed(run)
