"""What the database says when it cannot be asked now, as one error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ergoscope_server.store.database import Database
from ergoscope_server.store.errors import UnavailableError

_CANNOT = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)  # internal: it only reads for now


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Ask the database for something in here.

    Raises:
        UnavailableError: it cannot do `what` now.
    """
    try:
        yield
    except _CANNOT as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise UnavailableError(f"the database cannot {what} now: {reason}") from error


class Asking:
    """What asks a database, a transaction at a time; UnavailableError where it cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with answering("answer"), self._database.read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with answering("write"), self._database.write() as connection:
            yield connection
