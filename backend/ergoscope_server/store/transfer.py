"""Moves what one database holds into another, a run at a time, each as it is at one moment.

In the target a run is written whole or not at all, in one transaction, and read back afterwards. So whatever ends a
transfer, what is there is right, and another one goes on with what is missing or has changed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, bindparam, func, select

from ergoscope_server.store import feeds
from ergoscope_server.store.database import Database
from ergoscope_server.store.duty import AWAY_S
from ergoscope_server.store.errors import StoreError, UnavailableError
from ergoscope_server.store.migrate import BARE, is_known, migrate, newest, revision_of
from ergoscope_server.store.rows import Digest, Rows, rows_of_runs, rows_of_service
from ergoscope_server.store.runs import deleted
from ergoscope_server.store.tables import deletion, duty
from ergoscope_server.store.tables import run as runs

_LOCK = 7118  # of transfers into one database, one writes at a time
_IDS = select(runs.c.id).order_by(runs.c.created, runs.c.id)
_DELETED = select(deletion.c.run).order_by(deletion.c.run)
_STATE = select(runs.c.cursor, runs.c.status).where(runs.c.id == bindparam("run"))
_SEEN = select(func.max(duty.c.seen))


class TransferError(StoreError):
    """What was asked cannot be copied; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a run.

    how: "copied"; "same", as it was there already; or "kept", as the target has what the source has not: `reason`.
    cursor: the newest batch of it that was copied.
    live: whether it had not ended then.
    rows: rows that were written.
    """

    run: str
    how: Literal["copied", "same", "kept"]
    cursor: int = 0
    live: bool = False
    rows: int = 0
    reason: str = ""


class Transfer:
    """A source that may be in use, and a target that is not. Any method may raise UnavailableError."""

    def __init__(
        self, source: str, target: str, *, clock: Callable[[], float], wrote: Callable[[int], None] = lambda _: None
    ) -> None:
        """Open both; tables are made in a target that has none.

        Args:
            source: URL of the database to copy.
            target: URL of the one to fill.
            clock: Gives Unix seconds.
            wrote: Is told again and again how many bytes more were written.

        Raises:
            TransferError: they are one database, there is no source, a schema is of another version, or a service
                works on the target.
            StoreError: a URL is none, or of another database, or its driver is not installed.
        """
        self._source, self._target = Database(source), Database(target)
        self._of_runs, self._of_service = rows_of_runs(), rows_of_service()
        self._wrote = wrote
        try:
            with self._saying("the databases cannot be opened"):
                self._check(clock())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._source.close()
        self._target.close()

    def runs(self) -> list[str]:
        """Give the ids of the source's runs, oldest first, and of those that were deleted there."""
        with self._saying("the source cannot be read"), self._source.read() as reading:
            there = list(reading.execute(_IDS).scalars())
            return there + [run for run in reading.execute(_DELETED).scalars() if run not in set(there)]

    def move(self, run: str) -> Moved:
        """Make a run in the target what it is in the source.

        Raises:
            TransferError: what was written is not what was read.
        """
        with self._saying(f"run {run!r} was not copied"):
            with self._source.read() as reading, self._writing() as writing:
                reason = _reason_to_keep(reading, writing, run)
                if reason:
                    return Moved(run, "kept", reason=reason)
                state = reading.execute(_STATE, {"run": run}).first()
                written = self._replace(self._of_runs, reading, writing, run)
            self._verify(written, run, f"run {run!r}")
        cursor, live = (state.cursor, state.status == "running") if state else (0, False)
        return Moved(run, "copied" if written else "same", cursor, live, _count(written))

    def move_service(self) -> Moved:
        """Make tokens, people and rules of projects in the target what they are in the source.

        A target that holds other runs too serves others, and keeps its own; so does any when the source has none.

        Raises:
            TransferError: what was written is not what was read.
        """
        with self._saying("what belongs to no run was not copied"):
            with self._source.read() as reading, self._writing() as writing:
                if not any(rows.digest(reading, "").rows for rows in self._of_service):
                    return Moved("", "same")
                others = set(writing.execute(_IDS).scalars()) - set(reading.execute(_IDS).scalars())
                if others:
                    reason = f"the target holds {len(others)} runs that the source has not, and keeps its own"
                    return Moved("", "kept", reason=reason)
                written = self._replace(self._of_service, reading, writing, "")
            self._verify(written, "", "what belongs to no run")
        return Moved("", "copied" if written else "same", rows=_count(written))

    def _check(self, now: float) -> None:
        self._check_places()
        _check_revision(self._source, "source")
        if revision_of(self._target) == BARE:
            migrate(self._target)
        _check_revision(self._target, "target")
        self._check_quiet(now)

    def _check_places(self) -> None:
        if _place(self._source) == _place(self._target):
            raise TransferError(f"source and target are one database, {self._source.shown}; name another one with --to")
        if not self._source.exists:
            raise TransferError(
                f"there is no database at {self._source.url.database!r}; name the one to copy with --from"
            )
        folder = self._target.folder
        if folder is not None and not folder.is_dir():
            raise TransferError(f"there is no folder {str(folder)!r}; make it, or name another place with --to")

    def _check_quiet(self, now: float) -> None:
        with self._target.read() as connection:
            seen = connection.execute(_SEEN).scalar()
        if seen is not None and abs(now - seen) < AWAY_S:
            raise TransferError(
                f"a service works on the target, as it said {abs(now - seen):.0f} s ago; stop it and run this again "
                f"after {AWAY_S:.0f} s. The source may be in use"
            )

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._target.write() as connection:
            if not self._target.sqlite:  # whose writers take turns anyway
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection

    @contextmanager
    def _saying(self, what: str) -> Iterator[None]:
        try:
            yield
        except (*self._source.failures, *self._target.failures) as error:
            reason = str(getattr(error, "orig", None) or error).strip()
            text = f"{what}: {reason}; what was copied before stays, so run the same command again to go on"
            raise UnavailableError(text) from error

    def _replace(
        self, tables: list[Rows], reading: Connection, writing: Connection, run: str
    ) -> list[tuple[Rows, Digest]]:
        """Write the tables in which the target differs; give what was written."""
        written = []
        for rows in tables:
            there = rows.digest(writing, run)
            if there.rows and there == rows.digest(reading, run):
                continue
            sent = rows.replace(writing, run, rows.read(reading, run), wrote=self._wrote)
            if sent != there:  # else there is nothing in both
                written.append((rows, sent))
        return written

    def _verify(self, written: list[tuple[Rows, Digest]], run: str, what: str) -> None:
        with self._target.read() as connection:
            for rows, sent in written:
                found = rows.digest(connection, run)
                if found != sent:
                    raise TransferError(
                        f"{what} is not the same in table {rows.name!r}: {sent} in the source, {found} in the target; "
                        "see that nothing else writes to the target, and run the same command again"
                    )


def _count(written: list[tuple[Rows, Digest]]) -> int:
    return sum(sent.rows for _, sent in written)


def _reason_to_keep(reading: Connection, writing: Connection, run: str) -> str:
    """Say why a run of the target must not be replaced; nothing when the source has all that it holds."""
    if deleted(reading, [run]):
        return ""
    if deleted(writing, [run]):
        return "it was deleted in the target"
    here = feeds.read_seen(reading, run)
    for (attempt, rank), seen in feeds.read_seen(writing, run).items():
        if (attempt, rank) not in here or not here[attempt, rank].covers(seen):
            return f"the target has batches of attempt {attempt}, rank {rank}, that the source has not"
    return ""


def _check_revision(database: Database, which: str) -> None:
    seen, ours = revision_of(database), newest()
    if seen == ours:
        return
    if seen == BARE:
        raise TransferError(f"the {which} holds no tables of ergoscope: {database.shown}")
    what = "ERGOSCOPE_DATABASE_URL=... ergoscope migrate" if is_known(seen) else "install the version that wrote it"
    raise TransferError(
        f"the schema of the {which} is at revision {seen}, and this version of ergoscope copies revision {ours}; "
        f"bring it there first: {what}"
    )


def _place(database: Database) -> tuple[object, ...]:
    url = database.url
    if database.sqlite:
        return ("sqlite", Path(url.database or "").resolve())
    return ("postgresql", url.host or "localhost", url.port or 5432, url.database)
