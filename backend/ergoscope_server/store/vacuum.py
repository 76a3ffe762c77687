"""Giving space back: SQLite keeps the pages of what was deleted for what comes, until its file is written anew.

What is deleted makes room for what comes, so most databases never need it. SQLite's `auto_vacuum` would give pages back
by and by, and keep a map of all pages up to date with each batch for it. PostgreSQL's autovacuum makes space usable
again by itself.
"""

import sqlite3
from dataclasses import dataclass

from ergoscope_server.store.database import Database
from ergoscope_server.store.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Bytes of a database, before and after."""

    before: int
    after: int


def vacuum(database: Database) -> Vacuumed | None:
    """Write a SQLite database anew without what is unused; None for PostgreSQL, where nothing is to be done.

    Raises:
        UnavailableError: another one writes for long, or the disk has no room for it.
    """
    if not database.sqlite:
        return None
    try:
        with database.bare() as connection:
            before = _size(connection)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return Vacuumed(before, _size(connection))
    except sqlite3.Error as error:
        raise UnavailableError(
            f"the database cannot be rewritten now: {error}; see that the disk has room for a second one, and that "
            "nothing else writes"
        ) from error


def _size(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)
