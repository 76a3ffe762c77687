"""What becomes of runs: deleted, set aside, thinned, given out whole; long work in pieces, each a transaction."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ergoscope_contract.answers import Retention
from ergoscope_server.store import removal, retention
from ergoscope_server.store.answering import Asking
from ergoscope_server.store.archive import set_archived
from ergoscope_server.store.database import Database
from ergoscope_server.store.extract import Extraction, extract
from ergoscope_server.store.runs import deleted
from ergoscope_server.store.vacuum import Vacuumed, vacuum

REST_S = 0.01  # between two pieces, so that whoever writes batches has a turn


class Upkeep(Asking):
    """Looks after what is kept, in the store's database.

    Any method may raise UnavailableError when the database cannot answer, and may be called from any thread.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        super().__init__(database)
        self._clock = clock

    def remove(self, run: str) -> None:
        """Delete a run for everybody who asks; UnknownRunError when there is none. `clear` deletes its rows."""
        with self._write() as connection:
            removal.remove(connection, run, now=self._clock())

    def removed(self, run: str) -> bool:
        """Whether a run was deleted."""
        with self._read() as connection:
            return bool(deleted(connection, [run]))

    def uncleared(self) -> list[str]:
        """Give the deleted runs of which rows may be left."""
        with self._read() as connection:
            return removal.undone(connection)

    def archive(self, run: str, *, aside: bool) -> None:
        """Set a run aside, or take it back; UnknownRunError when there is none."""
        with self._write() as connection:
            set_archived(connection, run, self._clock() if aside else 0.0)

    def policies(self) -> list[Retention]:
        """Give what the projects keep that do not keep everything."""
        with self._read() as connection:
            return retention.read_policies(connection)

    def save_policy(self, policy: Retention) -> None:
        """Have a project keep so much from now on."""
        with self._write() as connection:
            retention.save_policy(connection, policy)

    def drop_policy(self, project: str) -> None:
        """Have a project keep everything from now on."""
        with self._write() as connection:
            retention.drop_policy(connection, project)

    def overdue(self) -> list[str]:
        """Give the runs that may hold points which their projects do not keep."""
        with self._read() as connection:
            return retention.read_due(connection, now=self._clock())

    @contextmanager
    def extraction(self, run: str, metrics: Sequence[str], *, rank: int | None = None) -> Iterator[Extraction]:
        """Read a run whole, from one snapshot that is held meanwhile; UnknownRunError or UnknownSeriesError."""
        with self._read() as connection:
            yield extract(connection, run, metrics, rank)

    def vacuum(self) -> Vacuumed | None:
        """Give the space of what was deleted back to the disk; None where nothing is to be done for it."""
        return vacuum(self._database)

    def clear(self, run: str, *, within_s: float) -> bool:
        """Delete the rows of a deleted run, piece by piece; False when some were left after so long."""
        return self._piecewise(lambda: self._clear_some(run), within_s)

    def thin(self, run: str, *, within_s: float) -> bool:
        """Thin what is too old of a run, piece by piece; False when some was left after so long."""
        return self._piecewise(lambda: self._thin_some(run), within_s)

    def _clear_some(self, run: str) -> bool:
        with self._write() as connection:
            return removal.take_piece(connection, run)

    def _thin_some(self, run: str) -> bool:
        with self._read() as connection:
            made = retention.prepare_thinning(connection, run, now=self._clock())
        if made is None:
            return False
        with self._write() as connection:
            retention.write_thinning(connection, run, made)  # where a fold was quicker, the next turn does it
        return True

    def _piecewise(self, take: Callable[[], bool], within_s: float) -> bool:
        """Take pieces until there is none, or the time is over."""
        end = time.monotonic() + within_s
        while take():
            if time.monotonic() >= end:
                return False
            time.sleep(REST_S)
        return True
