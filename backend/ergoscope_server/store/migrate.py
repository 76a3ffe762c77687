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
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
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


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
