"""The schema's one way in: Alembic revisions, inside the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ergoscope_server.store.database import Database

HEAD = "head"
BARE = "base"


def migrate(database: Database, *, to: str = HEAD) -> None:
    """Bring the schema to a revision.

    Args:
        database: Where.
        to: A revision, HEAD (the newest) or BARE (no tables); an older one than the present is a downgrade.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        present = MigrationContext.configure(connection).get_current_revision()
        past = ScriptDirectory.from_config(config).iterate_revisions(present, BARE) if present else ()
        if to == BARE or to in {script.revision for script in past}:
            command.downgrade(config, to)
        else:
            command.upgrade(config, to)
