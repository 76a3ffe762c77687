"""The schema's one way in: Alembic revisions, inside the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ergoscope_server.store.database import Database

HEAD = "head"
BARE = "base"
_LOCK = 7117  # of processes that start at once, one brings the schema up to date and the others wait


def migrate(database: Database, *, to: str = HEAD) -> tuple[str, str]:
    """Bring the schema to a revision.

    Args:
        database: Where.
        to: A revision, HEAD (the newest) or BARE (no tables); an older one than the present is a downgrade.

    Returns:
        The revision before and the one now; BARE where there are no tables.
    """
    config = _config()
    with database.write() as connection:
        if not database.sqlite:  # whose writers take turns anyway
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config.attributes["connection"] = connection
        present = _revision(connection)
        past = ScriptDirectory.from_config(config).iterate_revisions(present, BARE) if present else ()
        if to == BARE or to in {script.revision for script in past}:
            command.downgrade(config, to)
        else:
            command.upgrade(config, to)
        return present or BARE, _revision(connection) or BARE


def newest() -> str:
    """Give the revision that this version of the code is written for."""
    return str(_scripts().get_current_head())


def is_known(revision: str) -> bool:
    """Whether this version of the code can bring a database at a revision to the newest one."""
    return revision == BARE or revision in {script.revision for script in _scripts().walk_revisions()}


def revision_of(database: Database) -> str:
    """Give the revision that a database is at; BARE where there are no tables."""
    with database.read() as connection:
        return _revision(connection) or BARE


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
