"""What a live reader is told: events made of what the store holds beyond its cursor.

Nothing is queued for a reader. A notice only says that there is something to read, and the reader's own cursor says
from where; so a slow reader costs nothing, and one that comes back misses nothing.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ergoscope_server.api.answer import spelled
from ergoscope_server.api.cursors import Cursors
from ergoscope_server.api.series import encode_one
from ergoscope_server.api.sight import Sight
from ergoscope_server.bus.bus import EVERY_RUN, Notices
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.store import Store

RUN_EVERY_S = 1.0
OVERLAP_S = 10.0  # that a worker may take from the moment it gives an alert to when that can be read


@dataclass(frozen=True, slots=True)
class Told:
    """One event for a live reader."""

    event: str
    data: object
    cursor: str  # where the reader stands once it has this


class Feeder:
    """Makes one reader's events; holds where it stands.

    runs: whose increments it wants; none means news of all runs that it may see, without increments.
    """

    def __init__(
        self, store: Store, runs: list[str], metrics: list[str], rank: int | None, cursors: Cursors, sight: Sight
    ) -> None:
        self._store = store
        self._sight = sight
        self._runs = runs
        self._metrics = metrics or ["*"]
        self._rank = rank
        self._sent: dict[str, float] = {}  # when a run's summary was last told
        self._stale: set[str] = set()  # runs whose summary is to be told
        self._alerted: set[tuple[str, str]] = set()  # ids of alerts that were told, with their state
        self._whole = time.time()  # when all runs were looked at
        self.cursors = cursors

    def open(self) -> Iterator[Told]:
        """Give what brings the reader up to now: its increments, and the state of its runs."""
        now = time.time()
        for run in self._runs:
            if run not in self.cursors.numbers:
                with suppress(UnknownRunError):
                    self.cursors.numbers[run] = self._store.cursor(run)
        for run in self._runs:
            yield from self._increments(run)
            yield from self._summary(run)
            yield self._tell("verdict", {"run": run})
        known, self.cursors.time = self.cursors.time, now
        if known is not None:
            asked: list[str | None] = [*self._runs] or [None]
            yield from (told for run in asked for told in self._alerts(run, known))

    def gone(self, notices: Notices) -> Iterator[Told]:
        """Give which runs are deleted, of those that the notices say so of."""
        for run, kinds in notices.items():
            if "deleted" in kinds and run != EVERY_RUN:
                yield from self._deletion(run)

    def news(self, notices: Notices) -> Iterator[Told]:
        """Give what else the notices point to, and the summaries that are due."""
        now = time.time()
        if EVERY_RUN in notices:
            yield from self._everything(now)
        for run, kinds in notices.items():
            if run == EVERY_RUN or not self._sight.has(run):
                continue
            if "arrival" in kinds and run in self._runs:
                yield from self._increments(run)
            if kinds & {"run", "arrival", "verdict"}:  # the summary has the verdict's headline
                self._stale.add(run)
            if "verdict" in kinds:
                yield self._tell("verdict", {"run": run})
            if "slice" in kinds:
                yield self._tell("slice", {"run": run})
            if "alert" in kinds:
                yield from self._alerts(run, (self.cursors.time or now) - OVERLAP_S)
        if any("alert" in kinds for kinds in notices.values()):
            self.cursors.time = now
        for run in [run for run in self._stale if now - self._sent.get(run, 0.0) >= RUN_EVERY_S]:
            yield from self._summary(run)

    def _everything(self, now: float) -> Iterator[Told]:
        """Tell a reader of all runs what notices that were lost may have been about."""
        for summary in self._store.summaries(projects=self._sight.projects):
            if summary.status in ("running", "silent") or summary.last_seen >= self._whole - OVERLAP_S:
                yield self._tell("run", spelled(summary))
        yield from self._alerts(None, self._whole - OVERLAP_S)
        self._whole = now

    def _deletion(self, run: str) -> Iterator[Told]:
        """Tell that a run is gone; its project is too, so only who follows it, or may see every run, is told."""
        if (run in self._runs or (not self._runs and self._sight.projects is None)) and self._store.upkeep.removed(run):
            yield self._tell("deleted", {"run": run})

    def _increments(self, run: str) -> Iterator[Told]:
        while True:
            since = self.cursors.numbers.get(run, 0)
            try:
                answer = self._store.increment(run, since, self._metrics, rank=self._rank)
            except UnknownRunError:
                return
            self.cursors.numbers[run] = answer.cursor
            if answer.torn:
                yield self._tell("reset", {"run": run, "cursor": answer.cursor})
            series = [encode_one(data) for data in answer.series if data.count]
            if series:
                yield self._tell("increment", {"run": run, "cursor": answer.cursor, "series": series})
            if not answer.more:
                return

    def _summary(self, run: str) -> Iterator[Told]:
        self._stale.discard(run)
        self._sent[run] = time.time()
        summary = self._store.summary(run)
        if summary is not None:
            yield self._tell("run", spelled(summary))

    def _alerts(self, run: str | None, after: float) -> Iterator[Told]:
        for alert in self._store.alerts(run=run):
            known = (alert.id, alert.state)
            if (
                max(alert.started, alert.ended or 0.0) >= after
                and known not in self._alerted
                and self._sight.has(alert.run)
            ):
                self._alerted.add(known)
                yield self._tell("alert", spelled(alert))

    def _tell(self, event: str, data: object) -> Told:
        return Told(event, data, str(self.cursors))
