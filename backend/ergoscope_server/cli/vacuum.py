"""`ergoscope vacuum`: gives the space of what was deleted back to the disk."""

import argparse
import os
from contextlib import closing

from ergoscope_server.cli.database import declare_database
from ergoscope_server.cli.saying import complain
from ergoscope_server.environment import read_settings
from ergoscope_server.settings import SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store


class Vacuum:
    """Give the space of what was deleted or thinned back to the disk, in the SQLite database that the settings name.

    It rewrites the file, for which as much space again must be free, and while it does nothing else can be written, and
    jobs keep what they measure. PostgreSQL needs none of it: its autovacuum makes space usable again by itself.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        declare_database(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Do it, and say how much it gave back."""
        try:
            with closing(Store(read_settings(os.environ, data_dir=args.data_dir).store_url)) as store:
                given = store.upkeep.vacuum()
        except (SettingsError, StoreError) as error:
            return complain(error)
        if given is None:
            print("PostgreSQL makes the space of what was deleted usable again by itself; nothing is to be done")
        else:
            print(f"the database has {given.after:,} bytes; {given.before - given.after:,} were given back")
        return 0
