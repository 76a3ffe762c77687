"""The store as the rest of the service knows it: each method is one transaction."""

import time
from collections.abc import Callable, Collection, Sequence

import numpy as np

from ergoscope_contract.answers import Alert, RankSummary, RunSummary
from ergoscope_contract.records import Event, Histogram, Sketch, Spectrum
from ergoscope_contract.slices import SliceRequest
from ergoscope_server.store import duty, shapes, slices, summary, watching
from ergoscope_server.store import tidy as tidying
from ergoscope_server.store.accept import Outcome, accept
from ergoscope_server.store.answering import Asking, answering
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.cells import F8Array
from ergoscope_server.store.compact import prepare_compaction, write_compaction
from ergoscope_server.store.database import Database
from ergoscope_server.store.duty import Heard, Role
from ergoscope_server.store.ends import Listed, list_names, read_newest, read_oldest
from ergoscope_server.store.fold import prepare, write
from ergoscope_server.store.increments import Increment, read_cursor, read_increment
from ergoscope_server.store.inherit import list_answer, read_answer
from ergoscope_server.store.lineage import Admit
from ergoscope_server.store.migrate import migrate
from ergoscope_server.store.muster import read_ranks
from ergoscope_server.store.pieces import Owner
from ergoscope_server.store.points import IntArray
from ergoscope_server.store.projects import read_projects
from ergoscope_server.store.series import Query, SeriesAnswer
from ergoscope_server.store.slices import Asked
from ergoscope_server.store.tidy import Backlog
from ergoscope_server.store.upkeep import Upkeep
from ergoscope_server.store.watching import Judged


class Store(Asking):
    """Everything that is kept, in the database behind a URL.

    Any method may raise UnavailableError when the database cannot answer, and may be called from any thread.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time, most_runs: int = 0) -> None:
        """Open the database and bring its schema up to date.

        Args:
            url: See Database.
            clock: Gives Unix seconds.
            most_runs: That a project may have; 0 for any number.
        """
        self.database = Database(url)
        super().__init__(self.database)
        self.upkeep = Upkeep(self.database, clock=clock)
        self._clock, self._most_runs = clock, most_runs
        with answering("be opened"):
            self.brought = migrate(self.database)  # from which revision of the schema to which

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def accept(self, batches: Sequence[Arrival]) -> list[Outcome]:
        """Store batches in one transaction; when this returns they are durable."""
        with self._write() as connection:
            return accept(connection, batches, most_runs=self._most_runs)

    def summary(self, run: str) -> RunSummary | None:
        """Give a run's summary, None when there is no such run."""
        with self._read() as connection:
            return summary.read_summary(connection, run, now=self._clock())

    def summaries(
        self,
        *,
        project: str | None = None,
        projects: Collection[str] | None = None,
        status: str | None = None,
        archived: bool = False,
        limit: int = 500,
    ) -> list[RunSummary]:
        """Give the newest runs first, of one project or some where asked; those set aside, or those that are not."""
        with self._read() as connection:
            return summary.read_summaries(
                connection,
                now=self._clock(),
                project=project,
                projects=projects,
                status=status,
                archived=archived,
                limit=limit,
            )

    def ranks(self, run: str) -> list[RankSummary]:
        """Give how each rank of a run's newest attempt stands, by rank; none when there is no such run."""
        with self._read() as connection:
            judged = watching.read_verdict(connection, run)
            lagging = judged.verdict.lagging if judged is not None else ()
            return read_ranks(connection, run, now=self._clock(), lagging=lagging)

    def live_runs(self) -> list[str]:
        """Give the ids of the runs that have not ended."""
        with self._read() as connection:
            return summary.read_live(connection)

    def unjudged_runs(self) -> list[str]:
        """Give the ids of ended runs whose last batches no verdict has seen."""
        with self._read() as connection:
            return summary.read_unjudged(connection)

    def cursor(self, run: str) -> int:
        """Give the number of a run's newest arrival; UnknownRunError when there is no such run."""
        with self._read() as connection:
            return read_cursor(connection, run)[0]

    def series(self, run: str, query: Query, *, admit: Admit | None = None) -> SeriesAnswer:
        """Give series of a run; UnknownRunError when there is no such run.

        admit: of a run that was forked, with the history of the runs that this lets in; its own part without it.
        """
        with self._read() as connection:
            return read_answer(connection, run, query, admit)

    def series_of_runs(
        self, runs: Collection[str], query: Query, *, admit: Admit | None = None
    ) -> dict[str, SeriesAnswer | None]:
        """Give series of several runs as they are at one moment, None for those that are not there; as `series`."""
        with self._read() as connection:
            there = set(read_projects(connection, runs))
            return {run: read_answer(connection, run, query, admit) if run in there else None for run in runs}

    def increment(self, run: str, since: int, metrics: Sequence[str], *, rank: int | None = 0) -> Increment:
        """Give what arrived after a cursor; UnknownRunError when there is no such run."""
        with self._read() as connection:
            return read_increment(connection, run, since, metrics, rank)

    def listed(self, run: str, *, admit: Admit | None = None) -> list[Listed]:
        """Give every series of a run; UnknownRunError when there is no such run. `admit` as in `series`."""
        with self._read() as connection:
            return list_answer(connection, run, admit)

    def keys(self, run: str) -> list[str]:
        """Give the names of a run's series; none when there is no such run."""
        with self._read() as connection:
            return list_names(connection, run)

    def tail(self, run: str, metric: str, n: int, *, after: int | None = None) -> tuple[IntArray, F8Array]:
        """Give steps and values of the newest `n` points of all ranks as one, beyond a step where given, in order."""
        with self._read() as connection:
            points = read_newest(connection, run, metric, n, after=after)
        return points.steps, points.values.astype(np.float64)

    def head(self, run: str, metric: str, n: int) -> tuple[IntArray, F8Array]:
        """Give steps and values of the first `n` points of all ranks as one in step order."""
        with self._read() as connection:
            points = read_oldest(connection, run, metric, n)
        return points.steps, points.values.astype(np.float64)

    def fold(self, run: str) -> int | None:
        """Fold what the log of a run holds, MOST_ROWS batches at a time; give the points folded, None for an empty log.

        Of several that fold the same run at once one does the work, and the others give 0.
        """
        points: int | None = None
        while True:
            with self._read() as connection:
                folded = prepare(connection, run)
            if folded is None:
                return points
            with self._write() as connection:
                done = write(connection, run, folded)
            for owner in folded.crowded if done else []:
                self._compact(run, owner)
            points = (points or 0) + (folded.points if done else 0)
            if not (done and folded.more):
                return points

    def unfolded(self) -> list[str]:
        """Give the runs whose log holds more than is folded."""
        with self._read() as connection:
            return tidying.unfolded(connection)

    def backlog(self) -> Backlog:
        """Give what the logs of all runs hold beyond what is folded."""
        with self._read() as connection:
            return tidying.read_backlog(connection)

    def untidy(self) -> list[str]:
        """Give the runs whose log holds folded rows."""
        with self._read() as connection:
            return tidying.untidy(connection)

    def tidy(self, run: str) -> None:
        """Delete the folded rows of a run's log that need not be kept."""
        with self._write() as connection:
            tidying.tidy(connection, run, now=self._clock())

    def _compact(self, run: str, owner: Owner) -> None:
        with self._read() as connection:
            made = prepare_compaction(connection, run, owner)
        if made is not None:
            with self._write() as connection:
                write_compaction(connection, run, made)

    def events(self, run: str) -> list[Event]:
        """Give a run's events in the order they arrived."""
        with self._read() as connection:
            return shapes.read_events(connection, run)

    def histograms(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Histogram]:
        """Give the newest histograms of a key in step order."""
        with self._read() as connection:
            return shapes.read_histograms(connection, run, key, rank=rank, limit=limit)

    def sketches(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Sketch]:
        """Give the newest sketches of a key in step order."""
        with self._read() as connection:
            return shapes.read_sketches(connection, run, key, rank=rank, limit=limit)

    def spectra(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Spectrum]:
        """Give the newest spectra of a key in step order."""
        with self._read() as connection:
            return shapes.read_spectra(connection, run, key, rank=rank, limit=limit)

    def ask_slice(self, run: str, request: SliceRequest) -> None:
        """Keep a request for a slice until it is answered; UnknownRunError, EndedRunError or OpenSliceError."""
        with self._write() as connection:
            slices.ask(connection, run, request, now=self._clock())

    def withdraw_slice(self, run: str, name: str) -> None:
        """Wait no more for a slice; UnknownRunError, UnknownSliceError or AnsweredSliceError."""
        with self._write() as connection:
            slices.withdraw(connection, run, name)

    def slices(self, run: str, *, limit: int = 20) -> list[Asked]:
        """Give the newest slices of a run, the newest first; UnknownRunError when there is no such run."""
        with self._read() as connection:
            return slices.read(connection, run, limit=limit)

    def verdict(self, run: str) -> Judged | None:
        """Give what was judged of a run last."""
        with self._read() as connection:
            return watching.read_verdict(connection, run)

    def save_verdict(self, judged: Judged, events: Sequence[Event] = (), alerts: Sequence[Alert] = ()) -> bool:
        """Put what is judged of a run, with events and alerts, in place of what was; False when another was quicker."""
        with self._write() as connection:
            return watching.save_verdict(connection, judged, events, alerts)

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        """Give alerts, newest first, of one run or state where asked."""
        with self._read() as connection:
            return watching.read_alerts(connection, run=run, state=state)

    def save_alert(self, alert: Alert) -> None:
        """Insert an alert, or put it in place of the one with its id."""
        with self._write() as connection:
            watching.save_alert(connection, alert)

    def report(self, role: Role) -> None:
        """Say that this process does its part now."""
        with self._write() as connection:
            duty.report(connection, role, now=self._clock())

    def heard(self, run: str) -> Heard | None:
        """Say when a run was heard of; None while the service is not whole or there is no such run."""
        with self._read() as connection:
            return duty.read_heard(connection, run, now=self._clock())
